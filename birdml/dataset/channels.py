"""Which channels of a recording carry its sound.

The mean of all is what people expect of a stereo recording, unless the channels cancel each other
(opposite phase) or some of them hold nothing that is worth to be mixed in.
"""

import numpy as np

from birdml.errors import UserError

MEAN = "mean"
NAMES: dict[str, str | int] = {"mean": MEAN, "left": 0, "right": 1}
CANCELLED = 0.25  # of the power that independent channels would leave in their mean
QUIET = 1e-2  # power of a channel, as a share of the loudest: 20 dB below


def channel_number(name: str) -> str | int:
    """`mean`, `left`, `right` or a number from 1 -> `mean`, or a number from 0.

    >>> channel_number("left"), channel_number("2"), channel_number("mean")
    (0, 1, 'mean')
    """
    if name in NAMES:
        return NAMES[name]
    if name.isdecimal() and int(name) >= 1:
        return int(name) - 1
    raise UserError(f"channel='{name}'; it can be mean, left, right, or a number from 1")


class Channels:
    """The power of each channel and of their mean, summed up block by block."""

    def __init__(self, count: int):
        self.count = 0
        self.sums, self.squares, self.bad = (np.zeros(count + 1) for _ in range(3))

    def add(self, block: np.ndarray, mixed: np.ndarray) -> None:
        """A block float32 [S, channels] and its mean [S]."""
        self.count += len(block)
        for number in range(len(self.sums)):
            values = mixed if number == block.shape[1] else block[:, number]
            total = float(values.sum(dtype=np.float64))
            if not np.isfinite(total):
                finite = np.isfinite(values)
                self.bad[number] += len(values) - int(finite.sum())
                values = np.where(finite, values, np.float32(0))
                total = float(values.sum(dtype=np.float64))
            self.sums[number] += total
            # a dot product in single precision is enough, block by block
            with np.errstate(over="ignore"):
                self.squares[number] += float(np.dot(values, values))

    def better(self) -> tuple[int, str] | None:
        """The channel to take instead of the mean, and why; None where the mean is right."""
        if not self.count:
            return None
        power = self.squares / self.count - np.square(self.sums / self.count)  # without its offset
        *own, mean = np.maximum(power, 0)
        broken = [i for i in range(len(own)) if self.bad[i] > 0.01 * self.count]
        usable = [i for i in range(len(own)) if i not in broken]
        if not usable:
            return None
        best = max(usable, key=lambda i: own[i])
        taken = f"channel {best + 1} of {len(own)} was taken"
        if not own[best] > 0:
            return None
        if broken:
            return best, f"channel {broken[0] + 1} holds values that are no numbers: {taken}"
        weak = [i for i in usable if own[i] < QUIET * own[best]]
        if weak:
            return best, f"channel {weak[0] + 1} is silent or far quieter: {taken}"
        if mean < CANCELLED * np.mean(own) / len(own):
            return best, f"the channels cancel each other: {taken}"
        return None
