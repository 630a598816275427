"""What a comparison says, in words."""

from birdml.comparison.report import Compared, Report
from birdml.scoring import TENTHS
from birdml.zoo.parts import Embedded, Hearing, Kernels, Labels, Metadata, Phases, Place

CLEAR = 45  # tenths won, of 50, from which an order is called clear
BLUR_WORDS = {"none": "no blur", "default": "blur", "more": "more blur"}
LEFT_OUT = {"date": "date", "time": "time", "latitude": "place", "elevation": "elevation"}


def in_words(model: Compared) -> str:
    """What tells a model apart, in a few words."""
    recipe = model.recipe
    if recipe is None:
        used = sum(weight != 0 for _, weight in model.members)
        return f"{used} models" if model.members else "ensemble"
    words = []
    if isinstance(recipe, Hearing):
        words += [recipe.trunk, recipe.pooling]
    if isinstance(recipe, Embedded):
        words += [f"{recipe.encoder}, {recipe.head}"]
        words += [f"{recipe.noisy_copies} noisy copies"] if recipe.noisy_copies else []
    if isinstance(recipe, Metadata):
        words += [f"no {name}" for field, name in LEFT_OUT.items() if field not in recipe.fields]
    if isinstance(recipe, Phases):
        words.append(BLUR_WORDS[recipe.blur])
        words.append(f"{recipe.date_phases}/{recipe.time_phases} phases")
    if isinstance(recipe, Place):
        words.append("features of place, season and sun")
    if isinstance(recipe, Kernels):
        words.append("recordings nearby")
    if isinstance(recipe, Labels):
        words += ["background"] if recipe.background else []
        words += [f"teacher {recipe.teacher}"] if recipe.teacher else []
    return ", ".join(words)


def _crossfitted(model: Compared) -> str:
    if model.crossfit is None:
        return ""
    return f" With weights found on other recordings its MAP is {model.crossfit[0]:.3f}."


def findings(report: Report) -> list[str]:
    """What the figures say, in sentences; only what holds beyond chance is said to be so."""
    lines = []
    singles = [i for i, model in enumerate(report.models) if model.family != "ensemble"]
    if singles:
        best = report.models[singles[0]]
        one = report.scores[singles[0]]["map"]
        lines.append(
            f"Best single model: {best.name} ({in_words(best)}) with MAP {one.value:.3f}, "
            f"{one.low:.3f} to {one.high:.3f}."
        )
    if len(singles) > 1:
        first, second = singles[:2]
        won = int(report.wins[first, second])
        lines.append(
            f"It beats the next, {report.models[second].name}, on {won} of {TENTHS} random tenths: "
            + ("a clear order." if won >= CLEAR else "no clear order.")
        )
    ensemble = report.ensemble
    if ensemble is not None and singles:
        better = report.scores[ensemble]["map"].value - report.scores[singles[0]]["map"].value
        won = int(report.wins[ensemble, singles[0]])
        lines.append(
            f"The ensemble {report.models[ensemble].name} has MAP "
            f"{report.scores[ensemble]['map'].value:.3f}, {better:+.3f} against the best single "
            f"model, and is better on {won} of {TENTHS} random tenths."
            + _crossfitted(report.models[ensemble])
        )
    sure = [gain for gain in report.gains if gain.gain.low > 0 or gain.gain.high < 0]
    for gain in sorted(sure, key=lambda g: -abs(g.gain.value))[:3]:
        what = "raises" if gain.gain.value > 0 else "lowers"
        lines.append(
            f"{gain.change[0].upper()}{gain.change[1:]} {what} MAP by {abs(gain.gain.value):.3f} "
            f"({len(gain.pairs)} pair{'s' if len(gain.pairs) > 1 else ''} of {gain.family} models)."
        )
    for name, other, difference in report.chance:
        lines.append(
            f"{name} and {other} have the same recipe and differ by {abs(difference.value):.3f}: "
            "so much is chance of training."
        )
    for name, other in report.same:
        lines.append(f"{name} and {other} have the same recipe and seed: one model twice.")
    return lines
