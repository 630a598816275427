"""birdml: bird species from audio, date, time and place, as 37 models and their ensemble."""

__version__ = "0.1.0"  # the one place: pyproject.toml reads it here
