"""What a decoder gives: blocks of samples and notes on them, or the reason why there are none."""

from dataclasses import dataclass

from birdml.dataset.channels import Channels

BLOCK = 1 << 18  # samples of one channel at a time
CLIPPED = 0.01  # share of samples beyond full scale that is worth telling


class UnreadableAudio(Exception):
    """A file that no decoder makes sound of; the text says why."""


@dataclass
class Notes:
    """What was noticed while decoding a file, complete once all blocks are read."""

    samples: int = 0  # at SAMPLE_RATE
    rate: int = 0  # samples per second of the file
    bad_values: int = 0  # NaN or infinite
    clipped: int = 0  # beyond full scale
    loudest: int = 0
    remarks: tuple[str, ...] = ()
    channels: Channels | None = None  # of a file with several

    def said(self) -> tuple[str, ...]:
        """All remarks in words for people."""
        said = self.remarks
        if self.bad_values:
            said += (f"{self.bad_values} values that are no finite number set to 0",)
        if self.clipped > CLIPPED * self.samples:
            said += (f"{self.clipped} samples beyond full scale cut",)
        return said
