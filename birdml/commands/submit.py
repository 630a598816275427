"""Write the challenge's files with a registered model."""

import click

from birdml.commands.command import dataset_option, entry_point


@entry_point
@click.option(
    "--model",
    default="models:/birdml-ensemble@champion",
    show_default=True,
    help="models:/NAME@ALIAS, models:/NAME/VERSION, or a model's name such as meta3.",
)
@dataset_option
@click.option(
    "--task", default="all", show_default=True, type=click.Choice(["all", "mono", "soundscape"])
)
@click.option(
    "--edition_filter",
    default=False,
    show_default=True,
    type=bool,
    help="true: a recording can only be a species of its challenge edition.",
)
@click.option(
    "--max_classes",
    default=100,
    show_default=True,
    type=click.IntRange(1, 100),
    help="Lines for each recording or window.",
)
@click.option("--out", default="submission", show_default=True, help="Folder to put the files in.")
@click.option(
    "--probabilities",
    default="softmax",
    show_default=True,
    type=click.Choice(["softmax", "2018", "sigmoid"]),
    help="2018: sigmoid of the softmax, as it was; sigmoid: for models of the binary loss.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
def submit(**options):
    """Writes mono.csv, soundscape_val.csv and soundscape_test.csv, each checked line by line.

    What the model's members have not predicted yet is computed first.
    """
    from birdml.steps.submit import SubmitOptions
    from birdml.steps.submit import submit as run

    run(SubmitOptions(**options))
