"""From a source of raw recordings to a prepared dataset.

The order: read the source, convert its audio, keep equal recordings once, make the label set,
divide into train and valid, repair the metadata, write. Everything that is left out or changed on
the way is a row of `problems.csv`. While it is unfinished, a dataset's folder holds `.preparing/`
with the request and a journal; the same command goes on from there.
"""

from birdml.prepare.making import prepare
from birdml.prepare.report import summary
from birdml.prepare.request import Request

__all__ = ["Request", "prepare", "summary"]
