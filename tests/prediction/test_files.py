import csv
import itertools
import json
import os

import numpy as np
import pytest
import soundfile

from birdml.calibration.presence import Presence
from birdml.calibration.reading import Reading
from birdml.errors import UserError
from birdml.prediction.files import predict_files
from birdml.prediction.hearing import decoded
from birdml.prediction.listen import FRAME_CENTRE, Asked, all_frames
from birdml.prediction.recordings import pooled_logits
from birdml.prediction.segments import FRAMES_PER_SECOND
from birdml.prediction.sources import find_audio
from birdml.prediction.windows import window_logits
from tests.prediction.small import CLASSES, network, noise
from tests.prediction.test_split import SPECIES, model


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "recordings"
    (source / "site 1").mkdir(parents=True)
    soundfile.write(source / "a.wav", noise(7), 22050, subtype="PCM_16")
    stereo = np.repeat(noise(6, seed=2)[:, None], 2, axis=1)
    soundfile.write(source / "site 1" / "b.flac", stereo, 44100)
    soundfile.write(source / "low.wav", noise(2, seed=3)[:8000], 8000)
    soundfile.write(source / "click.wav", noise(1)[:300], 22050)
    (source / "broken.mp3").write_bytes(b"no sound at all" * 100)
    (source / "empty.wav").write_bytes(b"")
    (source / "notes.txt").write_text("not audio")
    return source


def test_every_readable_file_is_predicted_and_the_others_listed(folder, tmp_path):
    outcome = predict_files([(model(), 1.0)], folder, tmp_path / "out", Asked(top=3))
    assert set(outcome.predicted) == {"a.wav", "site 1/b.flac", "low.wav", "click.wav"}
    assert set(outcome.faulty) == {"broken.mp3", "empty.wav"}
    problems = {row["file"]: row["problem"] for row in rows(tmp_path / "out" / "problems.csv")}
    assert "8000 Hz" in problems["low.wav"] and "0.014 s" in problems["click.wav"]
    assert set(problems) == {"low.wav", "click.wav", "broken.mp3", "empty.wav"}
    table = rows(tmp_path / "out" / "predictions.csv")
    assert len(table) == 4 * 3
    first = [row for row in table if row["file"] == "a.wav"]
    logits = pooled_logits(network(), noise(7))
    best = np.argsort(-logits)[:3]
    assert [row["species"] for row in first] == [SPECIES[label].class_id for label in best]
    share = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert float(first[0]["score"]) == pytest.approx(share[best[0]], abs=1e-5)
    assert (first[0]["start"], first[0]["end"], first[0]["rank"]) == ("0.000", "7.000", "1")
    assert rows(tmp_path / "out" / "site 1" / "b.flac.csv") == [
        row for row in table if row["file"] == "site 1/b.flac"
    ]


def test_windows_of_5_seconds_end_with_the_recording(folder, tmp_path):
    asked = Asked("5s", top=1)
    predict_files([(model(), 1.0)], folder / "a.wav", tmp_path / "out", asked)
    table = rows(tmp_path / "out" / "predictions.csv")
    assert [(row["start"], row["end"]) for row in table] == [("0.000", "5.000"), ("5.000", "7.000")]
    best = window_logits(network(), noise(7)).argmax(axis=1)
    assert [row["species"] for row in table] == [SPECIES[label].class_id for label in best]


def test_windows_may_overlap(folder, tmp_path):
    asked = Asked("5s", top=1, hop=0.5)
    predict_files([(model(), 1.0)], folder / "a.wav", tmp_path / "out", asked)
    starts = [float(row["start"]) for row in rows(tmp_path / "out" / "predictions.csv")]
    assert starts == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_every_frame_gives_stretches_that_cover_the_recording(folder, tmp_path):
    asked = Asked("frame", top=CLASSES)
    predict_files([(model(), 1.0)], folder / "a.wav", tmp_path / "out", asked)
    table = [row for row in rows(tmp_path / "out" / "predictions.csv") if row["rank"] == "1"]
    times = [(float(row["start"]), float(row["end"])) for row in table]
    assert all(0 <= start < end <= 7.001 for start, end in times)
    for (_, end), (start, _) in itertools.pairwise(times):
        assert start == pytest.approx(end, abs=2e-3)
    assert times[0][0] < 1 and times[-1][1] > 6


