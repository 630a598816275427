"""The comparison in a terminal."""

from birdml.comparison.charts import signed
from birdml.comparison.findings import findings, in_words
from birdml.comparison.report import Report


def table(report: Report) -> str:
    """Models with their figures, what settings are worth, and the findings in words."""
    width = max(7, *(len(model.name) for model in report.models))
    lines = [
        f"{'model':<{width}}  {'map':>5}  {'95 % interval':<14}  {'map_bg':>6}  {'top1':>5}  "
        f"{'top5':>5}  {'minutes':>7}  {'device':<6}  recipe"
    ]
    for model, one in zip(report.models, report.scores):
        minutes = "-" if model.minutes is None else f"{model.minutes:.1f}"
        lines.append(
            f"{model.name:<{width}}  {one['map'].value:.3f}  "
            f"{one['map'].low:.3f} – {one['map'].high:.3f}   {one['map_bg'].value:.3f}  "
            f"{one['top1'].value:.3f}  {one['top5'].value:.3f}  {minutes:>7}  "
            f"{model.device or '-':<6}  {in_words(model)}"
        )
    if report.gains:
        wide = max(len(gain.change) for gain in report.gains)
        lines += ["", "What a setting is worth in MAP, all others being equal:"]
        for gain in report.gains:
            also = f"; {gain.beside} differ too" if gain.beside else ""
            lines.append(
                f"{gain.family:<8}  {gain.change:<{wide}}  {signed(gain.gain.value):>6}  "
                f"({signed(gain.gain.low)} to {signed(gain.gain.high)}, "
                f"{len(gain.pairs)} pair{'s' if len(gain.pairs) > 1 else ''}{also})"
            )
    return "\n".join([*lines, "", *findings(report)])
