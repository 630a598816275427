"""The registered model: loaded in a process that has no birdml, asked in every way, over HTTP."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from birdml.calibration.calibrate import calibrate
from birdml.calibration.saved import save_calibration
from birdml.dataset.prepared import Dataset
from birdml.ensemble.answer import answer
from birdml.ensemble.combination import combine, load_combination
from birdml.ensemble.registration import log_and_register, model_folder
from birdml.ensemble.request import ServedRow, read_rows
from birdml.errors import UserError
from birdml.metadata import metadata_table
from birdml.prediction.recordings import pooled_logits
from tests.calibration.simulated import simulate
from tests.ensemble.saved import SPECIES, combination
from tests.prediction.small import noise

WEIGHTS = {"audio": 0.5, "meta": 0.3, "combined": 0.2}
PLACE = {"date": "2017-05-03", "time": "06:30", "latitude": -3.1, "longitude": -60}
SAMPLES = noise(4.0)


def file_bytes(form: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, SAMPLES, 22050, format=form)
    return buffer.getvalue()


def request(samples=None, **metadata) -> ServedRow:
    row = dict(metadata) if samples is None else {"samples": samples, "rate": 22050, **metadata}
    return read_rows(pd.DataFrame([row]))[0]


def encoded(recipe, table):
    """What a network takes of a table [1, 5]; None where it only listens."""
    return recipe.encoded(table)[0] if recipe.takes_metadata else None


def test_answers_equal_the_sum_of_whole_recordings(tmp_path):
    loaded = load_combination(combination(tmp_path, WEIGHTS))
    asked = request(SAMPLES, **PLACE)
    table = metadata_table([asked.recording])
    logits = [
        pooled_logits(
            model.network,
            SAMPLES,
            metadata=encoded(model.recipe, table),
        )
        for model, _ in loaded.members
    ]
    found = answer(loaded, asked)
    assert found.made_from == "audio and metadata" and not found.reweighted
    assert np.array_equal(found.logits, combine(logits, loaded.weights))


def test_without_audio_or_metadata_the_others_answer(tmp_path):
    loaded = load_combination(combination(tmp_path, WEIGHTS))
    audio, _ = loaded.members[0]
    heard = answer(loaded, request(SAMPLES))
    assert heard.made_from == "audio" and heard.reweighted
    assert heard.logits == pytest.approx(pooled_logits(audio.network, SAMPLES), rel=1e-5)
    read = answer(loaded, request(**PLACE))
    assert read.made_from == "metadata" and read.reweighted
    only_meta = load_combination(combination(tmp_path / "m", {"meta": 1.0}))
    assert read.logits == pytest.approx(answer(only_meta, request(**PLACE)).logits, rel=1e-5)
    assert not answer(only_meta, request(SAMPLES, **PLACE)).reweighted
    with pytest.raises(UserError, match="without date, time or place"):
        answer(only_meta, request(SAMPLES))


def test_every_way_to_give_audio_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("BIRDML_SERVE_PATHS", f"/nowhere{os.pathsep}{tmp_path}")
    path = tmp_path / "a.flac"
    path.write_bytes(file_bytes("FLAC"))
    rows = [
        {"path": str(path)},
        {"audio": file_bytes("WAV")},
        {"audio": base64.b64encode(file_bytes("FLAC")).decode()},
        {"audio": base64.encodebytes(file_bytes("FLAC")).decode()},
        {"samples": SAMPLES, "rate": 22050},
        {"samples": SAMPLES.tolist(), "rate": 22050.0},
        {"samples": (SAMPLES / 32767).tolist(), "rate": 22050},
    ]
    for asked in read_rows(pd.DataFrame(rows)):
        assert np.array_equal(asked.samples, SAMPLES)
    mp3 = read_rows(pd.DataFrame([{"audio": file_bytes("MP3")}]))[0].samples
    assert abs(len(mp3) - len(SAMPLES)) < 3000
    slow = read_rows(pd.DataFrame([{"samples": SAMPLES, "rate": 11025}]))[0].samples
    assert abs(len(slow) - 2 * len(SAMPLES)) < 5


WRONG = [
    ({"samples": [1, 2]}, "rate"),
    ({"samples": [1, 2], "rate": 3}, "rate"),
    ({"samples": [[1], [2]], "rate": 22050}, "list of numbers"),
    ({"samples": [], "rate": 22050}, "no samples"),
    ({"samples": [99999], "rate": 22050}, "16 bits"),
    ({"samples": [1.5], "rate": 22050}, "-1..1"),
    ({"samples": [float("nan")], "rate": 22050}, "-1..1"),
    ({"audio": "?"}, "base64"),
    ({"audio": b"no sound at all"}, "cannot read"),
    ({"audio": 3}, "neither bytes"),
    ({"path": "missing.wav"}, "not read by this server"),
    ({"samples": [1], "rate": 10**400}, "rate"),
    ({"samples": [10**400], "rate": 22050}, "list of numbers"),
    ({"latitude": 10**400}, "no number"),
    ({"date": 10**5000}, "yyyy-mm-dd"),
    ({"latitude": "9" * 70_000}, "-90..90"),
    ({"date": "9" * 70_000}, "yyyy-mm-dd"),
    ({"path": "missing.wav", "samples": [1], "rate": 22050}, "one way"),
    ({"rate": 22050, **PLACE}, "rate belongs"),
    ({"date": "3.5.2017"}, "yyyy-mm-dd"),
    ({"time": "25:00"}, "hh:mm"),
    ({"latitude": 91}, "-90..90"),
    ({"elevation": "high"}, "no number"),
    ({"date": " ", "time": None}, "neither audio nor"),
]


def test_all_faulty_rows_are_listed():
    with pytest.raises(UserError) as error:
        read_rows(pd.DataFrame([PLACE] + [row for row, _ in WRONG], dtype=object))
    said = str(error.value).splitlines()
    assert all(len(line) < 300 for line in said)
    assert len(said) == len(WRONG)
    for number, (line, (_, words)) in enumerate(zip(said, WRONG), 1):
        assert line.removeprefix("row ").startswith(f"{number}: ") and words in line
    with pytest.raises(UserError, match="unknown columns latitutde"):
        read_rows(pd.DataFrame([{"latitutde": 3}]))
    with pytest.raises(UserError, match="no recordings"):
        read_rows(pd.DataFrame())


def test_paths_are_read_only_where_the_owner_allows_it(tmp_path, monkeypatch):
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "a.wav").write_bytes(file_bytes("WAV"))
    (inside / "link.wav").symlink_to(outside / "a.wav")
    monkeypatch.setenv("BIRDML_SERVE_PATHS", str(inside))
    assert read_rows(pd.DataFrame([{"path": str(inside / "a.wav")}]))
    bad = [
        outside / "a.wav",
        inside / "../out/a.wav",
        inside / "link.wav",
        f"{inside}/{'x' * 5000}",
    ]
    bad += ["a\0b", "\ud800", inside]
    table = pd.DataFrame([{"path": str(path)} for path in bad], dtype=object)
    with pytest.raises(UserError) as error:
        read_rows(table)
    said = str(error.value).splitlines()
    assert len(said) == len(table) and all(len(line) < 300 for line in said)


def test_decimals_dates_and_missing_values_are_taken_as_they_come():
    row = {"latitude": Decimal("1.5"), "longitude": Decimal("NaN"), "elevation": float("nan")}
    row |= {"date": pd.Timestamp("2017-05-03"), "time": pd.NaT}
    recording = read_rows(pd.DataFrame([row]))[0].recording
    assert (recording.latitude, recording.longitude, recording.date) == (1.5, None, "2017-05-03")


def test_every_row_that_no_member_can_answer_is_named(tmp_path):
    from mlflow.exceptions import MlflowException

    from birdml.ensemble.served_model import ServedModel

    model = ServedModel()
    model.combination = load_combination(combination(tmp_path, {"meta": 1.0}))
    rows = [PLACE, {"samples": SAMPLES, "rate": 22050}, {"samples": SAMPLES, "rate": 22050}]
    with pytest.raises(MlflowException, match=r"row 1: .*without.*\nrow 2: .*without"):
        model.predict(None, pd.DataFrame(rows))


@pytest.mark.parametrize("given", [3, np.zeros(3), {"date": ["2017-05-03"]}, ["2017-05-03"], None])
def test_what_is_no_table_is_a_mistake_of_the_user(tmp_path, given):
    from mlflow.exceptions import MlflowException

    from birdml.ensemble.served_model import ServedModel

    with pytest.raises(MlflowException, match="no table: send"):
        ServedModel().predict(None, given)


@pytest.mark.parametrize("top", ["5", None, 1.5, True, 0, Decimal(3)])
def test_a_top_that_is_no_whole_number_is_a_mistake_of_the_user(tmp_path, top):
    from mlflow.exceptions import MlflowException

    from birdml.ensemble.served_model import ServedModel

    model = ServedModel()
    model.combination = load_combination(combination(tmp_path, {"meta": 1.0}))
    with pytest.raises(MlflowException, match="top is .*whole number") as error:
        model.predict(None, pd.DataFrame([PLACE]), {"top": top})
    assert error.value.get_http_status_code() == 400


@pytest.fixture
def calibrated(tmp_path):
    """A served model whose scores are presence, and what it says of one recording: [C] each."""
    from birdml.ensemble.served_model import ServedModel

    folder = combination(tmp_path, {"meta": 1.0})
    logits, present = simulate(np.random.default_rng(0), 300, species=len(SPECIES))
    of = Dataset(None, "made-up", "d1", SPECIES, ())
    save_calibration(folder, calibrate(logits - 3, present, range(300), of)[0])
    model = ServedModel()
    model.combination = load_combination(folder)
    answered = answer(model.combination, request(**PLACE)).logits
    return model, model.combination.calibration.presence.probabilities(answered[None])[0]


def ask(model, **params):
    (row,) = model.predict(None, pd.DataFrame([PLACE]), params).to_dict("records")
    return row["scores"], {one["class_id"]: one["score"] for one in row["species"]}


def test_served_scores_are_presence_from_a_threshold_on(calibrated):
    model, presence = calibrated
    for least, params in ((0.1, {}), (0.0, {"min_score": 0}), (0.6, {"min_score": 0.6})):
        kind, found = ask(model, top=9, **params)
        expected = {s.class_id: p for s, p in zip(SPECIES, presence) if p >= least}
        assert kind == "presence" and found == pytest.approx(expected)
    assert len(ask(model, top=2, min_score=0.0)[1]) == 2
    kind, shares = ask(model, scores="softmax", top=9)
    assert kind == "softmax" and sum(shares.values()) == pytest.approx(1)
    strict, loose = (set(ask(model, precision=p, top=9)[1]) for p in (0.99, 0.3))
    assert strict <= loose


def test_served_scores_of_an_uncalibrated_model_say_so(tmp_path):
    from mlflow.exceptions import MlflowException

    from birdml.ensemble.served_model import ServedModel

    model = ServedModel()
    model.combination = load_combination(combination(tmp_path, {"meta": 1.0}))
    kind, shares = ask(model)
    assert kind == "softmax" and len(shares) == 5
    with pytest.raises(MlflowException, match="recall needs calibrated scores"):
        ask(model, recall=0.9)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"scores": "sigmoid"}, "scores='sigmoid'"),
        ({"scores": None}, "scores='None'"),
        ({"min_score": 2.0}, "min_score=2"),
        ({"min_score": "high"}, "min_score is 'high'; it must be a number"),
        ({"precision": True}, "precision is True"),
        ({"precision": 0.9, "recall": 0.9}, "give one of"),
        ({"precision": float("nan")}, "precision=nan"),
        ({"minimum": 0.3}, "minimum"),
    ],
)
def test_rules_that_cannot_be_are_mistakes_of_the_user(calibrated, params, words):
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match=words) as error:
        ask(calibrated[0], **params)
    assert error.value.get_http_status_code() == 400


@pytest.fixture
def registered(client, tmp_path):
    """URI of a registered ensemble, and the folder that it was made from, gone by now."""
    folder = combination(tmp_path, WEIGHTS)
    run = client.create_run(client.create_experiment("e")).info.run_id
    version = log_and_register(client, run, folder, "birdml-ensemble", {"map": "0.5"})
    folder.rename(tmp_path / "elsewhere")
    return f"models:/birdml-ensemble/{version}"


def test_registered_model_is_complete(registered, client, tmp_path):
    import mlflow

    version = client.get_model_version("birdml-ensemble", "1")
    assert version.tags["map"] == "0.5"
    assert version.tags["birdml.members"].startswith("audio version 3 x 0.5, meta version 3 x")
    assert client.get_run(version.run_id).outputs.model_outputs[0].model_id in version.source
    downloaded = Path(mlflow.artifacts.download_artifacts(registered))
    names = {path.suffix for path in downloaded.rglob("*") if path.is_file()}
    assert not names & {".pkl", ".pickle", ".pt", ".pth"}
    assert "torch==" in (downloaded / "requirements.txt").read_text()
    assert load_combination(model_folder(downloaded)).name == "birdml-ensemble"
    second = log_and_register(client, version.run_id, tmp_path / "elsewhere", "birdml-ensemble", {})
    assert second == "2"


def test_loads_where_birdml_is_not_installed(registered, tmp_path):
    code = (
        "import sys, mlflow, numpy as np, pandas as pd\n"
        "sys.path = [p for p in sys.path if p != sys.argv[2]]\n"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "import birdml; assert 'code' in birdml.__file__, birdml.__file__\n"
        "table = pd.DataFrame([{'latitude': 3.0, 'date': '2017-05-03'}])\n"
        "print(model.predict(table, params={'top': 2}).to_json(orient='records'))\n"
    )
    root = str(Path(__file__).parents[2])
    out = subprocess.run(
        [sys.executable, "-c", code, registered, root],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 0, out.stderr[-2000:]
    (row,) = json.loads(out.stdout.splitlines()[-1])
    assert row["made_from"] == "metadata" and row["reweighted"] and len(row["species"]) == 2


def post(port: int, body: dict | bytes, kind: str = "application/json") -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": kind}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", data, headers)
    try:
        with urllib.request.urlopen(asked, timeout=900) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def server(registered, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", registered, "-p", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    log = tmp_path / "server.log"
    with open(log, "w") as out:
        process = subprocess.Popen(
            [*command, "--env-manager", "local"],
            env={**os.environ, "PATH": path},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        for _ in range(1800):
            time.sleep(0.5)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2)
                break
            except OSError:
                assert process.poll() is None, log.read_text()[-2000:]
        yield port, log
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def test_served_over_http(server):
    port, log = server
    audio = base64.b64encode(file_bytes("MP3")).decode()
    record = {"audio": audio, **PLACE}
    ask = {"dataframe_records": [record, {"audio": audio}], "params": {"output": "logits"}}
    status, text = post(port, ask)
    assert status == 200, text
    both, heard = json.loads(text)["predictions"]
    assert (both["made_from"], both["reweighted"]) == ("audio and metadata", False)
    assert (heard["made_from"], heard["reweighted"]) == ("audio", True)
    assert len(both["logits"]) == len(SPECIES) and both["logits"] != heard["logits"]

    status, text = post(port, {"dataframe_records": [record]})
    best = json.loads(text)["predictions"][0]["species"]
    assert len(best) == 5 and best[0]["latin_name"] == f"Avis {np.argmax(both['logits'])}"
    assert best[0]["class_id"] == f"c{np.argmax(both['logits'])}"
    scores = np.exp(np.array(both["logits"]) - max(both["logits"]))
    assert best[0]["score"] == pytest.approx(scores.max() / scores.sum(), rel=1e-5)

    wrong = [{"dataframe_records": [row]} for row, _ in WRONG if not _unsendable(row)]
    wrong += [{"records": []}, {"dataframe_records": []}, b"{", {"inputs": 3}]
    wrong += [{"dataframe_records": [record], "params": {"top": 0}}]
    for body in wrong:
        status, text = post(port, body)
        assert status == 400 and "Traceback" not in text, (body, status, text)
    assert "Traceback" not in log.read_text()

    for params in ({"top": "2"}, {"top": None}, {"top": 2.5}, {"top": 10**30}):
        status, text = post(port, {"dataframe_records": [record], "params": params})
        assert status in (200, 400) and "Traceback" not in text, (params, status, text)
    table = f"{','.join(PLACE)}\n{','.join(map(str, PLACE.values()))}\n"
    status, text = post(port, table.encode(), "text/csv")
    assert status == 200, text
    assert json.loads(text)["predictions"][0]["made_from"] == "metadata"
    status, text = post(port, b"nonsense\n1\n", "text/csv")
    assert status == 400 and "unknown columns nonsense" in text

    with ThreadPoolExecutor(8) as clients:
        answers = list(
            clients.map(lambda _: post(port, {"dataframe_records": [record]}), range(50))
        )
    assert {status for status, _ in answers} == {200} and len({text for _, text in answers}) == 1


def _unsendable(row: dict) -> bool:
    """What JSON has no words for."""
    try:
        return not json.dumps(row)
    except (TypeError, ValueError):
        return True