def test_frames_of_a_short_recording_cover_all_of_it(folder, tmp_path):
    predict_files([(model(), 1.0)], folder / "low.wav", tmp_path / "out", Asked("frame", top=1))
    table = rows(tmp_path / "out" / "predictions.csv")
    assert float(table[0]["start"]) < 0.02 and 0.98 < float(table[-1]["end"]) <= 1.0


def test_an_interrupted_run_goes_on_and_redoes_what_has_changed(folder, tmp_path):
    members, out = [(model(), 1.0)], tmp_path / "out"
    predict_files(members, folder, out, Asked())
    before = rows(out / "predictions.csv")
    (out / "low.wav.csv").unlink()
    (out / "problems.csv").unlink()
    again = predict_files(members, folder, out, Asked())
    assert again.predicted == ["low.wav"] and len(again.there) == 3
    assert rows(out / "predictions.csv") == before
    assert {row["file"] for row in rows(out / "problems.csv")} >= {"low.wav", "click.wav"}
    soundfile.write(folder / "a.wav", noise(4), 22050, subtype="PCM_16")
    later = os.stat(out / "a.wav.csv").st_mtime + 10
    os.utime(folder / "a.wav", (later, later))
    assert predict_files(members, folder, out, Asked()).predicted == ["a.wav"]


@pytest.mark.parametrize("seconds", [4.99, 5.0, 5.01, 5.04, 7.4, 9.9, 10.0, 10.02, 12.5])
@pytest.mark.parametrize("hop", [0, 0.4, 2.5, 4.9, 5])
def test_every_second_is_in_a_window(tmp_path, seconds, hop):
    soundfile.write(tmp_path / "a.wav", noise(seconds), 22050, subtype="PCM_16")
    predict_files([(model(), 1.0)], tmp_path / "a.wav", tmp_path / "out", Asked("5s", 1, hop))
    table = rows(tmp_path / "out" / "predictions.csv")
    times = [(float(row["start"]), float(row["end"])) for row in table]
    assert times[0][0] == 0 and times[-1][1] == pytest.approx(seconds, abs=0.002)
    assert all(b <= end + 0.002 for (_, end), (b, _) in itertools.pairwise(times))
    assert all(0 < end - start <= 5.001 for start, end in times)


def test_the_last_window_hears_the_end(tmp_path):
    quiet = np.zeros(round(9.9 * 22050), np.int16)
    loud = quiet.copy()
    loud[round(9.0 * 22050) :] = noise(0.9)
    for name, samples in (("quiet", quiet), ("loud", loud)):
        soundfile.write(tmp_path / f"{name}.wav", samples, 22050, subtype="PCM_16")
        asked = Asked("5s", CLASSES, hop=4.9)
        predict_files([(model(), 1.0)], tmp_path / f"{name}.wav", tmp_path / name, asked)
    ends = [rows(tmp_path / name / "predictions.csv")[-CLASSES:] for name in ("quiet", "loud")]
    assert [r["score"] for r in ends[0]] != [r["score"] for r in ends[1]]


def test_files_of_one_name_from_two_folders_are_not_mixed(folder, tmp_path):
    (tmp_path / "other").mkdir()
    soundfile.write(tmp_path / "other" / "a.wav", noise(4, seed=9), 22050, subtype="PCM_16")
    members, out = [(model(), 1.0)], tmp_path / "out"
    predict_files(members, folder / "a.wav", out, Asked())
    outcome = predict_files(members, tmp_path / "other" / "a.wav", out, Asked())
    assert "would replace" in outcome.faulty["a.wav"]
    assert float(rows(out / "predictions.csv")[0]["end"]) == 7


def test_single_files_add_to_the_table_of_all(folder, tmp_path):
    members, out = [(model(), 1.0)], tmp_path / "out"
    predict_files(members, folder / "a.wav", out, Asked())
    predict_files(members, folder / "low.wav", out, Asked())
    assert {row["file"] for row in rows(out / "predictions.csv")} == {"a.wav", "low.wav"}
    assert [row["file"] for row in rows(out / "problems.csv")] == ["low.wav"]


def test_a_changed_file_is_predicted_again_though_its_time_lies_before(folder, tmp_path):
    members, out = [(model(), 1.0)], tmp_path / "out"
    os.utime(folder / "a.wav", (1e9, 1e9))
    predict_files(members, folder / "a.wav", out, Asked())
    soundfile.write(folder / "a.wav", noise(4), 22050, subtype="PCM_16")
    os.utime(folder / "a.wav", (5e8, 5e8))
    assert predict_files(members, folder / "a.wav", out, Asked()).predicted == ["a.wav"]


