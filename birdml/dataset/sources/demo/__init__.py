"""Raw recordings for trying everything: invented birds, in the layout of BirdCLEF 2018."""

from birdml.dataset.sources.demo.archives import generate

__all__ = ["generate"]
