"""What is in the model registry, and a model of it as a folder."""

import click

from birdml.commands.command import OneLineGroup, dataset_option


@click.group(
    cls=OneLineGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def models():
    """Lists, shows and exports registered models.

    NAME is meta3 (its champion), meta3@2 (its version 2), or models:/NAME/VERSION.
    """


@models.command()
def ls():
    """Lists the registered models: champion, figures, dataset."""
    from birdml.steps.models import listing

    click.echo(listing())


@models.command()
@click.argument("name")
def show(name):
    """Prints the card of a model."""
    from birdml.steps.models import card

    click.echo(card(name))


@models.command("import")
@click.argument("file")
@click.option("--model", required=True, help="The model of the zoo that the parameters are of.")
@dataset_option
@click.option("--set", "set", default="", help="Settings that differ from the zoo's.")
@click.option("--zoo", default="", help="A TOML file with models of one's own.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
def import_(file, **options):
    """Registers parameters of the 2018 system, FILE.npz, as a version of a model.

    The dataset's label set must be that of the parameters; figures are those on its validation
    recordings.
    """
    from birdml.jobs.published import import_parameters
    from birdml.jobs.request import TrainOptions

    click.echo(import_parameters(file, TrainOptions(**options)))


@models.command()
@click.argument("name")
@click.option("--out", default="", help="Folder to make  [default: NAME-VERSION]")
@click.option(
    "--format",
    "form",
    default="files",
    show_default=True,
    type=click.Choice(["files", "onnx"]),
    help="onnx: a file for each member and one for all, labels and calibration beside.",
)
def export(name, out, form):
    """Copies a model's files into a folder, which predict takes as model without any registry; or
    writes it as ONNX: samples, or encoded metadata, to logits."""
    from birdml.steps.models import export

    click.echo(export(name, out, form))
