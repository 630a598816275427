"""The organisers' scores of a submission file."""

import os

import click
from _command import entry_point


@entry_point
@click.option("--submission", required=True, help="The file, of either kind, ours or another's.")
@click.option(
    "--truth",
    required=True,
    help="A file in one of the organisers' formats, or a prepared dataset (its validation split).",
)
@click.option(
    "--task", default="auto", show_default=True, type=click.Choice(["auto", "mono", "soundscape"])
)
@click.option(
    "--classes",
    default="",
    help="The label set: a file of class ids, or a prepared dataset.  [default: "
    "allowed_classes.txt beside the truth, if it is there]",
)
@click.option("--out", default="", help="Folder for a table and a figure of the species.")
def score(**options):
    """Checks a submission and prints its official scores: MRR and MAP, or c-mAP and r-mAP.

    A file that the organisers would refuse is refused with all its faults by line.
    """
    from birdml.steps.score import ScoreOptions, log_scores
    from birdml.steps.score import score as run

    scores = run(ScoreOptions(**options))
    if os.environ.get("MLFLOW_RUN_ID"):  # `mlflow run` opened one: it keeps the figures
        log_scores(ScoreOptions(**options), scores)


if __name__ == "__main__":
    score()
