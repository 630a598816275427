"""What more recordings would bring, as MAP against recordings of each species."""

import click

from birdml.commands.command import dataset_option, entry_point


@entry_point
@click.option("--models", required=True, help="Names with commas, a pattern or a family.")
@dataset_option
@click.option("--counts", default="1,2,4,8,16,32", show_default=True, help="Of each species.")
@click.option(
    "--draws", default=5, show_default=True, type=click.IntRange(1), help="Trainings for each."
)
@click.option("--profile", default="", help="demo: small and quick.")
@click.option("--set", "set", default="", help="Settings, as of train.")
@click.option("--zoo", default="", help="A TOML file with models of one's own.")
@click.option("--out", default="learn.csv", show_default=True, help="The table; a picture beside.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
def learn(**options):
    """Trains models on few recordings of each species, drawn again and again.

    OUT: a row for each training with MAP, MAP-bg, top-1 and top-5 on all validation recordings. The
    same command goes on where an interrupted one stopped. No runs are made.
    """
    from birdml.steps.learn import LearnOptions
    from birdml.steps.learn import learn as run
    from birdml.tracking.own_runs import describe_handed_run

    run(LearnOptions(**options))
    describe_handed_run("learn", f"Learning curves of {options['models']}: {options['out']}")
