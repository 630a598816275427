"""Which audio file belongs to which row of a table."""

import re
from pathlib import Path

Row = dict[str, str]


class Sounds:
    """Audio files, found by what a row says of them."""

    def __init__(self, paths: list[Path], base: Path):
        self.paths = {p.relative_to(base).as_posix(): p for p in paths}
        self.keys: dict[str, list[str]] = {}
        for relative in self.paths:
            for key in self._keys(relative):
                self.keys.setdefault(key, []).append(relative)
        self.used: set[str] = set()

    @staticmethod
    def _keys(relative: str) -> set[str]:
        """What a file may be called: its path or any end of it, with suffix and without."""
        parts = relative.lower().split("/")
        ends = {"/".join(parts[i:]) for i in range(len(parts))}
        return ends | {re.sub(r"\.[a-z0-9]{2,5}$", "", end) for end in ends}

    def find(self, values: Row) -> Path | None:
        """The only file that fits, or None."""
        name = values.get("file", "").replace("\\", "/").lower().removeprefix("./")
        number = values.get("id", "").lower()
        base = name.rsplit("/", 1)[-1]
        folder = values.get("class_id", "").lower()
        candidates = [name, re.sub(r"\.[a-z0-9]{2,5}$", "", name), f"{folder}/{base}", base]
        if number:
            candidates += [number, f"xc{number}"]
        for key in filter(None, candidates):
            if len(found := self.keys.get(key, [])) == 1:
                self.used.add(found[0])
                return self.paths[found[0]]
        return None

    def unused(self) -> list[str]:
        return sorted(self.paths.keys() - self.used)
