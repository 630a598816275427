"""`season`: one page of what was heard where and when, out of the results of `predict` on files."""

from pathlib import Path

from birdml.errors import UserError
from birdml.files import write_text, writing
from birdml.season.counting import count_season


def season(predictions: str, min_score: str = "", out: str = "") -> Path:
    """Writes `season.html` and its pictures into `out`, or beside the predictions; prints where.

    Raises UserError where there are no results, or `min_score` is no number in 0..1.
    """
    from birdml.season.page import page, pictures

    try:
        least = float(min_score or 0)
    except ValueError:
        least = -1.0
    if not 0 <= least <= 1:
        raise UserError(f"min_score='{min_score}': it must be a number in 0..1")
    counted = count_season(Path(predictions), least)
    folder = Path(out or predictions)
    shown = pictures(counted)
    for name, content in shown.items():
        with writing(folder / f"season_{name}.png") as file:
            file.write(content)
    target = folder / "season.html"
    write_text(target, page(counted, shown, f"Season of {Path(predictions).absolute().name}"))
    hours = sum(counted.effort_site.values()) / 3600
    print(f"{hours:.1f} h of {len(counted.places)} sites, {len(counted.species)} species: {target}")
    for count, what in ((counted.undated, "date"), (counted.untimed, "time of day")):
        if count:
            print(f"{count} of {counted.files} files have no {what}: give -P metadata to predict")
    return target
