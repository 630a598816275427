"""A page of a season: what was heard where and when, and how long it was listened."""

import click

from birdml.commands.command import entry_point


@entry_point
@click.option("--predictions", required=True, help="Folder of results of predict.")
@click.option("--min_score", default="", help="Lowest score that counts  [default: any]")
@click.option("--out", default="", help="Folder for the page  [default: that of the results]")
def season(predictions, min_score, out):
    """Writes season.html, one page that needs no network, and its pictures.

    Species over days and hours, per site and on a map, beside the hours that were recorded; first
    and last dates, and the best moment of each species.
    """
    from birdml.steps.season import season as make_season
    from birdml.tracking.own_runs import describe_handed_run

    path = make_season(predictions, min_score, out)
    describe_handed_run(f"season {predictions}", f"Page: {path}")
