"""Reading our own files as strictly as those of others: one line that says what is wrong, where.

A file of ours may be half there, edited by hand, or a folder in its place.
"""

import csv
import io
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from birdml.errors import UserError

csv.field_size_limit(1 << 24)

Rows = list[tuple[int, dict[str, str]]]  # of a table: the line that each ends in, and its values


def read_text(path: Path, advice: str) -> str:
    """The text of a file in UTF-8. `advice` says what to do where it can't be read.

    Raises UserError.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"'{path}' is missing: {advice}") from None
    except OSError as error:
        raise UserError(f"cannot read '{path}' ({error.strerror}): {advice}") from None
    except UnicodeDecodeError:
        raise UserError(f"'{path}' is broken (no UTF-8): {advice}") from None


def read_table(
    path: Path, columns: Sequence[str], advice: str, optional: Sequence[str] = ()
) -> Rows:
    """The rows of a CSV file with the line that each ends in.

    Raises UserError where it can't be read, lacks one of the columns, or a row is not whole.
    """
    reader = csv.reader(io.StringIO(read_text(path, advice), newline=""), strict=True)
    try:
        header = next(reader, [])
        lacking = [name for name in columns if name not in header]
        if lacking:
            raise UserError(f"'{path}' has no column {', '.join(lacking)}: {advice}")
        rows = []
        for row in reader:
            if len(row) != len(header):
                what = f"{len(row)} values for {len(header)} columns"
                raise UserError(f"'{path}', line {reader.line_num}: {what}: {advice}")
            rows.append((reader.line_num, dict(zip(header, row))))
    except csv.Error as error:
        raise UserError(f"'{path}', line {reader.line_num}: {error}: {advice}") from None
    for _, values in rows:
        for name in optional:
            values.setdefault(name, "")
    return rows


def read_toml(path: Path, advice: str) -> dict[str, Any]:
    """The content of a TOML file. Raises UserError where it can't be read."""
    try:
        return tomllib.loads(read_text(path, advice))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"'{path}' is broken ({error}): {advice}") from None


def read_json(path: Path, advice: str) -> Any:
    """The content of a JSON file. Raises UserError where it can't be read."""
    try:
        return json.loads(read_text(path, advice))
    except (ValueError, RecursionError) as error:
        raise UserError(f"'{path}' is broken ({error}): {advice}") from None
