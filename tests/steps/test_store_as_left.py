"""Every command on a tracking store as people leave it: moved, purged, cut short, read-only, away.

A store with two models and their ensemble is made once; each case damages a copy of it and starts
commands on it as a user does.
"""

import multiprocessing
import os
import re
import runpy
import shutil
import sqlite3
import sys
import threading
from pathlib import Path

import pytest
from tqdm import tqdm

from tests.datasets import make_dataset
from tests.steps.test_kills import IMPORTED

SCRIPTS = Path(__file__).parent.parent.parent / "entry_points"
FORKING = multiprocessing.get_context("forkserver")
ALSO_IMPORTED = (
    "birdml.commands.models", "birdml.steps.calibrate", "birdml.steps.compare",
    "birdml.steps.ensemble", "birdml.steps.models", "birdml.steps.predict",
    "birdml.steps.predict_files", "birdml.steps.submit", "hyperopt",
    "tests.steps.test_store_as_left")  # fmt: skip
QUICK = "hidden=[8,8] epochs=1 epoch_steps=4 batch_size=8"
COMMANDS = {
    "base": ("train", "--model", "meta1,meta3", "--dataset", "data", "--set", QUICK),
    "there": ("train", "--model", "meta1", "--dataset", "data", "--set", QUICK),
    "train": ("train", "--model", "meta4", "--dataset", "data", "--set", QUICK),
    "predict": ("predict", "--model", "all", "--dataset", "data", "--split", "test"),
    "files": ("predict", "--model", "birdml-ensemble", "--recordings", "songs", "--date",
              "2015-01-10", "--out", "out"),
    "same": ("ensemble", "--dataset", "data", "--evaluations", "10"),
    "ensemble": ("ensemble", "--dataset", "data", "--evaluations", "20", "--strategy", "ascent"),
    "submit": ("submit", "--dataset", "data", "--task", "mono"),
    "compare": ("compare", "--dataset", "data"),
    "calibrate": ("calibrate", "--model", "all", "--dataset", "data"),
    "score": ("score", "--submission", "run.csv", "--truth", "truth.csv"),
    "ls": ("models", "ls"),
    "show": ("models", "show", "birdml-ensemble"),
    "export": ("models", "export", "meta3"),
}  # fmt: skip
WRITTEN = ("submission", "out", "compare.html", "birdml-meta3-1")  # where commands end well
SCRIPTED = [n for n, (script, *_) in COMMANDS.items() if n != "base" and script != "models"]


def call(folder, command, environment, prepare):
    """In the forked process: a command as its script runs it."""
    os.chdir(folder)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        os.environ.pop(name, None)
    os.environ.update(environment)
    for name, number in (("stdout", 1), ("stderr", 2)):
        with open(folder.parent / name, "w") as file:
            os.dup2(file.fileno(), number)
    tqdm.set_lock(threading.RLock())
    if prepare is not None:
        prepare()
    name, *words = COMMANDS[command] if isinstance(command, str) else command
    if name == "models":
        from birdml.commands.models import models

        models(words)
        return
    sys.path.insert(0, str(SCRIPTS))
    sys.argv = [str(SCRIPTS / f"{name}.py"), *words]
    runpy.run_path(sys.argv[0], run_name="__main__")


class Left:
    """A store that can be damaged, and is whole again after `restore`."""

    def __init__(self, folder):
        self.base, self.kept = folder / "base", folder / "kept"
        self.uri = f"sqlite:///{self.base}/mlflow.db"

    def restore(self):
        shutil.rmtree(self.base, ignore_errors=True)
        shutil.copytree(self.kept, self.base, symlinks=True)

    def sql(self, query, *values):
        database = sqlite3.connect(self.base / "mlflow.db")
        rows = database.execute(query, values).fetchall()
        database.commit()
        database.close()
        return rows

    def run_of(self, name):
        """Id and folder of artifacts of a run."""
        query = "SELECT run_uuid, artifact_uri FROM runs WHERE name = ?"
        ((run_id, place),) = self.sql(query, name)
        return run_id, Path(place.removeprefix("file://"))

    def statuses(self):
        return dict(self.sql("SELECT name, status FROM runs"))

    def start(self, command, prepare=None, **environment):
        """Exit code, what it said, and of that what went to stderr."""
        environment = {"MLFLOW_TRACKING_URI": self.uri} | environment
        arguments = (self.base, command, environment, prepare)
        process = FORKING.Process(target=call, args=arguments)
        process.start()
        process.join(120)
        if process.exitcode is None:
            process.kill()
        folder = self.base.parent
        errors = (folder / "stderr").read_text()
        return process.exitcode, (folder / "stdout").read_text() + errors, errors


