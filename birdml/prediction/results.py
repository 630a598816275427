"""Where results are written: into a folder of this machine, or to an address of a store.

At an address each table is an object of its own, put whole by whoever heard the file. The command
has a folder of its own for the rest, which vanishes with it: the journal is put in pieces, one
after the other, since objects can't be added to, and joined into one object at the end.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from birdml.dataset.addresses import WHOLE, Address
from birdml.errors import UserError
from birdml.prediction.journal import JOURNAL, SETTINGS
from birdml.prediction.sources import Place, place_at
from birdml.prediction.tables import FORMS
from birdml.prediction.tables.rows import MOST_BYTES, Part, TooLarge

PIECES = "journal.d"  # of the journal at an address
PIECE_SECONDS = 10.0  # of work that a kill may lose
MOST_PIECES = 1000
AT_ONCE = 16  # tables that are fetched
HEADER = 400  # bytes of a table that are no rows, at the most


class Results:
    """Results in a folder of this machine: `folder` for what the command itself writes, `target`
    for tables of files."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.target: Place = folder
        self.called = str(folder)

    def has(self, name: str) -> bool:
        """Whether a file of the whole folder is there."""
        return (self.folder / name).exists()

    def names(self, below: str) -> frozenset[str]:
        """Names of the results in a folder of them; none where it is not there."""
        try:
            return frozenset(os.listdir(self.folder / below))
        except OSError:
            return frozenset()

    def keep(self, *names: str, again: bool = False) -> None:
        """Takes over what was written into `folder`; what is there stays unless `again`."""

    def noted(self) -> None:
        """The journal has a line more."""

    def join(self, form: str, parts: Sequence[Part]) -> None:
        """Makes the table of the whole folder. Raises TooLarge."""
        FORMS[form].join(self.folder, parts)


class AddressResults(Results):
    """Results at an address."""

    def __init__(self, address: Address, folder: Path):
        super().__init__(folder)
        self.target: Address = address
        self.called = str(address)
        self._there = {name for name, is_folder, _ in address.listed() if not is_folder}
        for name in {SETTINGS, JOURNAL} & self._there:
            self._fetch(name)
        self._pieces = [
            f"{PIECES}/{name}"
            for name, is_folder, _ in (address / PIECES).listed()
            if not is_folder
        ]
        with open(folder / JOURNAL, "ab") as journal:
            for piece in self._pieces:
                self._fetch(piece)
                journal.write((folder / piece).read_bytes())
            self._put = journal.tell()
        self._last = time.monotonic()

    def has(self, name: str) -> bool:
        return name in self._there

    def names(self, below: str) -> frozenset[str]:
        return frozenset(name for name, _, _ in (self.target / below if below else self.target)
                         .listed())  # fmt: skip

    def keep(self, *names: str, again: bool = False) -> None:
        for name in names:
            if again or name not in self._there:
                (self.target / name).put(self.folder / name)
                self._there.add(name)

    def noted(self) -> None:
        if time.monotonic() - self._last > PIECE_SECONDS:
            self.put_piece()
            if len(self._pieces) > MOST_PIECES:
                self.put_journal()

    def put_piece(self) -> None:
        """Puts the lines of the journal that are not there yet."""
        with open(self.folder / JOURNAL, "rb") as journal:
            journal.seek(self._put)
            lines = journal.read()
        if lines:
            name = f"{PIECES}/{time.time_ns():020d}.jsonl"
            piece = self.folder / name
            piece.parent.mkdir(exist_ok=True)
            piece.write_bytes(lines)
            (self.target / name).put(piece)
            piece.unlink()
            self._pieces.append(name)
            self._put += len(lines)
        self._last = time.monotonic()

    def put_journal(self) -> None:
        """Puts the journal as one object, and removes its pieces after."""
        self.put_piece()
        if self._pieces:
            self.keep(JOURNAL, again=True)
            while self._pieces:
                (self.target / self._pieces.pop()).remove()

    def join(self, form: str, parts: Sequence[Part]) -> None:
        """Out of the tables that lie there, each fetched once; those of earlier commands too."""
        whole = getattr(FORMS[form], "WHOLE", "")
        dataset = getattr(FORMS[form], "FOLDER", "")
        try:
            if whole:
                self._fetch_tables(form, parts)
            there = list(self._mirrored(dataset)) if dataset else []
            FORMS[form].join(self.folder, parts)
        except TooLarge:
            (self.target / whole).remove()
            self._there.discard(whole)
            raise
        if whole:
            self.keep(whole, again=True)
        for name in there:
            if not (self.folder / name).exists():
                (self.target / name).remove()

    def _fetch(self, name: str) -> None:
        copy = self.folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            (self.target / name).get(copy)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UserError(f"can't read '{self.target / name}': {error}") from error

    def _fetch_tables(self, form: str, parts: Sequence[Part]) -> None:
        def fetch(part: Part) -> int:
            name = FORMS[form].place(part.name, part.date, part.site)
            with suppress(FileNotFoundError):
                self._fetch(name)
                return (self.folder / name).stat().st_size
            return 0

        rows = 0
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for first in range(0, len(parts), 100 * AT_ONCE):
                some = parts[first : first + 100 * AT_ONCE]
                rows += sum(max(0, size - HEADER) for size in threads.map(fetch, some))
                if rows > MOST_BYTES:
                    raise TooLarge

    def _mirrored(self, folder: str) -> Iterator[str]:
        """An empty file in the place of each object: which are to go is told by their names."""
        for name, is_folder, _ in (self.target / folder).listed():
            path = f"{folder}/{name}"
            if is_folder:
                yield from self._mirrored(path)
            else:
                (self.folder / folder).mkdir(parents=True, exist_ok=True)
                (self.folder / path).touch()
                yield path


@contextmanager
def results_at(out: str | Place) -> Iterator[Results]:
    """The results in a folder, or at an address. Raises UserError for a store that can't put a
    file whole."""
    place = place_at(out)
    if isinstance(place, Path):
        yield Results(place)
        return
    if place.root.partition("://")[0].lower() not in WHOLE:
        raise UserError(
            f"out='{place}': results go into a folder or a store of objects (s3://, gs://, az://), "
            "where a file is whole or not there"
        )
    with tempfile.TemporaryDirectory(prefix="birdml-results-") as folder:
        results = AddressResults(place, Path(folder))
        try:
            yield results
        except (Exception, KeyboardInterrupt):
            with suppress(UserError, OSError):
                results.put_piece()
            raise
        results.put_journal()


@contextmanager
def landing(out: Place) -> Iterator[Path]:
    """A folder for the results of one file; at an address they are put when all are written.

    Raises UserError where the store refuses.
    """
    if isinstance(out, Path):
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="birdml-") as scratch:
        folder = Path(scratch)
        yield folder
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                (out / path.relative_to(folder).as_posix()).put(path)
