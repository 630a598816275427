"""Embeddings by a pretrained encoder, of a dataset or of any audio files."""

import os

import click

from birdml.commands.command import dataset_option, encoder_options, entry_point


@entry_point
@dataset_option
@click.option(
    "--recordings", default="", help="Instead of a dataset: an audio file or a folder of them."
)
@encoder_options
@click.option(
    "--out",
    default="",
    help="FILE.parquet, or FILE.npy with FILE.csv beside it; of a dataset not needed.",
)
def embed(**options):
    """Computes what an encoder hears in each of its windows, once.

    Of a dataset they lie in its folder, embeddings/ENCODER/, where heads find them. The same
    command goes on where an interrupted one stopped.
    """
    from birdml.steps.embed import EmbedOptions
    from birdml.steps.embed import embed as run

    run(EmbedOptions(**options))
    if os.environ.get("MLFLOW_RUN_ID"):
        from birdml.tracking.own_runs import describe_handed_run

        what = options["recordings"] or options["dataset"]
        describe_handed_run("embed", f"Embeddings of {what} by {options['encoder']}.")
