"""Trained models side by side: one HTML page and a table."""

from pathlib import Path

import click

from birdml.commands.command import dataset_option, entry_point
from birdml.errors import UserError


@entry_point
@dataset_option
@click.option(
    "--models", default="all", show_default=True, help="Names with commas; all that have finished."
)
@click.option("--out", default="compare.html", show_default=True, help="The page.")
@click.option(
    "--over",
    default="recording",
    show_default=True,
    type=click.Choice(["recording", "recordist", "site"]),
    help="What intervals are taken over: recordings of one recordist are no independent draws.",
)
@click.option(
    "--truth",
    default="",
    help="Instead of validation recordings: annotations in time (a table, a folder of tables, or a "
    "prepared dataset that has them). Then `models` names tables of detections too.",
)
@click.option(
    "--recordings",
    default="",
    help="With truth: the folder of its recordings, which models are predicted on.",
)
@click.option(
    "--names", default="", help="With truth: table `name,species`, of names that don't match."
)
@click.option(
    "--columns",
    default="",
    help="With truth: columns of detections that are not found by their names.",
)
@click.option("--truth_columns", default="", help="The same for the truth.")
@click.option("--window", default=5.0, show_default=True, help="With truth: seconds of a window.")
def compare(dataset, models, out, over, truth, recordings, names, columns, truth_columns, window):
    """Compares models on the validation recordings of a dataset, or detections on annotations.

    Figures with intervals, who beats whom, what each setting is worth, who agrees, what it cost.
    """
    if truth:
        _on_truth(truth, models, out, over, recordings, names, columns, truth_columns, window)
        return
    if any((recordings, names, columns, truth_columns)):
        raise UserError("recordings, names and columns are of a truth: give truth=... too")
    from birdml.steps.compare import run
    from birdml.tracking.own_runs import describe_handed_run

    page = run(dataset, models, out, over)
    note = f"Compared {models} on {dataset}: {page.name}, under Artifacts."
    describe_handed_run("compare", note, files=[page])


def _on_truth(truth, models, out, over, *rest):
    from birdml.steps.compare_marks import MarkComparison, compare_marks
    from birdml.tracking.own_runs import describe_handed_run

    compare_marks(MarkComparison(truth, models, out, over, *rest))
    note = f"Compared {models} on the annotations {truth}: {Path(out).name}, under Artifacts."
    describe_handed_run("compare", note, files=[Path(out)])
