"""What every command shares: one line for a user's error, exit codes, common options."""

import contextlib
import difflib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from birdml import log
from birdml.errors import UserError
from birdml.tracking.interrupts import interrupt_on_termination

DATASET = os.environ.get("BIRDML_DATASET") or "data/demo"


class OneLineErrors(click.Command):
    """Exit codes: 0, 2 with one line for what a user did wrong, 1 for a fault of ours."""

    @property
    def step(self) -> str | None:
        """What the run is named by; of a group, the sub-command that was asked for."""
        return self.name

    @log.shown()
    def main(self, *args, **kwargs):
        try:
            super().main(*args, **{**kwargs, "standalone_mode": False})
        except (UserError, click.ClickException) as error:
            text = error.format_message() if isinstance(error, click.ClickException) else str(error)
            click.echo(f"error: {' '.join(text.split())}", err=True)
            _describe_run(f"{self.step} (refused)", text)
            sys.exit(2)
        except (KeyboardInterrupt, click.Abort):
            said = "interrupted; the same command goes on from here"
            click.echo(said, err=True)
            _describe_run(f"{self.step} (interrupted)", said)
            _end_runs()
            sys.exit(130)
        except Exception as error:
            meant = _of_store(error)
            _describe_run(f"{self.step} (failed)", meant or f"{type(error).__name__}: {error}")
            if meant is None:
                raise
            click.echo(f"error: {meant}", err=True)
            sys.exit(2)

    def invoke(self, context: click.Context):
        """The command; SIGTERM ends it as ctrl-C does, and its run says who is at work on it."""
        if not isinstance(self, click.Group):
            if threading.current_thread() is threading.main_thread():
                interrupt_on_termination()
            if os.environ.get("MLFLOW_RUN_ID"):
                from birdml.tracking.dead_runs import hold_handed_run

                hold_handed_run()
        return super().invoke(context)


def _end_runs() -> None:
    """Marks what `mlflow run` opened for this command as killed; it would call it failed."""
    if "birdml.tracking.store" in sys.modules:
        from birdml.tracking.dead_runs import end_handed_runs
        from birdml.tracking.handed import runs_handed
        from birdml.tracking.retry import at_once

        if runs_handed():
            with contextlib.suppress(Exception), at_once():  # the next start sees that we are gone
                end_handed_runs()


class OneLineGroup(OneLineErrors, click.Group):
    """Sub-commands with the same exit codes, and a hint where one is misspelt."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        there = self.list_commands(ctx)
        if args[0] not in there and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], there, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(there)}"
            raise click.UsageError(f"No such command '{args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)


def _of_store(error: Exception) -> str | None:
    """What an error of the tracking store means, in one line; None for a fault of ours."""
    if "mlflow" not in sys.modules:
        return None
    from birdml.tracking.faults import in_words
    from birdml.tracking.store import tracking_uri

    return in_words(error, tracking_uri())


def _describe_run(name: str, note: str) -> None:
    """Says in the run that `mlflow run` opened how the command ended, unless it is a model's."""
    if os.environ.get("MLFLOW_RUN_ID"):
        from birdml.tracking.own_runs import describe_handed_run
        from birdml.tracking.retry import at_once

        # the line above says what is wrong; a store that is away has no more to add
        with contextlib.suppress(Exception), at_once():
            describe_handed_run(name, note, unless_named=True)


def dataset_option(function: Callable) -> Callable:
    """`--dataset`, the folder of a prepared dataset; MLproject passes on an empty default."""
    return click.option(
        "--dataset",
        default=DATASET,
        show_default=True,
        callback=lambda context, option, value: value or DATASET,
        help="Folder of a prepared dataset.",
    )(function)


def encoder_options(function: Callable) -> Callable:
    """`--encoder`, `--encoders` and `--jobs`, of commands that listen with a pretrained encoder."""
    options = (
        click.option("--encoder", default="birdnet24", show_default=True, help="Its name."),
        click.option("--encoders", default="", help="A TOML file with encoders of one's own."),
        click.option(
            "--jobs", default=1, show_default=True, type=click.IntRange(1), help="Cores to use."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def entry_point(function: Callable) -> click.Command:
    """Makes a function with click options an entry point; its docstring is the help."""
    return click.command(
        cls=OneLineErrors,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )(function)