@pytest.fixture(scope="module")
def made(tmp_path_factory, fresh_store):
    folder = tmp_path_factory.mktemp("left")
    left = Left(folder)
    left.base.mkdir()
    shutil.copy(fresh_store, left.base / "mlflow.db")
    dataset = make_dataset(folder / "made up")
    (left.base / "data").symlink_to(dataset.folder)
    (left.base / "songs").symlink_to(dataset.folder / "audio" / "test")
    (left.base / "run.csv").write_text("1;sp1;0.9;1\n1;sp2;0.1;2\n")
    (left.base / "truth.csv").write_text("1;sp1;sp2\n")
    FORKING.set_forkserver_preload([*IMPORTED, *ALSO_IMPORTED])
    for command in ("base", "same"):
        code, said, _ = left.start(command)
        assert code == 0, said
    for code in left.base.glob("mlruns/*/models/*/artifacts/code"):  # a copy of us, for servers
        shutil.rmtree(code)
    shutil.copytree(left.base, left.kept, symlinks=True)
    return left


@pytest.fixture
def left(made):
    made.restore()
    return made


def moved(left):
    (left.base / "mlruns").rename(left.base / "elsewhere")


def files_of_a_run_removed(left):
    shutil.rmtree(left.run_of("meta3")[1])


def logits_cut(left):
    path = left.run_of("meta3")[1] / "predictions" / "valid" / "logits.npy"
    path.write_bytes(path.read_bytes()[:60])


def names_removed(left):
    (left.run_of("meta3")[1] / "predictions" / "valid" / "recordings.csv").unlink()


def models_removed(left):
    for folder in left.base.glob("mlruns/*/models"):
        shutil.rmtree(folder)


def run_deleted(left):
    left.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name = 'meta3'")


def run_purged(left):
    run_id, folder = left.run_of("meta3")
    for table in ("tags", "metrics", "params", "latest_metrics", "runs"):
        left.sql(f"DELETE FROM {table} WHERE run_uuid = ?", run_id)
    shutil.rmtree(folder)


def experiment_deleted(left):
    left.sql("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'birdml'")
    left.sql("UPDATE runs SET lifecycle_stage = 'deleted' WHERE name != 'claims'")


def other_experiments_deleted(left):
    left.sql("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name != 'birdml'")


def tag_removed(left):
    run_id, _ = left.run_of("meta3")
    left.sql("DELETE FROM tags WHERE key = 'birdml.model' AND run_uuid = ?", run_id)


def _unregister(left, name):
    for table in ("model_version_tags", "registered_model_tags", "registered_model_aliases",
                  "model_versions", "registered_models"):  # fmt: skip
        left.sql(f"DELETE FROM {table} WHERE name = ?", name)


def model_unregistered(left):
    _unregister(left, "birdml-meta3")


def ensemble_unregistered(left):
    _unregister(left, "birdml-ensemble")


def model_renamed(left):
    left.sql("PRAGMA foreign_keys = OFF")
    for table in ("model_version_tags", "registered_model_tags", "registered_model_aliases",
                  "model_versions", "registered_models"):  # fmt: skip
        left.sql(f"UPDATE {table} SET name = 'mine' WHERE name = 'birdml-meta3'")


def alias_removed(left):
    left.sql("DELETE FROM registered_model_aliases")


def place_taken(left):
    (left.base / "file").touch()
    _place(left, f"{left.base}/file/artifacts")


def place_of_no_kind(left):
    _place(left, "s4://bucket/x")


