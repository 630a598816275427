"""`python -m birdml`, the same as `birdml`."""

from birdml.commands.cli import birdml

birdml(prog_name="birdml")
