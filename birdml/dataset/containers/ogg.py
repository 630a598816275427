"""OGG files: the chains that were joined in one."""

from pathlib import Path

from birdml.dataset.containers.parts import Parts, as_it_is, stretch


def read(path: Path) -> Parts | None:
    """Every chain of a file that holds several; a remark where the last page is missing."""
    size = path.stat().st_size
    starts: list[int] = []
    beginning = ended = False
    with open(path, "rb") as file:
        position = 0
        while position + 27 <= size:
            file.seek(position)
            head = file.read(27)
            if head[:4] != b"OggS":
                break
            table = file.read(head[26])
            if head[5] & 2:
                if not beginning:
                    starts.append(position)
                beginning = True
            else:
                beginning = False
            ended = bool(head[5] & 4)
            position += 27 + len(table) + sum(table)
    if not starts:
        return None
    whole = ended and position <= size
    if len(starts) == 1:
        return Parts([as_it_is(path)], whole=whole)
    ends = [*starts[1:], size]
    remark = f"{len(starts)} recordings joined in one file: all were read"
    opens = [stretch(path, start, end - start) for start, end in zip(starts, ends)]
    return Parts(opens, None, [remark], whole=whole)
