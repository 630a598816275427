"""The comparison on marks in time: as one HTML page that needs no network, and in a terminal."""

import math
from pathlib import Path

import numpy as np

from birdml.comparison.charts import Scale, matrix, signed, track
from birdml.comparison.marks import RESAMPLES, SURE, DetectorComparison, findings
from birdml.comparison.statistics import LEVEL
from birdml.pages.render import render
from birdml.screen import figure, table_text

FIGURES = (  # heading, name in WindowScores
    ("mAP", "map_micro"),
    ("AUROC", "auroc"),
    ("top 1", "top1"),
    ("lwLRAP", "lwlrap"),
    ("best F1", "best_f1"),
)


def marks_page(report: DetectorComparison) -> str:
    """The HTML of a report."""
    names = [detector.name for detector in report.detectors]
    order = np.argsort(-report.positives, kind="stable").tolist()
    columns = [("detections", ""), *((name, "number") for name in ("cmAP", f"{LEVEL} % interval"))]
    columns += [("behind best", "number"), *((heading, "number") for heading, _ in FIGURES)]
    species_columns = [("species", ""), ("windows", "number"), *((n, "number") for n in names)]
    return render(
        Path(__file__).with_suffix(".html"),
        title=f"Detections on {report.truth}",
        report=report,
        findings=findings(report),
        marked=[label for label in order if report.positives[label]],
        columns=[*columns, ("event F1", "number"), ("what", "")],
        species_columns=[*species_columns, ("better", "")] if len(names) > 1 else species_columns,
        scale=Scale([end for one in report.cmap for end in (one.low, one.high)]),
        figures=FIGURES,
        wins=_wins(report) if len(names) > 1 else "",
        own=report.own.T.tolist(),
        better=[_better(report, label) for label in range(len(report.called))],
        notes=list(dict.fromkeys(report.notes)),
        level=LEVEL,
        resamples=RESAMPLES,
        sure=SURE,
        track=track,
        signed=signed,
    )


def _wins(report: DetectorComparison) -> str:
    names = [detector.name for detector in report.detectors]
    return matrix(
        names,
        report.wins,
        report.wins - report.wins.T,
        lambda i, j: f"{100 * report.wins[i, j]:.0f}",
        lambda i, j: f"{names[i]} beats {names[j]} in {report.wins[i, j]:.1%} of the resamples",
    )


def _better(report: DetectorComparison, label: int) -> str:
    """Who is best on a species, and how surely; '' where nobody is."""
    best, sure = int(report.best[label]), float(report.sure[label])
    if best < 0 or math.isnan(sure):
        return ""
    return f"{report.detectors[best].name}, {'surely' if sure >= SURE else f'{sure:.0%}'}"


def marks_table(report: DetectorComparison) -> str:
    """The same in a terminal."""
    rows = []
    for detector, one, scores in zip(report.detectors, report.cmap, report.scores, strict=True):
        figures = [figure(getattr(scores, name)) for _, name in FIGURES]
        interval = f"{one.low:.3f} – {one.high:.3f}"
        rows.append(
            (detector.name, figure(one.value), interval, *figures, figure(detector.event_f1))
        )
    headings = [heading for heading, _ in FIGURES]
    heads = ("detections", "cmAP", f"{LEVEL} % interval", *headings, "event F1")
    return "\n".join([table_text(heads, rows), "", *findings(report)])
