"""Search by example: windows that sound like a clip."""

import os

import click

from birdml.commands.command import dataset_option, encoder_options, entry_point


@entry_point
@click.option("--to", required=True, help="An audio file with the sound to look for.")
@dataset_option
@click.option(
    "--recordings", default="", help="Instead of a dataset: an audio file or a folder of them."
)
@encoder_options
@click.option("--top", default=100, show_default=True, type=click.IntRange(1), help="Windows.")
@click.option("--out", default="similar.csv", show_default=True)
def similar(**options):
    """Lists the windows of a dataset, or of audio files, that are nearest to a clip.

    OUT: rank, file, start, end, similarity (cosine), at (seconds in the clip), species, latin_name.
    """
    from birdml.steps.similar import SimilarOptions
    from birdml.steps.similar import similar as run

    run(SimilarOptions(**options))
    if os.environ.get("MLFLOW_RUN_ID"):
        from birdml.tracking.own_runs import describe_handed_run

        what = options["recordings"] or options["dataset"]
        describe_handed_run("similar", f"What in {what} sounds like {options['to']}.")
