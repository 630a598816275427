"""Trained models side by side: one HTML page and a table."""

import click

from birdml.commands.command import dataset_option, entry_point


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
def compare(dataset, models, out, over):
    """Compares models on the validation recordings of a dataset.

    Figures with intervals, who beats whom, what each setting is worth, who agrees, what it cost.
    """
    from birdml.steps.compare import run
    from birdml.tracking.store import describe_handed_run

    page = run(dataset, models, out, over)
    note = f"Compared {models} on {dataset}: {page.name}, under Artifacts."
    describe_handed_run("compare", note, files=[page])
