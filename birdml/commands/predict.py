"""Predict the species of a dataset's recordings, or of any audio file."""

import click
from click.core import ParameterSource

from birdml.commands.command import dataset_option, entry_point

FILES_ONLY: tuple[str, ...] = ("hop", "top", "out", "format", "saliency", "channel")
FILES_ONLY += ("scores", "min_score", "precision", "recall", "thresholds", "merge", "explain")
FILES_ONLY += ("date", "time", "latitude", "longitude", "elevation")
FILES_ONLY += ("sites", "metadata", "timezone", "names", "language", "jobs", "executor")
DATASET_ONLY = ("dataset", "split")


@entry_point
@click.argument("file_or_folder", required=False)
@click.option(
    "--model",
    required=True,
    help="A name such as audio1, several with commas, a family or all (those finished on the "
    "dataset); models:/NAME@champion; with recordings also the folder of a saved model.",
)
@dataset_option
@click.option("--split", default="valid", show_default=True, help="Which of its recordings.")
@click.option(
    "--recordings",
    default="",
    help="Instead of a dataset: an audio file or a folder of them, or s3://bucket/folder.",
)
@click.option(
    "--windows",
    default="",
    help="recording, 5s, or (for recordings) frame: every frame, 70 in a second. "
    "Default: recording; for the splits of soundscapes 5s.",
)
@click.option("--hop", default=0.0, help="Seconds between windows of 5s; 0: one after the other.")
@click.option(
    "--top", default=5, show_default=True, type=click.IntRange(1), help="Species per window."
)
@click.option(
    "--scores",
    default="presence",
    show_default=True,
    help="presence: probability that the species is there; softmax: its share among the species.",
)
@click.option(
    "--min_score", default="", help="Lowest score that counts  [default: 0.1; of softmax any]"
)
@click.option("--precision", default="", help="0.9: thresholds from which on 90 % are right.")
@click.option("--recall", default="", help="0.8: thresholds that find 80 % of what is there.")
@click.option("--thresholds", default="", help="A table such as precision writes, perhaps edited.")
@click.option(
    "--merge",
    default=True,
    show_default=True,
    type=bool,
    help="true: windows that touch and hold the same species become one detection.",
)
@click.option(
    "--explain",
    default=False,
    show_default=True,
    type=bool,
    help="true: evidence.csv tells what was heard, what date, time and place added, and which "
    "detections they made or took away.",
)
@click.option(
    "--out", default="", help="Folder or s3:// address for results  [default: predictions/...]"
)
@click.option(
    "--format",
    default="csv",
    show_default=True,
    help="csv, raven, audacity, kaleidoscope, birdnet, parquet; several with commas.",
)
@click.option(
    "--figures",
    default=False,
    show_default=True,
    type=bool,
    help="true: one figure per file; of a dataset, its best and worst recordings.",
)
@click.option("--saliency", default="", help="Figures show what speaks for this species.")
@click.option("--date", default="", help="yyyy-mm-dd, of all recordings.")
@click.option("--time", default="", help="hh:mm")
@click.option("--latitude", default="", help="Degrees, south negative.")
@click.option("--longitude", default="", help="Degrees, west negative.")
@click.option("--elevation", default="", help="Metres.")
@click.option(
    "--sites", default="", help="CSV of recorders: site (a folder, name or pattern), latitude, ..."
)
@click.option("--metadata", default="", help="CSV of files: file, and date, time, latitude, ...")
@click.option(
    "--timezone",
    default="",
    help="Europe/Vienna or +02:00: zone of the place; UTC,Europe/Vienna: the clocks run on UTC.",
)
@click.option(
    "--names", default="", help="A table of common names: a column of Latin names and others."
)
@click.option("--language", default="", help="Its column of names, such as German.")
@click.option(
    "--jobs", default=1, show_default=True, help="Files at work at once; pieces of a long one."
)
@click.option("--executor", default="local", show_default=True, help="local, or ray: a cluster.")
@click.option(
    "--channel", default="mean", show_default=True, help="mean, left, right, or a number from 1."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
def predict(file_or_folder, **options):
    """Logs the logits of a split into the models' runs, where they are missing; or writes which
    species are heard when in audio files of any format.

    Audio files: OUT/predictions.csv (file, start, end, species, latin_name, score, rank, ...) and
    the same per file. What can't be read is listed in problems.csv. The same command goes on where
    an interrupted one stopped.
    """
    from birdml.tracking.own_runs import describe_handed_run

    if file_or_folder and options["recordings"]:
        raise click.UsageError("recordings are named twice: FILE_OR_FOLDER is --recordings")
    options["recordings"] = file_or_folder or options["recordings"]
    if options["recordings"]:
        from birdml.steps.predict_files import FileOptions, predict_recordings

        predict_recordings(FileOptions(**_without(options, DATASET_ONLY)))
    else:
        from birdml.steps.predict import SplitOptions
        from birdml.steps.predict import predict as predict_split

        _refuse(FILES_ONLY)
        predict_split(SplitOptions(**_without(options, ("recordings", *FILES_ONLY))))
    what = options["recordings"] or f"{options['split']} of {options['dataset']}"
    describe_handed_run(f"predict {options['model']}", f"Predicted {what}.")


def _without(options, names):
    return {key: value for key, value in options.items() if key not in names}


def _refuse(names):
    """Options that say nothing about a dataset are errors there, not ignored."""
    context = click.get_current_context()
    default = {parameter.name: parameter.default for parameter in context.command.params}
    given = [
        name
        for name in names
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        and context.params[name] != default[name]
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)}: only with recordings=FILE_OR_FOLDER")
