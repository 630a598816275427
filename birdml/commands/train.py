"""Train models of the zoo."""

import sys

import click

from birdml.commands.command import dataset_option, entry_point


@entry_point
@click.option(
    "--model",
    required=True,
    help="A name such as meta3, several with commas, a pattern (meta1*), a family (audio, meta, "
    "combined) or all. What a model needs (teacher, start) is trained first.",
)
@dataset_option
@click.option("--profile", default="", help="demo: small and quick, to see the way.")
@click.option("--set", default="", help='Settings of the recipe: "epochs=3 batch_size=32".')
@click.option("--zoo", default="", help="A TOML file with models of your own.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option(
    "--jobs", default=1, show_default=True, type=click.IntRange(1), help="Models at once, here."
)
@click.option(
    "--executor",
    default="local",
    show_default=True,
    type=click.Choice(["local", "ray"]),
    help="ray: over the machines of a Ray cluster.",
)
@click.option(
    "--gpus_per_model",
    default=0.25,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="With ray, where there are GPUs: what a model that listens takes; 0.25 is four on each.",
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Same seed, same numbers."
)
def train(**options):
    """Trains models, logs their runs and registers them as birdml-<model>.

    What is finished is not trained again; what was interrupted goes on; processes that train on
    the same tracking store share the work.
    """
    from birdml.jobs.request import TrainOptions
    from birdml.steps.train import failures
    from birdml.steps.train import train as run

    if failures(run(TrainOptions(**options))):
        sys.exit(1)