def test_one_bad_name_or_file_never_stops_the_others(tmp_path):
    source = tmp_path / "recordings"
    source.mkdir()
    good = source / "good.wav"
    soundfile.write(good, noise(2), 22050, subtype="PCM_16")
    for name in (b"caf\xe9.wav", b"x" * 250 + b".wav", b"$\\frac$ and $x.wav"):
        os.link(os.fsencode(good), os.path.join(os.fsencode(source), name))
    os.mkfifo(source / "pipe.wav")
    outcome = predict_files([(model(), 1.0)], source, tmp_path / "out", Asked(top=1))
    assert len(outcome.predicted) == 3
    assert "too long" in next(iter(outcome.faulty.values()))
    table = rows(tmp_path / "out" / "predictions.csv")
    assert {row["file"] for row in table} == {"good.wav", "caf\\xe9.wav", "$\\frac$ and $x.wav"}


def test_sound_without_a_known_suffix_is_heard(folder, tmp_path):
    (folder / "a.wav").rename(folder / "a.wav.bak")
    (folder / "low.wav").rename(folder / "low")
    outcome = predict_files([(model(), 1.0)], folder, tmp_path / "out", Asked())
    assert {"a.wav.bak", "low"} <= set(outcome.predicted)
    assert "notes.txt" not in outcome.faulty


