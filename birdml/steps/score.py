"""`score`: the organisers' figures of any submission file."""

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from birdml.dataset.opening import open_dataset
from birdml.dataset.recording import Species
from birdml.errors import UserError
from birdml.figures.scores import submission_scores
from birdml.screen import records_text, table_text
from birdml.submission.checker import left_out, read_submission, rising
from birdml.submission.lines import Item, Submission, detect_task, item_name, merged, shortened
from birdml.submission.official import (
    MonophoneScores,
    SoundscapeScores,
    monophone_scores,
    soundscape_scores,
)
from birdml.submission.table import write_table
from birdml.submission.truth import MonophoneTruth, SoundscapeTruth, dataset_truth, read_truth
from birdml.tracking import own_runs, store
from birdml.tracking.dead_runs import mark_dead_runs

TASKS = ("auto", "mono", "soundscape")
CLASSES = "allowed_classes.txt"  # beside a file of truth: the label set, one class id a line
SHOWN = 10  # species at either end that the terminal shows


@dataclass(frozen=True)
class ScoreOptions:
    """What a user asks of `score` (see `score --help`)."""

    submission: str
    truth: str
    task: str = "auto"
    classes: str = ""
    out: str = ""


def score(options: ScoreOptions) -> MonophoneScores | SoundscapeScores:
    """Checks and scores a file; prints figures and a table of species.

    Raises UserError where a file is missing or of another kind, and, after all faults were printed
    with their lines, where the organisers would refuse the submission.
    """
    if options.task not in TASKS:
        raise UserError(f"no task called '{options.task}'; choose one of {', '.join(TASKS)}")
    path = Path(options.submission)
    truth, classes, names = _truth(options)
    task = detect_task(path) if options.task == "auto" else options.task
    if (task == "mono") != isinstance(truth, MonophoneTruth):
        other = "monophone recordings" if task == "soundscape" else "soundscapes"
        raise UserError(f"'{path}' is a {task} submission, but '{options.truth}' is about {other}")
    submission, faults = read_submission(path, task, truth.media_ids, classes)
    missing = [item_name(task, item) for item in left_out(submission, _items_of(truth))]
    if submission.items and not any(media in truth.media_ids for media, _ in submission.items):
        raise UserError(
            f"none of the {_items(task)} in '{path}' are in the truth '{options.truth}': "
            "it is about another set of recordings"
        )
    if faults:
        for fault in faults:
            print(f"{path.name}: {fault}", file=sys.stderr)
        for name in missing:
            print(f"{path.name}: {name} is missing (alone, this would count 0)", file=sys.stderr)
        raise UserError(
            f"'{path}' has {len(faults)} fault{'s' * (len(faults) > 1)}, listed above by line; "
            "nothing was scored"
        )
    print(f"{path}: {len(submission.line)} lines about {len(submission.items)} {_items(task)}")
    if classes is None:
        print(
            f"note: class ids are not checked, as there is no {CLASSES} beside the truth; "
            "name the label set with classes="
        )
    if missing:
        more = f", and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        print(
            f"note: {len(missing)} {_items(task)} of the truth are not in the file and count 0: "
            f"{', '.join(missing[:SHOWN])}{more}"
        )
    scores: MonophoneScores | SoundscapeScores
    if isinstance(truth, MonophoneTruth):
        _report_uncounted(truth, classes)
        scores = monophone_scores(submission, truth, classes)
        _report_monophone(scores, truth, options.truth)
    else:
        scores = soundscape_scores(submission, truth)
        _report_soundscape(scores, truth)
    _report_order(submission)
    rows = scores.species
    if names:
        rows = [{**row, "species": names.get(str(row["class_id"]), "")} for row in rows]
    _report_species(rows)
    if options.out:
        _write(Path(options.out), path.stem, rows, task)
    return scores


def log_scores(options: ScoreOptions, scores: MonophoneScores | SoundscapeScores) -> None:
    """Logs the figures, and what was written to `out`, into the run that `mlflow run` opened."""
    client = store.connect()
    mark_dead_runs(client)
    note = f"Official scores of `{options.submission}` against `{options.truth}`."
    tags = {"birdml.step": "score", "mlflow.note.content": note}
    with own_runs.own_run(client, "score", tags) as run_id:
        for name, value in asdict(scores).items():
            if isinstance(value, float):
                client.log_metric(run_id, f"official/{name}", value)
        if options.out:
            stem = Path(options.out) / Path(options.submission).stem
            for ending in ("csv", "png"):
                client.log_artifact(run_id, f"{stem}_species.{ending}", "score")


def _items_of(truth: MonophoneTruth | SoundscapeTruth) -> list[Item]:
    if isinstance(truth, MonophoneTruth):
        return [(media, 0) for media in truth.foreground]
    return list(truth.windows)


def _items(task: str) -> str:
    return "recordings" if task == "mono" else "windows"


