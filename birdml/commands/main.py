"""The whole way: prepare, train, predict, ensemble, submit."""

import click

from birdml.commands.command import dataset_option, entry_point


@entry_point
@click.option("--source", default="demo", show_default=True, help="Raw recordings, or `demo`.")
@dataset_option
@click.option(
    "--models",
    default="audio1,meta3,combined1",
    show_default=True,
    help="As in train; what they need is trained too.",
)
@click.option(
    "--profile", default="demo", show_default=True, help="demo: small and quick; '' for the recipe."
)
@click.option("--out", default="submission", show_default=True, help="Folder of the submission.")
def main(**options):
    """From raw recordings to a registered ensemble and a submission, with a table at the end."""
    from birdml.steps.main import MainOptions
    from birdml.steps.main import main as run

    run(MainOptions(**options))
