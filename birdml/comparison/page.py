"""The comparison as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from birdml.comparison.charts import Scale, bar, matrix, scatter, signed, track
from birdml.comparison.findings import findings, in_words
from birdml.comparison.place import FEWEST
from birdml.comparison.report import Report
from birdml.comparison.statistics import LEVEL, RESAMPLES, Interval
from birdml.pages.render import render
from birdml.scoring import TENTHS
from birdml.zoo.recipe import FAMILIES


def page(report: Report) -> str:
    """The HTML of a report."""
    others = max(len(report.models) - 1, 1)
    models = [
        (
            model,
            report.scores[i],
            report.behind[i],
            report.wins[i].sum() / others / TENTHS,
            in_words(model),
        )
        for i, model in enumerate(report.models)
    ]
    of_family = [
        (kind.title, [gain for gain in report.gains if gain.family == family])
        for family, kind in FAMILIES.items()
    ]
    costs = [
        (model.minutes, report.scores[i]["map"].value, model.name, model.family)
        for i, model in enumerate(report.models)
        if model.minutes
    ]
    together = len(report.models) > 1
    return render(
        Path(__file__).with_suffix(".html"),
        title=f"Models of {report.dataset}",
        report=report,
        findings=findings(report),
        models=models,
        scale=_scale(one["map"] for one in report.scores),
        gains=[(title, gains) for title, gains in of_family if gains],
        gain_scale=_scale(
            [*(g.gain for g in report.gains), *(one for *_, one in report.chance)], zero=True
        ),
        wins=_wins(report) if together else "",
        agreement=_agreement(report) if together else "",
        cost=scatter(costs, "minutes", "MAP", "MAP against minutes of training")
        if len(costs) > 1
        else "",
        total_minutes=sum(minutes for minutes, *_ in costs),
        devices=", ".join(sorted({model.device for model in report.models if model.device})),
        best=_best_ensemble(report),
        place_scale=_scale((one.gain for one in report.place), zero=True),
        level=LEVEL,
        resamples=RESAMPLES,
        tenths=TENTHS,
        fewest=FEWEST,
        track=track,
        bar=bar,
        signed=signed,
    )


def _scale(intervals: Iterable[Interval], zero: bool = False) -> Scale:
    ends = [end for one in intervals for end in (one.low, one.high)]
    return Scale([*ends, 0.0] if zero else ends)


def _wins(report: Report) -> str:
    names = [model.name for model in report.models]
    return matrix(
        names,
        report.wins.astype(float),
        (report.wins - report.wins.T) / TENTHS,
        lambda i, j: str(report.wins[i, j]),
        lambda i, j: f"{names[i]} beats {names[j]} on {report.wins[i, j]} of {TENTHS} tenths",
    )


def _agreement(report: Report) -> str:
    names = [model.name for model in report.models]
    apart = ~np.eye(len(names), dtype=bool) & np.isfinite(report.agreement)
    low = report.agreement[apart].min() if apart.any() else 0.0
    return matrix(
        names,
        report.agreement,
        np.clip((report.agreement - low) / max(1 - low, 1e-9), 0, 1),
        lambda i, j: f"{100 * report.agreement[i, j]:.0f}",
        lambda i, j: f"{names[i]} and {names[j]}: {report.agreement[i, j]:.3f}",
    )


def _best_ensemble(report: Report) -> tuple | None:
    """The ensemble, its scores, its members with a weight, the largest first, and the others."""
    if report.ensemble is None:
        return None
    model = report.models[report.ensemble]
    members = sorted(model.members, key=lambda member: -member[1])
    used = [(name, weight) for name, weight in members if weight > 0]
    left_out = [name for name, weight in members if weight <= 0]
    return model, report.scores[report.ensemble], used, left_out