def _truth(
    options: ScoreOptions,
) -> tuple[MonophoneTruth | SoundscapeTruth, frozenset[str] | None, dict[str, str]]:
    """The truth, the label set where it is known, and Latin names of classes."""
    where = Path(options.truth)
    if not where.exists():
        raise UserError(
            f"no truth at '{where}'; name a file in the organisers' format or a prepared dataset"
        )
    classes, names = _classes(options.classes) if options.classes else (None, {})
    if where.is_dir():
        if options.task == "soundscape":
            raise UserError(
                f"the dataset at '{where}' does not know which species sings when in its "
                "soundscapes; name a file of ground truth with -P truth=FILE"
            )
        dataset = open_dataset(where)
        names = {s.class_id: s.latin_name for s in dataset.species}
        return dataset_truth(dataset), frozenset(dataset.classes), names
    if classes is None and (where.parent / CLASSES).is_file():
        classes, names = _classes(where.parent / CLASSES)
    return read_truth(where, classes), classes, names


def _classes(where: str | Path) -> tuple[frozenset[str], dict[str, str]]:
    """Class ids, and Latin names where they are known, of a list or a prepared dataset."""
    where = Path(where)
    if where.is_dir():
        species = open_dataset(where).species
        return frozenset(s.class_id for s in species), {s.class_id: s.latin_name for s in species}
    if not where.is_file():
        raise UserError(f"no list of class ids, and no prepared dataset, at '{where}'")
    try:
        lines = [line.strip() for line in where.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"can't read the class ids in '{where}': {error}; write one a line, in UTF-8"
        ) from None
    classes = [line for line in lines if line]
    for number, line in enumerate(lines, start=1):
        if not line.isprintable() or re.search(r"[\s;,]", line):
            raise UserError(
                f"'{where}' line {number}: '{shortened(line)}' is no class id; write one a line"
            )
    if not classes:
        raise UserError(f"'{where}' holds no class ids; write one a line")
    return frozenset(classes), {}


def label_set(where: str) -> list[Species]:
    """The species of a list of class ids or of a prepared dataset; none where none is named."""
    if not where:
        return []
    if Path(where).is_dir():
        return list(open_dataset(where).species)
    return [Species(class_id) for class_id in sorted(_classes(where)[0])]


def _report_uncounted(truth: MonophoneTruth, classes: frozenset[str] | None) -> None:
    listed = {name for names in truth.background.values() for name in names}
    unknown = sorted(listed - classes) if classes is not None else []
    if unknown:
        more = f", and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        print(
            "note: background classes outside the label set do not count, as with the organisers: "
            f"{', '.join(map(shortened, unknown[:SHOWN]))}{more}"
        )


def _report_monophone(scores: MonophoneScores, truth: MonophoneTruth, where: str) -> None:
    print(f"recordings of the truth: {scores.recordings}")
    if truth.left_out:
        print(f"left out, as the organisers do: recordings {', '.join(truth.left_out)}")
    same = abs(scores.map - scores.map_organisers) < 5e-7
    why = "(the same)" if same else "(it does not sort the ranks: a fault)"
    figures = (
        ("MRR, foreground species", scores.mrr, ""),
        ("MAP, with background species", scores.map, ""),
        ("  by the organisers' program", scores.map_organisers, why),
    )
    rows = [(what, f"{value:.6f}", said) for what, value, said in figures]
    print(f"\n{table_text(None, rows, '<><')}")


def _report_soundscape(scores: SoundscapeScores, truth: SoundscapeTruth) -> None:
    print(f"windows of the truth: {scores.windows}, species: {len(scores.species)}")
    if truth.left_out:
        print(f"left out, as the organisers do: annotations {', '.join(truth.left_out)}")
    rows = [
        ("c-mAP, mean over species", f"{scores.c_map:.6f}"),
        ("r-mAP, mean over windows", f"{scores.r_map:.6f}"),
    ]
    print(f"\n{table_text(None, rows)}")


def _report_order(submission: Submission) -> None:
    faults = merged(rising(submission))
    if faults:
        print(
            f"note: in {len(faults)} places probabilities rise within a "
            f"{'recording' if submission.task == 'mono' else 'window'} (first: {faults[0]}); "
            "the organisers take that"
        )


def _score_of(rows: Sequence[dict]) -> str:
    return "mrr" if "mrr" in rows[0] else "average_precision"


def _report_species(rows: list[dict]) -> None:
    key = _score_of(rows)
    order = sorted(rows, key=lambda row: (-row[key], row["class_id"]))
    few = len(order) <= 2 * SHOWN
    shown = order if few else [*order[:SHOWN], *order[-SHOWN:]]
    lines = records_text(shown).splitlines()
    if not few:
        lines.insert(1 + SHOWN, f"... {len(order) - len(shown)} species between ...")
    print("", *lines, sep="\n")


def _write(out: Path, stem: str, rows: list[dict], task: str) -> None:
    key = _score_of(rows)
    count = "recordings" if task == "mono" else "windows"
    write_table(out / f"{stem}_species.csv", rows)
    figure = submission_scores(
        [row.get("species") or row["class_id"] for row in rows],
        [row[key] for row in rows],
        [row[count] for row in rows],
        "MRR" if task == "mono" else "Average precision",
        count,
    )
    figure.savefig(out / f"{stem}_species.png")
    print(f"\nwritten: {out / f'{stem}_species.csv'}, {out / f'{stem}_species.png'}")
