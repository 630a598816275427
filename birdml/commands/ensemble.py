"""Weights for an ensemble of registered models, and the model that ships."""

import click

from birdml.commands.command import dataset_option, entry_point

STRATEGIES = ("hyperopt", "hyperopt_zero", "hyperopt_log", "greedy", "ascent")


@entry_point
@dataset_option
@click.option(
    "--models",
    default="all",
    show_default=True,
    help="all that are registered for the dataset, families (audio,meta), names or patterns.",
)
@click.option(
    "--strategy",
    default="hyperopt",
    show_default=True,
    type=click.Choice(STRATEGIES),
    help="How weights are searched.",
)
@click.option(
    "--criterion",
    default="fg+bg",
    show_default=True,
    type=click.Choice(["fg+bg", "fg", "bg"]),
    help="MAP + MAP-bg, or one of them.",
)
@click.option(
    "--evaluations",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Trials of a hyperopt strategy.",
)
@click.option(
    "--name", default="birdml-ensemble", show_default=True, help="Name in the model registry."
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Same seed, same weights."
)
@click.option(
    "--refine", default=True, show_default=True, type=bool, help="Finish by coordinate ascent."
)
def ensemble(**options):
    """Finds weights for registered models on the validation recordings and registers the ensemble.

    Prints its score, a cross-fitted one that does not flatter, and how often it beats others.
    """
    from birdml.steps.ensemble import EnsembleOptions
    from birdml.steps.ensemble import ensemble as run

    run(EnsembleOptions(**options))
