"""The comparison on marks in time: as one HTML page that needs no network, and in a terminal."""

import math
from html import escape

import numpy as np

from birdml.comparison.charts import Scale, matrix, signed, track
from birdml.comparison.marks import RESAMPLES, SURE, Compared, findings
from birdml.comparison.page import document
from birdml.comparison.statistics import LEVEL, Interval

FIGURES = (  # heading, name in WindowScores
    ("mAP", "map_micro"),
    ("AUROC", "auroc"),
    ("top 1", "top1"),
    ("lwLRAP", "lwlrap"),
    ("best F1", "best_f1"),
)


def marks_page(report: Compared) -> str:
    """The HTML of a report."""
    units = "" if report.over == "recordings" else f"{report.units} "
    marked = int((report.positives > 0).sum())
    parts = [
        f"<h1>Detections on {escape(report.truth)}</h1>",
        f'<p class="faint">{report.windows} windows of {report.length:g} s in {report.recordings} '
        f"recordings; {marked} species are marked. cmAP is the mean over them of the average "
        f"precision. Intervals hold {LEVEL} % of {RESAMPLES} resamples of the "
        f"{units}{escape(report.over)}, the same for all: they tell how sure a figure is for other "
        f"{escape(report.over)} like these.</p>",
        f'<ul class="findings">{"".join(f"<li>{escape(f)}</li>" for f in findings(report))}</ul>',
        _detectors(report),
        _wins(report),
        _species(report),
        _notes(report),
    ]
    return document(f"Detections on {report.truth}", parts)


def _detectors(report: Compared) -> str:
    spread = [end for one in report.cmap for end in (one.low, one.high)]
    scale = Scale(spread)
    headings = ["detections", "cmAP", f"{LEVEL} % interval", "behind best"]
    headings += [heading for heading, _ in FIGURES] + ["event F1", "what"]
    rows = []
    for place, detector in enumerate(report.detectors):
        one, behind, scores = report.cmap[place], report.behind[place], report.scores[place]
        cells = [
            f"<td>{escape(detector.name)}</td>",
            _number(one.value),
            f'<td data-value="{one.low}">{track(one, scale)}'
            f'<span class="faint">{one.low:.3f} to {one.high:.3f}</span></td>',
            f'<td class="number" data-value="{behind.value}" title="{_range(behind)}">'
            f"{'' if place == 0 else signed(-behind.value)}</td>",
            *(_number(getattr(scores, name)) for _, name in FIGURES),
            _number(detector.event_f1),
            f"<td>{escape(detector.what)}</td>",
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        "<h2>All detections</h2><p class=faint>Click a heading to sort. F1 of windows and of "
        "events is at the score where that of the windows is highest.</p>"
        + _table(headings, rows, sorted_by="cmAP", words=("detections", "what"))
    )


def _wins(report: Compared) -> str:
    names = [detector.name for detector in report.detectors]
    if len(names) < 2:
        return ""
    return (
        "<h2>Who wins, how often</h2>"
        f"<p class=faint>Row has the higher cmAP than column, in per cent of {RESAMPLES} resamples "
        f"of the {escape(report.over)}.</p>"
        + matrix(
            names,
            report.wins,
            report.wins - report.wins.T,
            lambda i, j: f"{100 * report.wins[i, j]:.0f}",
            lambda i, j: f"{names[i]} beats {names[j]} in {report.wins[i, j]:.1%} of the resamples",
        )
    )


def _species(report: Compared) -> str:
    names = [detector.name for detector in report.detectors]
    rows = []
    for label in np.argsort(-report.positives, kind="stable").tolist():
        if not report.positives[label]:
            continue
        best, sure = int(report.best[label]), float(report.sure[label])
        cells = [
            f"<td>{escape(report.called[label])}</td>",
            f'<td class="number" data-value="{report.positives[label]}">'
            f"{report.positives[label]}</td>",
        ]
        for place in range(len(names)):
            value = float(report.own[place, label])
            strong = place == best and len(names) > 1
            text = f"<strong>{value:.3f}</strong>" if strong else f"{value:.3f}"
            cells.append(f'<td class="number" data-value="{value}">{text}</td>')
        if len(names) > 1:
            known = best >= 0 and not math.isnan(sure)
            words = f"{names[best]}, {'surely' if sure >= SURE else f'{sure:.0%}'}" if known else ""
            cells.append(f"<td>{escape(words)}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    headings = ["species", "windows", *names] + (["better"] if len(names) > 1 else [])
    return (
        "<h2>Each species</h2><p class=faint>Average precision. Better: who is, and in how many "
        f"resamples it beats the next (surely: {SURE:.0%} and more).</p>"
        + _table(headings, rows, sorted_by="windows", words=("species", "better"))
    )


def _notes(report: Compared) -> str:
    if not report.notes:
        return ""
    lines = "".join(
        f"<li>{escape(name)}: {escape(note)}</li>" for name, note in dict.fromkeys(report.notes)
    )
    return f"<h2>What was noticed</h2><ul class=faint>{lines}</ul>"


def _table(headings: list[str], rows: list[str], sorted_by: str, words: tuple[str, ...]) -> str:
    head = "".join(
        f'<th scope="col" class="{"" if name in words else "number"}"'
        f"{' aria-sort=descending' if name == sorted_by else ''}>"
        f"<button>{escape(name)}</button></th>"
        for name in headings
    )
    return (
        f'<div class="wide"><table class="models"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _number(value: float) -> str:
    if math.isnan(value):
        return '<td class="number" data-value=""></td>'
    return f'<td class="number" data-value="{value}">{value:.3f}</td>'


def _range(one: Interval) -> str:
    return f"{signed(one.low)} to {signed(one.high)}"


def marks_table(report: Compared) -> str:
    """The same in a terminal."""
    width = max(10, *(len(d.name) for d in report.detectors))
    heads = "".join(f"{heading:>9}" for heading, _ in FIGURES)
    lines = [f"{'detections':<{width}}  {'cmAP':>6}  {'95 % interval':<14}{heads} event F1"]
    for detector, one, scores in zip(report.detectors, report.cmap, report.scores, strict=True):
        figures = "".join(f"{_shown(getattr(scores, name)):>9}" for _, name in FIGURES)
        lines.append(
            f"{detector.name:<{width}}  {one.value:>6.3f}  {one.low:.3f} – {one.high:.3f} "
            f"{figures}{_shown(detector.event_f1):>9}"
        )
    return "\n".join([*lines, "", *findings(report)])


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
