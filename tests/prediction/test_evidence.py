"""What was heard and what date, time and place added, told apart."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from birdml.calibration.events import merged
from birdml.calibration.presence import Presence
from birdml.calibration.reading import Reading
from birdml.ensemble.combination import load_combination
from birdml.errors import UserError
from birdml.prediction.evidence import DROPPED, LIFTED, explained
from birdml.prediction.listen import Asked, listen, place_added
from birdml.steps.predict_files import FileOptions, predict_recordings
from tests.ensemble.saved import combination
from tests.prediction.small import noise

C = 3
HERE = {"date": "2018-05-03", "time": "06:30", "latitude": -3.1, "longitude": -60.0}


def curves(classes):
    """Presence by the logit and the margin, of each species on its own."""
    rng = np.random.default_rng(5)
    coefficients = rng.uniform(0.3, 1.0, (classes, 3))
    return Presence(("logit", "margin"), np.zeros(2), np.ones(2), coefficients)


def pieces(logits):
    starts = 5.0 * np.arange(len(logits))
    return [(starts, starts + 5, np.asarray(logits, np.float32))]


def told(logits, added, threshold=0.5, **options):
    reading = Reading(curves(C), np.full(C, threshold))
    return list(explained(pieces(logits), np.asarray(added), reading, **options))


def test_both_parts_add_up_to_the_log_odds_of_the_score():
    rng = np.random.default_rng(1)
    for event in told(rng.normal(size=(20, C)) * 2, [1.0, -0.5, 0.2]):
        if event.change != DROPPED:
            assert expit(event.audio + event.place) == pytest.approx(event.score, abs=1e-6)
        else:
            assert expit(event.audio) == pytest.approx(event.score, abs=1e-6)


def test_nothing_added_is_no_evidence():
    events = told(np.random.default_rng(2).normal(size=(20, C)) * 2, [0.0] * C)
    assert events and all(event.place == 0 and event.change == "" for event in events)


def test_detections_that_place_made_or_took_away_are_told():
    heard = np.array([[3.0, -6.0, -6.0], [-6.0, 3.0, -6.0], [-6.0, -6.0, -6.0]])
    absurd = np.array([0.0, -12.0, 0.0])  # the second species, here
    assert {(e.label, e.change) for e in told(heard + absurd, absurd)} == {(0, ""), (1, DROPPED)}
    lifted = told(np.array([[-6.0, -6.0, 4.0]]), np.array([0, 0, 9.0]))
    assert [(e.label, e.change) for e in lifted] == [(2, LIFTED)]


def test_what_is_reported_is_what_is_reported_without_asking():
    rng = np.random.default_rng(3)
    logits, added = rng.normal(size=(50, C)) * 3, np.array([2.0, -2.0, 0.5])
    reading = Reading(curves(C), np.full(C, 0.4))
    plain = merged(
        ((s, e, reading.scores(z), z) for s, e, z in pieces(logits)), reading.thresholds, top=2
    )
    asked = told(logits, added, 0.4, top=2)
    bare = [replace(e, audio=None, place=None, change="") for e in asked if e.change != DROPPED]
    assert bare == list(plain)


def test_pieces_do_not_matter():
    rng = np.random.default_rng(4)
    logits, added = rng.normal(size=(40, C)) * 3, np.array([2.0, -2.0, 0.5])
    reading = Reading(curves(C), np.full(C, 0.4))
    (starts, ends, z), *_ = pieces(logits)
    cut = [(starts[i : i + 7], ends[i : i + 7], z[i : i + 7]) for i in range(0, 40, 7)]
    assert list(explained(cut, added, reading)) == told(logits, added, 0.4)


@pytest.mark.parametrize("windows", ["recording", "5s", "frame"])
def test_what_place_adds_is_the_difference_to_being_told_nothing(tmp_path, windows):
    """Of an ensemble with an audio, a metadata and a combined member."""
    weights = {"audio": 0.5, "meta": 0.3, "combined": 0.7}
    members = load_combination(combination(tmp_path, weights)).members
    asked = Asked(windows, merge=True, **HERE)
    samples = noise(11.0)
    added = place_added(members, asked)
    assert np.ptp(added) > 0
    every = replace(asked, merge=False, top=7)
    with_place = {(e.start, e.label): e.logit for e in listen(members, samples, every)}
    without = {(e.start, e.label): e.logit for e in listen(members, samples, every.told_nothing)}
    shared = with_place.keys() & without.keys()
    assert len(shared) >= 7
    if windows != "frame":  # stretches of frames begin where ranks change
        assert {round(with_place[k] - without[k] - added[k[1]], 3) for k in shared} == {0}
    reading = Reading(None, np.zeros(7))  # everything is reported
    for event in listen(members, samples, replace(asked, explain=True), reading):
        with_place_or_without = event.audio + (0 if event.change == DROPPED else event.place)
        assert expit(with_place_or_without) == pytest.approx(event.score, abs=1e-5)
        if windows == "recording":
            heard = Reading().log_odds(np.array([[without[0.0, c] for c in range(7)]]))
            assert event.audio == pytest.approx(heard[0, event.label], abs=1e-3)


def asked_of(tmp_path, weights, **options):
    sounds = tmp_path / "sounds"
    if not sounds.is_dir():
        import soundfile

        sounds.mkdir()
        soundfile.write(sounds / "a.wav", noise(12.0), 22050)
    return FileOptions(
        model=str(combination(tmp_path, weights)),
        recordings=str(sounds),
        out=str(tmp_path / "out"),
        windows="5s",
        explain=True,
        **options,
    )


BOTH = {"audio": 1.0, "meta": 0.5}
WHERE = {"date": "2018-05-03", "latitude": "-3.1", "longitude": "-60"}


def test_a_table_tells_it_and_the_other_tables_hold_what_is_reported(tmp_path):
    predict_recordings(asked_of(tmp_path, BOTH, min_score="0.14", **WHERE))
    with open(tmp_path / "out" / "evidence.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(tmp_path / "out" / "predictions.csv", newline="", encoding="utf-8") as file:
        reported = list(csv.DictReader(file))
    assert rows and {"audio", "place", "score_without_place", "change"} <= set(rows[0])
    kept = [row for row in rows if row["change"] != DROPPED]
    assert [(r["start"], r["species"]) for r in kept] == [
        (r["start"], r["species"]) for r in reported
    ]
    for row in rows:
        with_place, alone = float(row["score"]), float(row["score_without_place"])
        assert logit(with_place) - logit(alone) == pytest.approx(float(row["place"]), abs=2e-3)
        assert (with_place >= 0.14) == (row["change"] != DROPPED)


@pytest.mark.parametrize(
    "weights, options, message",
    [
        ({"audio": 1.0}, WHERE | {"min_score": "0.1"}, "is told none"),
        ({"meta": 1.0}, WHERE | {"min_score": "0.1"}, "does not"),
        (BOTH, {"min_score": "0.1"}, "is told none"),  # date, time and place are unknown
        (BOTH, WHERE, "min_score"),  # uncalibrated: no threshold
        (BOTH, WHERE | {"min_score": "0.1", "merge": False}, "merge"),
        (BOTH, WHERE | {"min_score": "0.1", "format": "evidence"}, "it can be"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, weights, options, message):
    with pytest.raises(UserError, match=message):
        predict_recordings(asked_of(tmp_path, weights, **options))
    assert not (tmp_path / "out").exists()