def place_of_a_server(left):
    _place(left, "mlflow-artifacts:/x")


def _place(left, where):
    left.sql("UPDATE experiments SET artifact_location = ? WHERE name = 'birdml'", where)


def disk_takes_nothing(left):
    for name in ("meta1", "meta3"):
        folder = left.run_of(name)[1]
        shutil.rmtree(folder)
        folder.touch()


def database_cut(left):
    path = left.base / "mlflow.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def database_of_another_mlflow(left):
    left.sql("UPDATE alembic_version SET version_num = '451aebb31d03'")


def no_database(left):
    (left.base / "mlflow.db").write_text("Where did I put my store?\n" * 100)


def folder_for_a_database(left):
    (left.base / "mlflow.db").unlink()
    (left.base / "mlflow.db").mkdir()


def untouched(left):
    pass


MOVED = "is not there: the store, or a part of it, was moved"
AGAIN = "registered again from its run"
ABSENT = r"birdml-meta3 version 1: its run \w+ "
LEFT_OVER = "MLFLOW_RUN_ID names the run deadbeef, which is not in this store: unset"


def each(commands, code, words=""):
    """The same expected of several commands."""
    return dict.fromkeys(commands.split(), (code, words))


CASES = [  # damage, environment, command -> exit code and words
    (moved, {}, each("predict files ensemble submit compare calibrate export", 2, MOVED)
     | each("there ls show", 0)),
    (files_of_a_run_removed, {}, {"compare": (0, f"left out: meta3: .*{MOVED}"),
                                  "ensemble": (0, "meta3: .*predicted anew")}
     | each("predict submit files", 0)),
    (logits_cut, {}, {"compare": (0, "left out: meta3: .*EOF"),
                      "ensemble": (0, "meta3: .*predicted anew")}),
    (names_removed, {}, {"compare": (0, "left out: meta3: "),
                         "ensemble": (0, "meta3: .*predicted anew")}),
    (models_removed, {}, each("predict submit ensemble", 2, MOVED) | each("compare", 0)),
    (run_deleted, {}, each("predict ensemble compare calibrate", 0, f"{ABSENT}is deleted: passed")
     | each("submit", 0, "meta3 x") | each("files export", 0)),
    (run_purged, {}, each("predict ensemble compare", 0, f"{ABSENT}is not in the store any more")
     | each("submit", 0, "meta3 x") | each("files show", 0)),
    (experiment_deleted, {}, each("predict ensemble compare calibrate", 2,
                                  "deleted experiment 'birdml'.*mlflow experiments restore")
     | each("there train submit", 2, "the experiment 'birdml' is deleted") | each("files ls", 0)),
    (other_experiments_deleted, {}, each("train submit", 0)),
    (untouched, {"MLFLOW_RUN_ID": "deadbeef"}, each(" ".join(SCRIPTED), 2, LEFT_OVER)),
    (untouched, {"MLFLOW_EXPERIMENT_ID": "77"}, each(
        "train submit", 2, "names the experiment 77, which is not in") | each("compare", 0)),
    (untouched, {"MLFLOW_TRACKING_URI": "sqlite:///file:{base}/mlflow.db?mode=ro&uri=true"},
     each("train ensemble submit", 2, "can't be written")
     | each("there same predict files compare calibrate score ls show export", 0)),
    (untouched, {"MLFLOW_TRACKING_URI": "mysql+pymysql://ada:secret@127.0.0.1:1/x"},
     each("train compare ls", 2, "needs a driver: pip install pymysql")),
    (untouched, {"MLFLOW_TRACKING_URI": "http://ada:secret@127.0.0.1:1"},
     each("ensemble ls", 2, "does not answer: start it")),
    (untouched, {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "MLFLOW_RUN_ID": "1"},
     each("score", 2, "does not answer: start it")),
    (untouched, {"MLFLOW_TRACKING_URI": "mlruns"}, each("ls", 2, "folders are no stores any more")),
    (untouched, {"MLFLOW_TRACKING_URI": "sqlite:///no/where/m.db"}, each("ls", 2, "can't be used")),
    (tag_removed, {}, each("predict ensemble compare", 0, "has lost its tag birdml.model: passed")),
    (model_unregistered, {}, each("predict ensemble compare", 0, AGAIN) | each("submit", 0)),
    (ensemble_unregistered, {}, each("submit same", 0, AGAIN)
     | each("files", 2, "no model 'birdml-ensemble'")),
    (model_renamed, {}, each("predict ensemble", 0, AGAIN) | each("there", 0)),
    (alias_removed, {}, each("predict compare", 0) | each(
        "submit files show", 2, "no version with the alias 'champion'; it has 1: name one, such")),
    *((place, {}, each("train submit ensemble", 2, "artifacts can't be written to")
       | each("compare", 0)) for place in (place_taken, place_of_no_kind, place_of_a_server)),
    (disk_takes_nothing, {}, each("predict", 2, "its files can't be written: ")),
    (database_cut, {}, each("train ls", 2, "it is no database, or broken")),
    (no_database, {}, each("compare predict", 2, "it is no database, or broken")),
    (folder_for_a_database, {}, each("submit", 2, "it is no database, or broken")),
    (database_of_another_mlflow, {}, each("ensemble ls", 2, "mlflow db upgrade")),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "environment", "expected"), CASES)
