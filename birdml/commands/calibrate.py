"""Give registered models from before a calibration, without training."""

import click

from birdml.commands.command import dataset_option, entry_point


@entry_point
@click.option(
    "--model",
    required=True,
    help="A name such as audio1, several with commas, a family or all (those registered for the "
    "dataset); birdml-ensemble; models:/NAME@champion.",
)
@dataset_option
def calibrate(model, dataset):
    """Registers a new version of each model that has no calibration: the same weights, and how
    their logits become probabilities that a species is there.

    Made from the validation predictions in the model's run; what is calibrated already stays.
    """
    from birdml.steps.calibrate import CalibrateOptions
    from birdml.steps.calibrate import calibrate as run
    from birdml.tracking.own_runs import describe_handed_run

    run(CalibrateOptions(model, dataset))
    describe_handed_run(f"calibrate {model}", f"Calibrated {model} on {dataset}.")
