"""Scores of a submission file, or of detections against annotations."""

import os

import click

from birdml.commands.command import entry_point
from birdml.errors import UserError


@entry_point
@click.option("--submission", default="", help="A file of the challenge, of either kind, anyone's.")
@click.option(
    "--detections",
    default="",
    help="Instead: a table of detections in time, or a folder of them, of any tool.",
)
@click.option(
    "--truth",
    required=True,
    help="For a submission: a file in one of the organisers' formats, or a prepared dataset (its "
    "validation split). For detections: an annotation table, a folder of them (Raven, Audacity, "
    "CSV), or a prepared dataset with annotations.",
)
@click.option(
    "--task", default="auto", show_default=True, type=click.Choice(["auto", "mono", "soundscape"])
)
@click.option(
    "--classes",
    default="",
    help="The label set: a file of class ids, or a prepared dataset.  [default: "
    "allowed_classes.txt beside the truth, if it is there; for detections all species of both "
    "sides]",
)
@click.option("--audio", default="", help="Folder of the recordings: tells how long each is.")
@click.option(
    "--names", default="", help="Table `name,species`: names of species that don't match."
)
@click.option(
    "--columns",
    default="",
    help="Columns of the detections that are not found by their names: species=Code, start=Begin.",
)
@click.option("--truth_columns", default="", help="The same for the truth.")
@click.option("--window", default=5.0, show_default=True, help="Length of a window in seconds.")
@click.option(
    "--thresholds", default="", help="Scores at which precision, recall and F1 are told: 0.3,0.5."
)
@click.option(
    "--iou", default=0.5, show_default=True, help="Overlap from which on an event is found."
)
@click.option(
    "--onset", default="", help="Instead: seconds by which the beginning of an event may differ."
)
@click.option(
    "--out",
    default="",
    help="Folder for a table and a figure of the species.  [default: none; for detections scores]",
)
def score(**options):
    """Scores a submission file, or detections in time.

    --submission is checked and gets its official scores: MRR and MAP, or c-mAP and r-mAP. A file
    that the organisers would refuse is refused with all its faults by line.

    --detections are compared with annotations, in windows (cmAP, mAP, AUROC, top-1, lwLRAP, best
    F1) and as events (precision, recall, F1).
    """
    if bool(options["submission"]) == bool(options["detections"]):
        raise UserError("name either --submission FILE or --detections TABLE_OR_FOLDER")
    handed = os.environ.get("MLFLOW_RUN_ID")  # `mlflow run` opened one: it keeps the figures
    if options["detections"]:
        from birdml.steps.score import label_set
        from birdml.steps.score_marks import MarkOptions, log_mark_scores, score_marks

        marks = MarkOptions(**_only(MarkOptions, options))
        found = score_marks(marks, label_set(marks.classes))
        if handed:
            log_mark_scores(marks, found)
        return
    from birdml.steps.score import ScoreOptions, log_scores
    from birdml.steps.score import score as run

    asked = ScoreOptions(**_only(ScoreOptions, options))
    scores = run(asked)
    if handed:
        log_scores(asked, scores)


def _only(kind, options):
    return {name: options[name] for name in kind.__dataclass_fields__}