def test_a_command_says_in_a_line_what_is_wrong_and_does_the_rest(
    damage, environment, expected, left
):
    environment = {k: v.format(base=left.base) for k, v in environment.items()}
    wrong = []
    for command, (code, words) in expected.items():
        left.restore()
        damage(left)
        ended, said, errors = left.start(command, **environment)
        if ended != code or not re.search(words, said) or "Traceback" in said or "secret" in said:
            wrong.append(f"{command}: exit code {ended}, not {code} with '{words}': {said[-600:]}")
        elif code == 2:
            last = errors.splitlines()[-1]
            if not last.startswith("error: ") or errors.count("error: ") != 1:
                wrong.append(f"{command}: not one line: {errors}")
            if there := [name for name in WRITTEN if (left.base / name).exists()]:
                wrong.append(f"{command}: left {there} behind")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("train", "--model", "meta4", "--dataset", "data", "--set", f"epochs={10**20}"), "epochs"),
        (("train", "--model", "meta4", "--dataset", "data", "--seed", f"{10**20}"), "64 bits"),
        (("ensemble", "--dataset", "data", "--seed", f"{10**20}"), "64 bits"),
        (("ensemble", "--dataset", "data", "--evaluations", f"{10**20}"), "64 bits"),
    ],
)
def test_numbers_that_no_store_takes_are_refused(command, said, left):
    code, text, _ = left.start(command)
    assert code == 2 and re.search(said, text) and "Traceback" not in text, text


def first_requests_fail():
    """In the forked process: once connected, the store fails once at each kind of request."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

    from birdml.tracking import retry

    failed = set()

    def failing(kind, name):
        whole = getattr(kind, name)

        def request(*args, **kwargs):
            if "search_experiments" in failed and (kind, name) not in failed:
                failed.add((kind, name))
                raise MlflowException(f"{name}: Max retries exceeded with url")
            failed.add(name)
            return whole(*args, **kwargs)

        setattr(kind, name, request)

    for kind in (Tracking, Registry):
        for name, value in list(vars(kind).items()):
            if not name.startswith("_") and callable(value) and not isinstance(value, type):
                failing(kind, name)
    for name in ("log_artifact", "log_artifacts", "list_artifacts"):
        failing(LocalArtifactRepository, name)
    retry.time = type("Time", (), {"monotonic": staticmethod(retry.time.monotonic),
                                   "sleep": staticmethod(lambda seconds: None)})  # fmt: skip


@pytest.mark.parametrize(
    "command", ["train", "predict", "files", "ensemble", "submit", "compare", "calibrate", "ls"]
)
def test_a_store_that_is_away_for_a_moment_is_waited_for(command, left):
    code, said, errors = left.start(command, first_requests_fail)
    assert code == 0 and "Traceback" not in said, said
    assert "does not answer: waiting" in errors
    assert set(left.statuses().values()) == {"FINISHED"}