def test_no_room_for_a_temporary_file_is_a_row(folder, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("birdml.prediction.hearing.tempfile.TemporaryFile", full)
    outcome = predict_files([(model(), 1.0)], folder, tmp_path / "out", Asked())
    assert "No space left" in outcome.faulty["a.wav"]
    assert not outcome.predicted


def test_results_go_into_folders_that_are_ours(folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        predict_files([(model(), 1.0)], folder, tmp_path / "file", Asked())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "settings.json").write_text("{broken")
    with pytest.raises(UserError, match=r"settings\.json' is broken"):
        predict_files([(model(), 1.0)], folder, tmp_path / "out", Asked())


def test_float_values_beyond_full_scale_are_said(folder, tmp_path):
    soundfile.write(folder / "f.wav", noise(2).astype(float), 22050, subtype="FLOAT")
    outcome = predict_files([(model(), 1.0)], folder / "f.wav", tmp_path / "out", Asked())
    assert "beyond full scale" in outcome.remarks["f.wav"]


def by_logit(*thresholds):
    """Curves that are logistic in the logit, far from sure."""
    curves = Presence(("logit",), np.zeros(1), np.ones(1), np.array([[0.0, 1.0]] * CLASSES))
    settings = {"scores": "presence", "thresholds": str(thresholds)}
    return Reading(curves, np.resize(thresholds, CLASSES).astype(float), settings=settings)


def test_scores_are_presence_above_a_threshold_and_windows_become_events(folder, tmp_path):
    members, name = [(model(), 1.0)], folder / "a.wav"
    logits = window_logits(network(), noise(7))
    presence = 1 / (1 + np.exp(-logits.astype(float)))
    least = float(np.sort(presence, axis=1)[:, -3].min())  # in each window, three or more reach it
    reading = by_logit(least)
    apart = Asked("5s", merge=False)
    predict_files(members, name, tmp_path / "apart", apart, reading=reading)
    table = rows(tmp_path / "apart" / "predictions.csv")
    heard = presence >= least
    assert len(table) == np.minimum(heard.sum(axis=1), 5).sum() > 4
    assert float(table[0]["score"]) == pytest.approx(presence[0].max(), abs=1e-5)
    predict_files(members, name, tmp_path / "merged", Asked("5s"), reading=reading)
    events = rows(tmp_path / "merged" / "predictions.csv")
    whole = [row for row in events if row["start"] == "0.000" and row["end"] == "7.000"]
    assert len(events) == heard.any(axis=0).sum() < len(table)
    assert {row["species"] for row in whole} == {
        SPECIES[label].class_id for label in np.flatnonzero(heard.all(axis=0))
    }


def test_events_of_frames_open_at_the_threshold_and_close_at_half_of_it(folder, tmp_path):
    members, asked = [(model(), 1.0)], Asked("frame", top=CLASSES)
    times, scores = [], []
    for frames, logits in all_frames(members, noise(7), asked):
        times += list((frames - 0.5) / FRAMES_PER_SECOND + FRAME_CENTRE)
        scores += list(1 / (1 + np.exp(-logits[:, 2].astype(float))))
    threshold = float(np.quantile(scores, 0.9))
    reading = by_logit(*[threshold if label == 2 else 2.0 for label in range(CLASSES)])
    predict_files(members, folder / "a.wav", tmp_path / "out", asked, reading=reading)
    table = rows(tmp_path / "out" / "predictions.csv")
    assert table and {row["species"] for row in table} == {SPECIES[2].class_id}
    for row in table:
        inside = [
            score
            for time, score in zip(times, scores)
            if float(row["start"]) - 1e-3 <= time < float(row["end"]) - 5e-3
        ]
        assert max(inside) == pytest.approx(float(row["score"]), abs=1e-5) and min(inside) >= (
            threshold / 2
        )
        assert max(inside) >= threshold


def test_nothing_that_sings_is_a_table_without_rows(folder, tmp_path):
    outcome = predict_files(
        [(model(), 1.0)], folder, tmp_path / "out", Asked("5s"), reading=by_logit(2.0)
    )
    assert len(outcome.predicted) == 4 and rows(tmp_path / "out" / "predictions.csv") == []


def test_what_belongs_to_results_is_written_once(folder, tmp_path):
    for text in ("a", "b"):
        predict_files(
            [(model(), 1.0)], folder / "a.wav", tmp_path / "out", Asked(), beside={"t.csv": text}
        )
    assert (tmp_path / "out" / "t.csv").read_text() == "a"


def test_results_of_other_settings_are_never_mixed(folder, tmp_path):
    predict_files([(model(), 1.0)], folder / "a.wav", tmp_path / "out", Asked())
    with pytest.raises(UserError, match="another windows"):
        predict_files([(model(), 1.0)], folder / "a.wav", tmp_path / "out", Asked("5s"))
    with pytest.raises(UserError, match="another scores, thresholds"):
        predict_files(
            [(model(), 1.0)], folder / "a.wav", tmp_path / "out", Asked(), reading=by_logit(0.5)
        )
    with pytest.raises(UserError, match="another model"):
        predict_files([(model(), 0.5)], folder / "a.wav", tmp_path / "out", Asked())
    assert json.loads((tmp_path / "out" / "settings.json").read_text())["windows"] == "recording"


def test_several_models_answer_by_their_weighted_logits(folder, tmp_path):
    members = [(model(), 0.7), (model(trunk="residual"), 0.2), (model(family="meta"), 0.5)]
    asked = Asked(top=1, latitude=-3.0, longitude=-60.0)
    predict_files(members, folder / "a.wav", tmp_path / "out", asked)
    (row,) = rows(tmp_path / "out" / "predictions.csv")
    from birdml.prediction.split import encoded_metadata

    encoded = encoded_metadata(members[2][0], [asked.recording])[0]
    expected = (
        0.7 * pooled_logits(members[0][0].network, noise(7))
        + 0.2 * pooled_logits(members[1][0].network, noise(7))
        + 0.5 * pooled_logits(members[2][0].network, None, metadata=encoded)
    )
    share = np.exp(expected - expected.max()) / np.exp(expected - expected.max()).sum()
    assert row["species"] == SPECIES[expected.argmax()].class_id
    assert float(row["score"]) == pytest.approx(share.max(), abs=1e-5)
    frame = predict_files(members, folder / "a.wav", tmp_path / "frame", Asked("frame", top=1))
    assert frame.predicted == ["a.wav"]


def test_other_formats_have_files_of_their_own(folder, tmp_path):
    out = tmp_path / "out"
    predict_files([(model(), 1.0)], folder / "a.wav", out, Asked("5s"), ("raven", "audacity"))
    assert (out / "a.wav.selections.txt").read_text().count("\n") == 1 + 2 * 5
    assert (out / "a.wav.labels.txt").read_text().count("\n") == 2 * 5
    assert not (out / "predictions.csv").exists()


def test_a_recording_is_decoded_as_it_would_be_prepared(folder):
    with decoded(folder / "a.wav") as (samples, notes):
        assert np.array_equal(samples, noise(7)) and notes.samples == 7 * 22050


def test_folders_without_audio_and_requests_that_cannot_be(folder, tmp_path):
    with pytest.raises(UserError, match="no file or folder"):
        find_audio(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no audio"):
        find_audio(tmp_path / "empty")
    with pytest.raises(UserError, match="windows='10s'"):
        Asked("10s")
    with pytest.raises(UserError, match="hop"):
        Asked("5s", hop=7)
    with pytest.raises(UserError, match="top"):
        Asked(top=0)
