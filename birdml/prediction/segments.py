"""Which frames of a recording go through the network at once, and which outputs count.

Frame f covers samples 315 f to 315 f + 1024. Output t of a network is computed from
`receptive_field` frames that begin at frame `stride * t - padding`; frames outside the recording
are zeros inside the network. A segment therefore yields the outputs of an unsegmented pass where
it begins at a multiple of the stride and its cut edges lie outside the outputs' receptive fields.
"""

from dataclasses import dataclass

from birdml.dataset.recording import SAMPLE_RATE
from birdml.networks.trunks import TimeGeometry
from birdml.signal.spectrogram import FRAME_LENGTH, HOP

FRAMES_PER_SECOND = SAMPLE_RATE // HOP


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames `start` to `stop` of a recording; of its outputs, `first` to `last` count."""

    start: int
    stop: int
    first: int
    last: int

    @property
    def samples(self) -> slice:
        """The samples that these frames cover."""
        return slice(HOP * self.start, HOP * (self.stop - 1) + FRAME_LENGTH)


def outputs_of(frames: int, geometry: TimeGeometry) -> int:
    """Outputs over time of a network for that many frames; 0 where they are too few.

    >>> outputs_of(350, TimeGeometry(receptive_field=100, stride=9, padding=0))
    28
    """
    return max(0, (frames + 2 * geometry.padding - geometry.receptive_field) // geometry.stride + 1)


def exact_segments(frames: int, geometry: TimeGeometry, outputs: int) -> list[Segment]:
    """Segments whose counted outputs, joined, are those of one pass over all frames.

    Each yields `outputs` of them (the last one the rest). The network pads only where a segment
    ends with the recording: at a cut edge, the outputs that saw padding are not counted.

    >>> for one in exact_segments(60, TimeGeometry(receptive_field=20, stride=5, padding=0), 5):
    ...     print(one.start, one.stop, one.last - one.first)
    0 40 5
    25 60 4
    """
    field, stride, padding = geometry
    total = outputs_of(frames, geometry)
    context = -(-padding // stride)  # outputs in front whose receptive field is cut
    segments = []
    for first in range(0, total, outputs):
        last = min(first + outputs, total)
        begin = max(0, first - context)
        stop = frames if last == total else min(frames, stride * (last - 1) - padding + field)
        segments.append(Segment(stride * begin, stop, first - begin, last - begin))
    return segments


def segments_2018(frames: int, geometry: TimeGeometry) -> list[Segment]:
    """As in 2018: up to 63 s at once, longer recordings in 63 s segments every 60 s.

    Every output counts, so those of the 3 s overlap count twice. A last segment needs 3 s.
    """
    longest, shortest = 63 * FRAMES_PER_SECOND, 3 * FRAMES_PER_SECOND
    starts = [0]
    if frames > longest:
        starts = list(range(0, frames - shortest + 1, longest - shortest))
    stops = [min(start + longest, frames) for start in starts]
    return [
        Segment(start, stop, 0, outputs_of(stop - start, geometry))
        for start, stop in zip(starts, stops)
    ]


def windows_2018(frames: int, length: int) -> list[tuple[int, int]]:
    """As in 2018: windows of `length` frames, (start, stop); a remainder is lost, unless it is all
    there is.

    >>> windows_2018(1000, 350), windows_2018(100, 350)
    ([(0, 350), (350, 700)], [(0, 100)])
    """
    if frames < length:
        return [(0, frames)]
    return [(start, start + length) for start in range(0, frames - length + 1, length)]
