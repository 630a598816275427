"""`birdml NAME ...`: every command behind one door, each imported only when it is asked for."""

import importlib
from typing import Any

import click

from birdml import __version__
from birdml.commands.command import OneLineGroup

# module, command in it, and the line of `birdml --help` (read without importing the module)
COMMANDS = {
    "demo": ("main", "The whole way on invented birds; as main."),
    "main": ("main", "From raw recordings to a registered ensemble and a submission."),
    "prepare": ("prepare", "Make a dataset of raw recordings."),
    "train": ("train", "Train models of the zoo, log their runs and register them."),
    "predict": ("predict", "Species of a dataset's recordings, or of any audio file."),
    "ensemble": ("ensemble", "Find weights for registered models; register the ensemble."),
    "calibrate": ("calibrate", "Give registered models a calibration, without training."),
    "submit": ("submit", "Write the challenge's files with a registered model."),
    "score": ("score", "Score a submission, or detections against annotations."),
    "compare": ("compare", "Trained models side by side: one page and a table."),
    "embed": ("embed", "Embeddings by a pretrained encoder."),
    "similar": ("similar", "Windows that sound like a clip."),
    "species": ("species", "What a place promises, without any audio."),
    "learn": ("learn", "What more recordings of each species would bring."),
    "season": ("season", "A page of a season, out of results of predict on files."),
    "models": ("models", "What is in the model registry; a model as a folder."),
}


class Group(OneLineGroup):
    """The sub-commands of `birdml`. `--help` needs none of their modules."""

    asked: str | None = None

    @property
    def step(self) -> str | None:
        return self.asked or self.name

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = COMMANDS[cmd_name][0]
        return getattr(importlib.import_module(f"birdml.commands.{name}"), name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        found = super().resolve_command(ctx, args)
        self.asked = found[0]
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(
    cls=Group,
    name="birdml",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="birdml")
def birdml() -> None:
    """Which bird is it? Species from audio, date, time and place.

    `birdml NAME --help` tells the options of a command.
    """
