"""The challenge's two file formats, written.

Monophone, one line per recording and class: `media id;class id;probability;rank`. Soundscape, one
line per 5 s window and class: `media id;hh:mm:ss-hh:mm:ss;class id;probability`. No header, ten
digits, best class first. A file that bears its name is complete: it is written beside and renamed.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import numpy as np

from birdml.dataset.recording import Recording
from birdml.errors import UserError
from birdml.submission.probabilities import best

MOST_CLASSES = 100  # per item, by the rules of the challenge
WINDOW = 5  # seconds


def media_id(recording: Recording) -> str:
    """The id that the challenge knows a recording by: its own, else the number after `_RN`.

    A recording that has neither is known by its file name without folder and extension.
    """
    if recording.media_id:
        return recording.media_id
    stem = Path(recording.file).stem
    number = re.search(r"_RN(\d+)$", stem)
    return number.group(1) if number else stem


def media_ids(recordings: Sequence[Recording]) -> dict[str, str]:
    """File -> the id of its recording, no two alike.

    What several recordings would be called by, as `2` for `abc/2.wav` and `xyz/2.wav`, names none
    of them: each is then known by its whole relative name, `abc/2`, or with its extension where
    that is still shared.

    Raises:
        UserError: where recordings share a media id, of their dataset or after `_RN`.
    """
    names = {r.file: media_id(r) for r in recordings}
    own = {r.file for r in recordings if names[r.file] != Path(r.file).stem or r.media_id}
    for longer in (lambda file: file.rpartition(".")[0] or file, lambda file: file):
        counts = Counter(names.values())
        for file, name in names.items():
            if counts[name] > 1 and file not in own:
                names[file] = longer(file)
    shared = [(name, n) for name, n in Counter(names.values()).items() if n > 1]
    if shared:
        listed = ", ".join(f"'{name}' ({n} times)" for name, n in shared[:10])
        more = f", and {len(shared) - 10} more" if len(shared) > 10 else ""
        raise UserError(
            f"media ids are shared by several recordings: {listed}{more}; give each its own in "
            "recordings.csv"
        )
    return names


def time_code(seconds: float) -> str:
    """Whole seconds as hh:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def window_code(start: float) -> str:
    """A window that starts at so many seconds, as `hh:mm:ss-hh:mm:ss`."""
    return f"{time_code(start)}-{time_code(start + WINDOW)}"


@contextmanager
def written_whole(path: Path) -> Iterator[TextIO]:
    """A text file that gets its name only when all of it is written.

    Raises UserError where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "w", encoding="utf-8", newline="\n") as file:
            yield file
        os.replace(beside, path)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"'{path}' cannot be written ({reason}); name another folder") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def class_limit(max_classes: int) -> int:
    """The limit of lines per item, as given; UserError where the challenge does not allow it."""
    if not 1 <= max_classes <= MOST_CLASSES:
        raise UserError(f"max_classes is {max_classes}; the challenge takes 1 to {MOST_CLASSES}")
    return max_classes


def write_monophone(
    file: TextIO,
    media_ids: Sequence[str],
    logits: np.ndarray,
    classes: Sequence[str],
    kind: str = "softmax",
    max_classes: int = MOST_CLASSES,
) -> None:
    """Writes the best classes of every recording.

    Args:
        media_ids: N ids, in the order of the rows.
        logits: float [N, C]; minus infinity where a class is ruled out.
        classes: C class ids.
        kind: see `probabilities`.
        max_classes: at most so many lines per recording.

    Raises:
        UserError: where max_classes is out of range, the kind unknown, or a logit NaN.
    """
    limit = class_limit(max_classes)
    for item, labels, values in best(logits, kind, limit):
        media = media_ids[item]
        file.writelines(
            f"{media};{classes[label]};{value:.10f};{rank}\n"
            for rank, (label, value) in enumerate(zip(labels.tolist(), values.tolist()), start=1)
        )


def write_soundscape(
    file: TextIO,
    media_ids: Sequence[str],
    starts: np.ndarray,
    logits: np.ndarray,
    classes: Sequence[str],
    kind: str = "softmax",
    max_classes: int = MOST_CLASSES,
) -> None:
    """Writes the best classes of every 5 s window; `starts` are seconds, float [N].

    Otherwise as `write_monophone`; a row is a window.
    """
    limit = class_limit(max_classes)
    for item, labels, values in best(logits, kind, limit):
        window = f"{media_ids[item]};{window_code(starts[item])}"
        file.writelines(
            f"{window};{classes[label]};{value:.10f}\n"
            for label, value in zip(labels.tolist(), values.tolist())
        )
