"""Tables for people: rows in columns of one width, on a terminal and in a log alike."""

import math
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 100_000  # characters, so that nothing is cut or wrapped


def figure(value: float | None, form: str = ".3f") -> str:
    """A number in a table; `-` where there is none.

    >>> figure(0.5), figure(12.34, ".1f"), figure(None), figure(float("nan"))
    ('0.500', '12.3', '-', '-')
    """
    return "-" if value is None or math.isnan(value) else format(value, form)


def table_text(
    heads: Sequence[str] | None, rows: Iterable[Sequence[object]], align: str = ""
) -> str:
    """Rows as lines of text in columns as wide as their widest cells, without lines between.

    Args:
        heads: headings; None for a table without.
        rows: as many cells in each, written with `str`.
        align: `<` or `>` for each column: words to the left, numbers to the right. By default the
            first column to the left and all others to the right.

    Raises ValueError where rows, headings and `align` are not of one length.

    >>> print(table_text(("model", "map"), [("meta3", "0.325"), ("meta11", "0.3")]))
    model     map
    meta3   0.325
    meta11    0.3
    """
    body = [[Text(str(cell)) for cell in row] for row in rows]  # a `Text` is never read as markup
    count = len(heads) if heads is not None else len(body[0]) if body else len(align)
    align = align or "<".ljust(count, ">")
    if {len(align), *map(len, body)} != {count}:
        raise ValueError(f"a table of {count} columns with '{align}' and rows of other lengths")
    table = Table(box=None, pad_edge=False, header_style="", show_header=heads is not None)
    for column, side in enumerate(align):
        head = Text(heads[column] if heads is not None else "")
        table.add_column(head, justify="right" if side == ">" else "left", no_wrap=True)
    for cells in body:
        table.add_row(*cells)
    out = StringIO()
    Console(file=out, width=WIDE, force_terminal=False, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def records_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of equal keys as a table under these, floats with four digits, numbers to the right.

    >>> print(records_text([{"class_id": "turmer", "mrr": 0.5}, {"class_id": "x", "mrr": 1.0}]))
    class_id     mrr
    turmer    0.5000
    x         1.0000
    """
    first = rows[0]
    align = "".join(">" if isinstance(value, int | float) else "<" for value in first.values())
    cells = [
        [figure(v, ".4f") if isinstance(v, float) else v for v in (row[key] for key in first)]
        for row in rows
    ]
    return table_text(list(first), cells, align)
