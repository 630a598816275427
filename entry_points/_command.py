"""What every entry point shares: one line for a user's error, and the package on the path."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from birdml.errors import UserError

DATASET = os.environ.get("BIRDML_DATASET") or "data/demo"


class OneLineErrors(click.Command):
    """Exit codes: 0, 2 with one line for what a user did wrong, 1 for a fault of ours."""

    def main(self, *args, **kwargs):
        try:
            super().main(*args, **{**kwargs, "standalone_mode": False})
        except (UserError, click.ClickException) as error:
            text = error.format_message() if isinstance(error, click.ClickException) else str(error)
            click.echo(f"error: {' '.join(text.split())}", err=True)
            _say_refused(str(self.name), text)
            sys.exit(2)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted; the same command goes on from here", err=True)
            sys.exit(130)


def _say_refused(step: str, why: str) -> None:
    """In the run that `mlflow run` opened for a request that cannot be met."""
    if os.environ.get("MLFLOW_RUN_ID"):
        from birdml.tracking.store import describe_handed_run

        # the line above says what is wrong; a store that is away has no more to add
        with contextlib.suppress(Exception):
            describe_handed_run(f"{step} (refused)", why)


def dataset_option(function: Callable) -> Callable:
    """`--dataset`, the folder of a prepared dataset; MLproject passes on an empty default."""
    return click.option(
        "--dataset",
        default=DATASET,
        show_default=True,
        callback=lambda context, option, value: value or DATASET,
        help="Folder of a prepared dataset.",
    )(function)


def entry_point(function: Callable) -> click.Command:
    """Makes a function with click options an entry point; its docstring is the help."""
    return click.command(
        cls=OneLineErrors,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )(function)
