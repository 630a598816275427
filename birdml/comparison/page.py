"""The comparison as one HTML page that needs no network: style and script are inside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from birdml.comparison.charts import Scale, bar, matrix, scatter, signed, track
from birdml.comparison.findings import findings, in_words
from birdml.comparison.grid import Gain
from birdml.comparison.place import FEWEST, SpeciesGain
from birdml.comparison.report import Report
from birdml.comparison.statistics import LEVEL, Interval
from birdml.scoring import TENTHS
from birdml.zoo.recipe import FAMILIES

HERE = Path(__file__).parent


def page(report: Report) -> str:
    """The HTML of a report."""
    parts = [
        f"<h1>Models of {escape(report.dataset)}</h1>",
        f'<p class="faint">{len(report.models)} models, {report.recordings} validation recordings, '
        f"{report.classes} species. MAP is the mean of 1 / rank of the foreground species; MAP-bg "
        f"asks for background species too. Intervals hold {LEVEL} % of 2000 resamples of the "
        f"{_over(report)}: they tell how sure a figure is for other {escape(report.over)} like "
        f"these, not for another training.{_stands_for(report)}</p>",
        f'<ul class="findings">{"".join(f"<li>{escape(f)}</li>" for f in findings(report))}</ul>',
        _models(report),
        _gains(report),
        _wins(report),
        _agreement(report),
        _cost(report),
        _ensemble(report),
        _place(report),
    ]
    return document(f"Models of {report.dataset}", parts)


def document(title: str, parts: Sequence[str]) -> str:
    """A page with style and script inside; empty parts are left out."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title>\n"
        f"<style>\n{(HERE / 'page.css').read_text()}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + f"\n<script>\n{(HERE / 'page.js').read_text()}</script>\n</body></html>\n"
    )


def _over(report: Report) -> str:
    counted = "" if report.over == "recordings" else f"{report.units} "
    return f"{counted}{escape(report.over)}"


def _stands_for(report: Report) -> str:
    return f" The recordings stand for {escape(report.stands_for)}." if report.stands_for else ""


