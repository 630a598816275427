"""`main`: the whole way, from raw recordings to a submission, by the steps that users type."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from birdml import prepare as preparing
from birdml.dataset.prepared import Dataset
from birdml.dataset.sources import demo_folder
from birdml.encoders.entries import find_encoder
from birdml.encoders.weights import is_installed
from birdml.ensemble.combination import combine, read_lineage
from birdml.errors import UserError
from birdml.jobs.request import TrainOptions, prepare_request
from birdml.scoring import ranks, score
from birdml.screen import figure, table_text
from birdml.steps.compare_marks import MarkComparison, compare_marks
from birdml.steps.ensemble import EnsembleOptions, ensemble
from birdml.steps.predict import SplitOptions, predict
from birdml.steps.predict_files import FileOptions, predict_recordings
from birdml.steps.score import ScoreOptions
from birdml.steps.score import score as official_score
from birdml.steps.score_marks import MarkOptions, score_marks
from birdml.steps.submit import SubmitOptions, submit
from birdml.steps.train import failures, train
from birdml.submission.truth import MonophoneTruth, read_truth
from birdml.tracking import champions, experiments, own_runs, registry, runs, store
from birdml.tracking.arrays import load_predictions
from birdml.zoo.parts import Embedded

if TYPE_CHECKING:
    from birdml.tracking.client import Store

ENSEMBLE = "birdml-ensemble"
DEMO_HEAD = "birdnet_linear"  # shown where the extra birdml[birdnet] is installed
DEMO_VALID = "0.25"  # a tenth of 300 recordings is too few to choose weights on
COLUMNS = ("map", "map_bg", "top1", "top5")


@dataclass(frozen=True)
class MainOptions:
    """What a user asks of `main` (see `main --help`)."""

    source: str
    dataset: str
    models: str
    profile: str = "demo"
    out: str = "submission"


def main(options: MainOptions) -> None:
    """Prepares, trains, predicts, combines, submits; scores where the truth is known.

    Raises UserError for a request that cannot be met. What is there already is not done again.
    """
    began = time.perf_counter()
    demo = options.source == "demo"
    _step("prepare")
    request = preparing.Request(options.source, valid=DEMO_VALID if demo else "0.1")
    dataset = preparing.prepare(request, Path(options.dataset), say=print)
    for line in preparing.summary(dataset):
        print(line)
    tests = [s for s in ("test", "soundscapes_val", "soundscapes_test") if dataset.split(s)]

    client = store.connect()
    note = f"The whole way on {dataset.name} with {options.models}: the runs beside this one."
    own_runs.describe_handed_run("main", note, client)

    _step("train")
    models = options.models
    if demo and is_installed(find_encoder(Embedded.encoder)):
        models += f",{DEMO_HEAD}"
    asked = TrainOptions(models, options.dataset, options.profile)
    names = list(prepare_request(asked).recipes)
    failed = failures(train(asked))
    if failed:
        raise UserError(f"{', '.join(failed)} could not be trained, for the reasons above")

    _step("ensemble")
    run_id = ensemble(EnsembleOptions(options.dataset, ",".join(names), name=ENSEMBLE))
    version = client.tag(run_id, "birdml.model_version")

    if "test" in tests:
        _step("predict")
        predict(SplitOptions(",".join(names), options.dataset, "test"))
    if tests:
        _step("submit")
        model = f"models:/{ENSEMBLE}/{version}"
        written = submit(SubmitOptions(model, options.dataset, out=options.out))
        print(f"submission: {', '.join(str(file.path) for file in written)}")

    truth = None
    if demo:
        _step("score")
        folder = demo_folder(Path(options.dataset), 0) / "truth"
        truth = read_truth(folder / "mono_truth.csv")
        for name in ("mono", "soundscape_test"):
            submission = str(Path(options.out) / f"{name}.csv")
            official_score(ScoreOptions(submission, str(folder / f"{name}_truth.csv")))
    heard: dict[str, float] = {}
    if demo and dataset.annotations is not None:
        heard = _on_marks(dataset, f"models:/{ENSEMBLE}/{version}", [*names, ENSEMBLE])

    _step(f"done in {(time.perf_counter() - began) / 60:.1f} minutes")
    _print_table(client, dataset, names, run_id, truth, heard)
    print(f"\nsubmission: {Path(options.out).resolve()}")
    print(experiments.where_to_look(client))


def _on_marks(dataset: Dataset, model: str, names: Sequence[str]) -> dict[str, float]:
    """Hears the demo's soundscapes as files, scores that, and compares all models on the marks.

    Returns each model's cmAP.
    """
    raw = demo_folder(dataset.folder, 0)
    detections = Path("predictions") / "demo-soundscapes"
    _step("predict soundscapes")
    for part in ("val/data", "test"):
        out = str(detections / part.partition("/")[0])
        predict_recordings(FileOptions(model, str(raw / part / "wav"), "5s", out=out))
    _step("score soundscapes")
    score_marks(MarkOptions(str(detections), str(dataset.folder), out="scores"), [])
    _step("compare soundscapes")
    models = ",".join((*names, str(detections)))
    report = compare_marks(MarkComparison(str(dataset.folder), models, "soundscapes.html"))
    return {d.name: one.value for d, one in zip(report.detectors, report.cmap, strict=True)}


def _step(name: str) -> None:
    print(f"\n== {name}", flush=True)


def _print_table(
    client: "Store",
    dataset: Dataset,
    names: Sequence[str],
    ensemble_run: str,
    truth: object,
    heard: Mapping[str, float],
) -> None:
    """Figures on the validation recordings; on the test recordings where their truth is known.

    The search for weights has seen the former, so the latter tell what the ensemble is worth.
    `heard`: cmAP of models on the annotated soundscapes.
    """
    models = champions.champions(client, dataset.digest, names)
    rows = [(m.name, m.metrics, m.run_id) for m in models]
    rows.append((ENSEMBLE, client.metrics(ensemble_run), ensemble_run))
    logits = most_common_first(dataset)
    valid = dataset.split("valid")
    common = score(
        np.repeat(logits[None], len(valid), axis=0),
        dataset.foreground(valid),
        dataset.present(valid),
    )
    known = isinstance(truth, MonophoneTruth)
    heads = ["", *COLUMNS, *(["test map"] if known else []), *(["cmap"] if heard else [])]
    table = []
    for name, metrics, run_id in [("most common first", common, ""), *rows]:
        cells = [name, *(figure(metrics[column]) for column in COLUMNS)]
        if isinstance(truth, MonophoneTruth):
            tested = logits if not run_id else _test_logits(client, run_id, ensemble_run, models)
            cells.append(figure(map_on_test(dataset, truth, tested)))
        if heard:
            cells.append(figure(heard[name]) if name in heard else "")
        table.append(cells)
    print(table_text(heads, table))
    if known:
        print("(test: recordings that neither training nor the search for weights has seen)")
    if heard:
        print("(cmap: windows of the soundscapes against what is marked in them)")


def most_common_first(dataset: Dataset) -> np.ndarray:
    """What anyone could say without a model: species by their number of recordings, [C]."""
    labels = dataset.foreground(dataset.split("train"))
    return np.bincount(labels[labels >= 0], minlength=len(dataset.classes)).astype(np.float32)


def _test_logits(
    client: "Store", run_id: str, ensemble_run: str, models: Sequence[runs.TrackedModel]
) -> np.ndarray:
    if run_id != ensemble_run:
        found = load_predictions(client, run_id, "test")
        assert found is not None
        return found.logits

    version = client.tag(run_id, "birdml.model_version")
    _, lineage = read_lineage(registry.load_registered(client, f"models:/{ENSEMBLE}/{version}"))
    run_of = {m.name: m.run_id for m in models}
    logits = [_test_logits(client, run_of[m.name], "", models) for m in lineage]
    return combine(logits, [m.weight for m in lineage])


def map_on_test(dataset: Dataset, truth: MonophoneTruth, logits: np.ndarray) -> float:
    """MAP on the test recordings whose species the truth names; `logits` [N, C] or [C]."""
    recordings = dataset.split("test")
    labels = np.array(
        [dataset.label_of.get(truth.foreground.get(r.media_id, ""), -1) for r in recordings]
    )
    rows = np.flatnonzero(labels >= 0)
    if logits.ndim == 1:
        logits = np.repeat(logits[None], len(recordings), axis=0)
    return float((1 / ranks(np.asarray(logits[rows]), labels[rows])).mean())
