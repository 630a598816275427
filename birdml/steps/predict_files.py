"""`predict` on audio files as users have them: species and times as tables, labels and figures."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from birdml.calibration.reading import RULES, Reading, Rule, reading
from birdml.calibration.table import FILE as THRESHOLDS
from birdml.calibration.table import read_thresholds, table_text
from birdml.dataset.channels import channel_number
from birdml.dataset.circumstances import Tables, read_tables
from birdml.ensemble.combination import Combination
from birdml.ensemble.request import read_metadata
from birdml.errors import UserError
from birdml.files import write_text
from birdml.machine import pick_device
from birdml.prediction.files import Summary, predict_files
from birdml.prediction.hearing import Heard
from birdml.prediction.listen import Asked, Members
from birdml.prediction.side_by_side import SideBySide, one_by_one
from birdml.prediction.sources import Place, check_audio, place_at
from birdml.prediction.tables import EVIDENCE, FORMATS
from birdml.prediction.tables.rows import Made
from birdml.steps.named_model import (
    common_names,
    find_model,
    label_named,
    usable_members,
    without_metadata,
)
from birdml.steps.recording_figures import drawer

SOURCE = "source.txt"  # in a folder of results: the whole path of what was listened to
EXECUTORS = ("local", "ray")
NAMED = 10  # faulty files named in the terminal


@dataclass(frozen=True)
class FileOptions:
    """What a user asks of `predict` about audio files (see `predict --help`)."""

    model: str
    recordings: str
    windows: str = "recording"
    hop: float = 0.0
    top: int = 5
    out: str = ""
    format: str = "csv"
    figures: bool = False
    saliency: str = ""
    date: str = ""
    time: str = ""
    latitude: str = ""
    longitude: str = ""
    elevation: str = ""
    device: str = "auto"
    channel: str = "mean"
    scores: str = "presence"
    min_score: str = ""
    precision: str = ""
    recall: str = ""
    thresholds: str = ""
    merge: bool = True
    explain: bool = False
    sites: str = ""
    metadata: str = ""
    timezone: str = ""
    names: str = ""
    language: str = ""
    jobs: int = 1
    executor: str = "local"


def predict_recordings(options: FileOptions) -> Summary:
    """Predicts every audio file that is found, and prints what became of it.

    Raises UserError for a request that cannot be met, before anything is predicted, and where no
    file at all could be read.
    """
    forms = [form.strip() for form in options.format.split(",")]
    unknown = [form for form in forms if form not in FORMATS]
    if unknown:
        raise UserError(f"format='{', '.join(unknown)}'; it can be {', '.join(FORMATS)}")
    asked, rule = _asked(options), _rule(options)
    channel_number(options.channel)
    if options.executor not in EXECUTORS:
        raise UserError(f"executor='{options.executor}'; it can be {', '.join(EXECUTORS)}")
    if options.executor == "ray" and (options.figures or options.saliency):
        raise UserError("executor=ray writes no figures: leave figures and saliency out")
    if options.jobs < 1:
        raise UserError(f"jobs={options.jobs}; it must be at least 1")
    if options.sites and (options.latitude or options.longitude or options.elevation):
        raise UserError("sites names the places: leave latitude, longitude and elevation out")
    check_audio(options.recordings)
    tables = read_tables(options.sites, options.metadata, options.timezone)
    told = {n: getattr(options, n) for n in ("sites", "metadata", "timezone")}
    told = {n: text if n == "timezone" else True for n, text in told.items() if text}

    combination = find_model(options.model, pick_device(options.device))
    by_file = bool(options.sites or options.metadata)
    members: Members = combination.members
    without: Members | None = None
    if not by_file:
        members = usable_members(combination, asked)
    elif any(model.recipe.takes_metadata for model, _ in members):
        without = without_metadata(combination)
    read, beside = _reading(combination, rule, options.thresholds)
    if options.explain:
        _check_explained(combination.name, members, options, read)
        forms.append(EVIDENCE)
    draw = None
    if options.figures or options.saliency:
        label = (
            label_named("saliency", options.saliency, combination.species)
            if options.saliency
            else None
        )
        draw = drawer(members, asked, label)
    source = place_at(options.recordings)
    model = combination.name.removeprefix("birdml-")
    out = place_at(options.out) if options.out else _default_out(source, model, asked.windows)
    common = common_names(options.names, options.language, combination.species)
    made = Made(combination.name, combination.version, combination.species, common)
    outcome = predict_files(
        members,
        source,
        out,
        asked,
        forms,
        draw=draw,
        channel=options.channel,
        reading=read,
        made=made,
        beside=beside,
        tables=tables,
        told=told,
        without=without,
        run=_runner(options),
    )
    _say_circumstances(outcome, tables)
    _report(outcome, out, forms)
    return outcome


def _default_out(source: Place, model: str, windows: str) -> Path:
    """A folder that is named after the source, and that no other source of this name has."""
    place = str(source.absolute()) if isinstance(source, Path) else str(source)
    name = f"{PurePosixPath(place).stem or 'recordings'}-{model}-{windows}"
    for number in itertools.count(1):
        folder = Path("predictions") / (name if number == 1 else f"{name}-{number}")
        mark = folder / SOURCE
        try:
            if not folder.exists():
                write_text(mark, place)
            if mark.read_bytes() == place.encode("utf-8", errors="backslashreplace"):
                return folder
        except OSError:
            continue
    raise AssertionError("numbers do not end")


def _runner(options: FileOptions) -> Callable[..., Iterator[Heard]]:
    """What hears the files: this thread, several, or the machines of a cluster."""
    if options.executor == "ray":
        from birdml.jobs.ray_files import on_ray

        return on_ray
    return SideBySide(options.jobs) if options.jobs > 1 else one_by_one


def _say_circumstances(outcome: Summary, tables: Tables) -> None:
    """Which times were taken, and what of the tables no file was of."""
    for clock, count in sorted(outcome.clocks.items()):
        if clock and (tables.zone or clock != "as the clock says"):
            print(f"times of {count} files: {clock}")
    for name, table in (("sites", tables.sites), ("metadata", tables.per_file)):
        if table and table.unmatched:
            more = ", ..." if len(table.unmatched) > NAMED else ""
            print(f"{name}: no file for {', '.join(table.unmatched[:NAMED])}{more}")


def _check_explained(name: str, members: Members, options: FileOptions, read: Reading) -> None:
    """UserError where there is nothing to tell apart."""
    recipes = [model.recipe for model, _ in members]
    if not any(recipe.takes_samples for recipe in recipes):
        raise UserError(f"explain=true is for models that listen as well; {name} does not")
    if not any(recipe.takes_metadata for recipe in recipes):
        raise UserError(
            f"explain=true tells what date, time and place added, and {name} is told none: use an "
            "ensemble or a combined model, and give at least one of them"
        )
    if read.thresholds is None:
        raise UserError(
            "explain=true compares detections with a threshold: leave scores=softmax out, or give "
            "min_score"
        )
    if not options.merge:
        raise UserError("explain=true tells of detections: leave merge=false out")


def _asked(options: FileOptions) -> Asked:
    """The request with its date, time and place checked as those of a served model are."""
    asked = Asked(
        options.windows or "recording", options.top, options.hop, options.merge, options.explain
    )
    names = ("date", "time", "latitude", "longitude", "elevation")
    given = {name: getattr(options, name) for name in names if getattr(options, name)}
    if not given:
        return asked
    recording = read_metadata(given)
    return replace(asked, **{name: getattr(recording, name) for name in names})


def _rule(options: FileOptions) -> Rule:
    """What is asked of scores; UserError for what is no number."""
    numbers: dict[str, float | None] = {}
    for name in RULES:
        text = getattr(options, name)
        try:
            numbers[name] = float(text) if text else None
        except ValueError:
            raise UserError(f"{name}='{text}': it must be a number in 0..1") from None
    return Rule(options.scores, **numbers)


def _reading(combination: Combination, rule: Rule, path: str) -> tuple[Reading, dict[str, str]]:
    """How logits are read, and what is written beside the results; says what there is to say."""
    name, calibration, species = combination.name, combination.calibration, combination.species
    given: list[float] | None = None
    remark = ""
    if path and calibration is not None:
        given, remark = read_thresholds(Path(path), name, calibration, species)
    elif path:
        given = []  # refused below: there is nothing that it could be of
    found = reading(name, calibration, len(species), rule, given)
    for line in filter(None, (remark, *found.remarks)):
        print(line)
    if not found.table or calibration is None:
        return found, {}
    return found, {THRESHOLDS: table_text(name, calibration, species, found.table)}


def _report(outcome: Summary, out: Place, forms: list[str]) -> None:
    for name, reason in list(outcome.faulty.items())[:NAMED]:
        print(f"left out: {name} ({reason})")
    for name, remark in list(outcome.remarks.items())[:NAMED]:
        print(f"note: {name}: {remark}")
    more = max(0, len(outcome.faulty) - NAMED) + max(0, len(outcome.remarks) - NAMED)
    if more:
        print(f"and {more} more in {out / 'problems.csv'}")
    done = len(outcome.predicted) + len(outcome.there)
    if not done:
        raise UserError(f"none of the {len(outcome.faulty)} files could be read as audio")
    for reason, count in outcome.lost():
        print(f"lost: {count} files: {reason}")
    for table in outcome.too_large:
        print(f"{table} is left out: over 1 GB; read the tables of files, or ask for parquet")
    if outcome.speed:
        print(outcome.speed)
    there = f" ({len(outcome.there)} of them were there)" if outcome.there else ""
    whole = "csv" in forms and "predictions.csv" not in outcome.too_large
    where = out / "predictions.csv" if whole else out
    print(f"{done} files{there}, {len(outcome.faulty)} left out: {where}")
