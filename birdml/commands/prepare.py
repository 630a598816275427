"""Raw recordings of any layout -> a prepared dataset."""

from pathlib import Path

import click

from birdml.commands.command import dataset_option, entry_point
from birdml.errors import UserError


@entry_point
@click.option("--source", default="demo", help="Folder or file with recordings, or `demo`.")
@click.option(
    "--layout",
    default="auto",
    help="auto, birdclef2018, prepared2018, xeno-canto, kaggle or folders.",
)
@click.option("--audio", default="", help="Folder of the audio, if it is not beside the table.")
@dataset_option
@click.option(
    "--valid",
    default="0.1",
    show_default=True,
    help="Share of recordings for validation, or a file that lists them.",
)
@click.option("--seed", default=0, show_default=True, help="Of the split, and of the demo.")
@click.option("--workers", default=0, help="Files converted at once.  [default: one per core]")
@click.option(
    "--columns",
    default="",
    help="Columns of a table of one's own, such as 'class_id=code, latitude=lat'.",
)
@click.option(
    "--strict",
    is_flag=False,
    flag_value="true",
    default="false",
    type=bool,
    help="Exit with 2 if there is any problem.",
)
@click.option(
    "--valid_by",
    default="group",
    show_default=True,
    help="What train and valid must not share: group (recordist, place and day), recordist, site, "
    "time (valid is the last days) or region.",
)
@click.option("--noise", default="", help="A folder of recordings in which nothing sings.")
@click.option(
    "--channel", default="mean", show_default=True, help="mean, left, right, or a number from 1."
)
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
    "--annotations",
    default="",
    help="A table of what sings when, or a folder of tables: their recordings are annotated "
    "through.",
)
@click.option(
    "--names", default="", help="Table `name,species`: names in annotations that don't match."
)
@click.option(
    "--mark_columns",
    default="",
    help="Columns of the annotations that are not found by their names: species=Code, start=Begin.",
)
@click.option(
    "--verify",
    default="false",
    type=bool,
    help="true: only look whether the dataset is as it was written.",
)
def prepare(
    source, layout, audio, dataset, valid, seed, workers, columns, strict, valid_by, noise, channel,
    sites, metadata, timezone, annotations, names, mark_columns, verify,
):  # fmt: skip
    """Make a dataset: recordings at 22 050 Hz, their species and metadata, train and valid."""
    if verify:
        _verify(dataset)
        return
    from birdml.prepare import Request, prepare, summary
    from birdml.tracking.own_runs import describe_handed_run

    request = Request(
        source, layout, audio, valid, seed, columns, valid_by, noise, channel, sites, metadata,
        timezone, annotations, names, mark_columns,
    )  # fmt: skip
    made = prepare(request, Path(dataset), workers, strict, click.echo)
    for line in summary(made):
        click.echo(line)
    note = "\n\n".join(summary(made))
    describe_handed_run(f"prepare {made.name}", note)


def _verify(folder):
    from birdml.dataset.opening import open_dataset
    from birdml.dataset.writing import verify

    faults = verify(open_dataset(folder))
    for fault in faults:
        click.echo(fault)
    if faults:
        raise UserError(f"{len(faults)} faults in '{folder}', listed above: prepare it again")
    click.echo(f"{folder} is as it was written")
