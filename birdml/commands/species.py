"""What a place promises, without any audio."""

import os

import click

from birdml.commands.command import entry_point


@entry_point
@click.option(
    "--model", default="place1", show_default=True, help="A place or meta model, or an ensemble."
)
@click.option("--latitude", default="", help="Degrees.")
@click.option("--longitude", default="", help="Degrees, -180..180 or 0..360.")
@click.option("--elevation", default="", help="Metres; may be unknown.")
@click.option("--date", default="", help="yyyy-mm-dd; without it, the 52 weeks of a year.")
@click.option("--time", default="", help="hh:mm; may be unknown.")
@click.option("--sites", default="", help="A CSV file: site, latitude, longitude, elevation.")
@click.option("--map", default="", help="Instead: a map of this species (class id or Latin name).")
@click.option("--area", default="", help="Of the map, in degrees: south,west,north,east.")
@click.option("--top", default=20, show_default=True, type=click.IntRange(1), help="A week.")
@click.option("--min_score", default="", help="Only from this score on; 0.1 where calibrated.")
@click.option("--scores", default="presence", show_default=True, help="presence or softmax.")
@click.option("--out", default="species.csv", show_default=True)
@click.option("--figures", default=False, show_default=True, type=bool, help="A picture too.")
@click.option(
    "--names", default="", help="A table of common names: a column of Latin names and others."
)
@click.option("--language", default="", help="Its column of names, such as German.")
@click.option("--device", default="auto", show_default=True)
def species(**options):
    """Lists the species that a model expects at a place, by date and time or over the year.

    OUT: site, date, time, class_id, latin_name, score (the probability that it is recorded there
    then), rank; with names also common_name. Of a map: latitude, longitude, date, class_id,
    latin_name, score.
    """
    from birdml.steps.species import SpeciesOptions
    from birdml.steps.species import species as run
    from birdml.steps.species_map import species_map

    (species_map if options["map"] else run)(SpeciesOptions(**options))
    if os.environ.get("MLFLOW_RUN_ID"):
        from birdml.tracking.own_runs import describe_handed_run

        where = (
            options["area"] or options["sites"] or f"{options['latitude']}, {options['longitude']}"
        )
        describe_handed_run("species", f"What {options['model']} expects at {where}.")