def _models(report: Report) -> str:
    spread = [end for s in report.scores for end in (s["map"].low, s["map"].high)]
    scale = Scale(spread)
    others = max(len(report.models) - 1, 1)
    columns = [
        ("model", ""), ("MAP", "number"), (f"{LEVEL} % interval", "number"),
        ("behind best", "number"), ("MAP-bg", "number"), ("top 1", "number"), ("top 5", "number"),
        ("tenths won", "number"), ("minutes", "number"), ("device", ""), ("recipe", "words"),
    ]  # fmt: skip
    head = "".join(
        f'<th scope="col" class="{kind}"'
        f"{' aria-sort=descending' if name == 'MAP' else ''}><button>{name}</button></th>"
        for name, kind in columns
    )
    rows = []
    for i, model in enumerate(report.models):
        one, behind = report.scores[i], report.behind[i]
        won = report.wins[i].sum() / others / TENTHS if others else 0.0
        minutes = "" if model.minutes is None else f"{model.minutes:.1f}"
        cells = [
            f"<td>{escape(model.name)}</td>",
            _number(one["map"].value),
            f'<td data-value="{one["map"].low}">{track(one["map"], scale)}'
            f'<span class="faint">{one["map"].low:.3f} to {one["map"].high:.3f}</span></td>',
            f'<td class="number" data-value="{behind.value}" title="{_range(behind)}">'
            f"{'' if i == 0 else signed(-behind.value)}</td>",
            _number(one["map_bg"].value),
            _number(one["top1"].value),
            _number(one["top5"].value),
            f'<td class="number" data-value="{won}">{100 * won:.0f} %</td>',
            f'<td class="number" data-value="{minutes}">{minutes}</td>',
            f"<td>{escape(model.device)}</td>",
            f'<td class="words">{escape(in_words(model))}</td>',
        ]
        kind = ' class="ensemble"' if model.family == "ensemble" else ""
        rows.append(f"<tr{kind}>{''.join(cells)}</tr>")
    return (
        "<h2>Every model</h2><p class=faint>Click a heading to sort. “Tenths won”: share of "
        f"{TENTHS} random tenths of the recordings on which a model beats the others by "
        "MAP + MAP-bg.</p>"
        f'<div class="wide"><table class="models"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _number(value: float) -> str:
    return f'<td class="number" data-value="{value}">{value:.3f}</td>'


def _range(one: Interval) -> str:
    return f"{signed(one.low)} to {signed(one.high)}"


def _gains(report: Report) -> str:
    if not report.gains and not report.chance:
        return ""
    scale = Scale(
        [0.0]
        + [end for g in report.gains for end in (g.gain.low, g.gain.high)]
        + [end for *_, one in report.chance for end in (one.low, one.high)]
    )
    rows = []
    for family, kind in FAMILIES.items():
        of_family = [gain for gain in report.gains if gain.family == family]
        if of_family:
            rows.append(f"<h3>{kind.title}</h3>")
        rows += [_gain_row(gain, scale) for gain in of_family]
    if report.chance:
        rows.append("<h3>the same recipe twice: chance</h3>")
    for one, other, difference in report.chance:
        rows.append(_difference(f"{one} → {other}", difference, scale))
    return (
        "<h2>What a setting is worth</h2>"
        "<p class=faint>Mean difference in MAP between models that differ in one setting. Filled "
        f"dots: the {LEVEL} % interval does not hold 0. A difference no larger than that between "
        "trainings of one recipe is chance, whatever its interval says.</p>"
        f'<div class="rows">{"".join(rows)}</div>'
    )


def _row(label: str, chart: str, figure: str, title: str = "", note: str = "") -> str:
    return (
        f'<div class="row"><span class="label">{escape(label)}</span>{chart}'
        f'<span class="figure" title="{title}">{figure}</span>{note}</div>'
    )


def _difference(label: str, one: Interval, scale: Scale, note: str = "") -> str:
    return _row(label, track(one, scale, zero=True), signed(one.value), _range(one), note)


def _gain_row(gain: Gain, scale: Scale) -> str:
    pairs = ", ".join(f"{a} → {b}" for a, b in gain.pairs)
    count = f"{len(gain.pairs)} pair{'s' if len(gain.pairs) > 1 else ''}"
    beside = f"; {gain.beside} differ too" if gain.beside else ""
    note = (
        f'<details class="note faint"><summary>{count}, {_range(gain.gain)}{escape(beside)}'
        f"</summary>{escape(pairs)}</details>"
    )
    return _difference(gain.change, gain.gain, scale, note)


def _wins(report: Report) -> str:
    if len(report.models) < 2:
        return ""
    names = [model.name for model in report.models]

    def title(i: int, j: int) -> str:
        return f"{names[i]} beats {names[j]} on {report.wins[i, j]} of {TENTHS} tenths"

    return (
        f"<h2>Who beats whom, on how many of {TENTHS} random tenths</h2>"
        "<p class=faint>Row beats column, by MAP + MAP-bg on a tenth of the recordings.</p>"
        + matrix(
            names,
            report.wins.astype(float),
            (report.wins - report.wins.T) / TENTHS,
            lambda i, j: str(report.wins[i, j]),
            title,
        )
    )


def _agreement(report: Report) -> str:
    if len(report.models) < 2:
        return ""
    names = [model.name for model in report.models]
    apart = ~np.eye(len(names), dtype=bool) & np.isfinite(report.agreement)
    low = report.agreement[apart].min() if apart.any() else 0.0
    shades = np.clip((report.agreement - low) / max(1 - low, 1e-9), 0, 1)
    return (
        "<h2>Who agrees with whom</h2>"
        "<p class=faint>Spearman's correlation of the ranks that two models give to the foreground "
        "species, in hundredths. Models that are good and agree little gain most together.</p>"
        + matrix(
            names,
            report.agreement,
            shades,
            lambda i, j: f"{100 * report.agreement[i, j]:.0f}",
            lambda i, j: f"{names[i]} and {names[j]}: {report.agreement[i, j]:.3f}",
        )
    )


def _cost(report: Report) -> str:
    points = [
        (model.minutes, report.scores[i]["map"].value, model.name, model.family)
        for i, model in enumerate(report.models)
        if model.minutes
    ]
    if len(points) < 2:
        return ""
    devices = sorted({model.device for model in report.models if model.device})
    where = f" on {', '.join(devices)}" if devices else ""
    total = sum(point[0] for point in points)
    return (
        f"<h2>What it cost</h2><p class=faint>MAP against minutes of training "
        f"(of an ensemble: of search){escape(where)}; "
        f"{total:.0f} minutes for all.</p>"
        + scatter(points, "minutes", "MAP", "MAP against minutes of training")
    )


def _ensemble(report: Report) -> str:
    best = report.ensemble
    if best is None:
        return ""
    model, one = report.models[best], report.scores[best]
    members = sorted(model.members, key=lambda member: -member[1])
    used = [(name, weight) for name, weight in members if weight > 0]
    largest = max((weight for _, weight in used), default=0.0)
    rows = "".join(_row(name, bar(weight, largest), f"{weight:.3f}") for name, weight in used)
    rest = [name for name, weight in members if weight <= 0]
    left_out = f"<p class=faint>Without weight: {escape(', '.join(rest))}.</p>" if rest else ""
    crossfit = ""
    if model.crossfit is not None:
        crossfit = (
            f"With weights found on other recordings: MAP {model.crossfit[0]:.3f}, "
            f"MAP-bg {model.crossfit[1]:.3f}."
        )
    return (
        f"<h2>The best ensemble: {escape(model.name)}</h2>"
        f"<p>MAP {one['map'].value:.3f}, MAP-bg {one['map_bg'].value:.3f}. Its weights were tuned "
        f"on these same recordings, which flatters its figures. {crossfit}</p>"
        f'<div class="rows">{rows}</div>{left_out}'
    )


def _place(report: Report) -> str:
    if not report.place:
        return ""
    scale = Scale([0.0] + [end for one in report.place for end in (one.gain.low, one.gain.high)])
    rows = []
    for one in report.place:
        note = (
            f'<details class="note faint"><summary>{_range(one.gain)}; MAP-bg '
            f"{signed(one.gain_bg.value)}; {one.better} species gain, {one.worse} lose</summary>"
            f"{_species(one.most)}{_species(one.least)}</details>"
        )
        label = f"{one.without} → {one.model}"
        rows.append(_difference(label, one.gain, scale, note))
    return (
        "<h2>What date, time and place added</h2>"
        "<p class=faint>Difference in MAP between a model and what it is without them: an ensemble "
        "with its other members alone, a combined model and the audio model that it started from. "
        f"Species with {FEWEST} recordings or more that gain or lose most, by the mean of 1 / rank."
        f'</p><div class="rows">{"".join(rows)}</div>'
    )


def _species(gains: Sequence[SpeciesGain]) -> str:
    if not gains:
        return ""
    rows = "".join(
        f'<tr><td>{escape(g.species)}</td><td class="number">{g.recordings}</td>'
        f'<td class="number">{signed(g.gain)}</td></tr>'
        for g in gains
    )
    head = '<th scope="col">species</th>' + "".join(
        f'<th scope="col" class="number">{name}</th>' for name in ("recordings", "1 / rank")
    )
    return f'<table class="models"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
