"""The comparison in a terminal."""

from birdml.comparison.charts import signed
from birdml.comparison.findings import findings, in_words
from birdml.comparison.report import Report
from birdml.comparison.statistics import LEVEL
from birdml.screen import figure, table_text

FIGURES = ("map_bg", "top1", "top5")
HEADS = ("model", "map", f"{LEVEL} % interval", *FIGURES, "minutes", "device", "recipe")


def table(report: Report) -> str:
    """Models with their figures, what settings are worth, and the findings in words."""
    rows = []
    for model, one in zip(report.models, report.scores):
        main = one["map"]
        figures = [figure(one[key].value) for key in FIGURES]
        told = (figure(model.minutes, ".1f"), model.device or "-", in_words(model))
        interval = f"{main.low:.3f} – {main.high:.3f}"
        rows.append((model.name, figure(main.value), interval, *figures, *told))
    lines = [table_text(HEADS, rows, "<>>>>>><<")]
    if report.gains:
        lines += ["", "What a setting is worth in MAP, all others being equal:"]
        changes = []
        for gain in report.gains:
            also = f"; {gain.beside} differ too" if gain.beside else ""
            span = f"{signed(gain.gain.low)} to {signed(gain.gain.high)}"
            pairs = f"{len(gain.pairs)} pair{'s' if len(gain.pairs) > 1 else ''}"
            more = f"({span}, {pairs}{also})"
            changes.append((gain.family, gain.change, signed(gain.gain.value), more))
        lines.append(table_text(None, changes, "<<><"))
    return "\n".join([*lines, "", *findings(report)])
