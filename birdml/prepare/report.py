"""What a user wants to know of a dataset that was made."""

from birdml.dataset.prepared import ADVICE, Dataset
from birdml.dataset.recording import SPLITS
from birdml.dataset.repair import REPAIRS
from birdml.forms import read_table


def summary(dataset: Dataset) -> list[str]:
    """What a user wants to know at the end; the last line counts the problems."""
    counts = dataset.counts
    splits = ", ".join(f"{split} {counts[split]}" for split in SPLITS if counts[split])
    hours = f", {counts['seconds'] / 3600:.2f} h of audio" if dataset.has_audio else ", no audio"
    rows = [row for _, row in read_table(dataset.folder / "problems.csv", ("done",), ADVICE)]
    done = [row["done"].startswith("left out") for row in rows]
    listed = f", listed in {dataset.folder / 'problems.csv'}" if done else ""
    marks = ""
    if dataset.annotations is not None:
        marked = dataset.annotations
        marks = f", {len(marked)} marks in {len(marked.files)} recordings annotated through"
    lines = [
        f"dataset {dataset.name} ({dataset.digest}) at {dataset.folder}: "
        f"{counts['recordings']} recordings ({splits}) of {counts['species']} species"
        f"{hours}{marks}",
        *_said_of_fields(dataset),
        f"problems: {len(done)} ({sum(done)} left out, {len(done) - sum(done)} repaired or "
        f"left empty){listed}",
    ]
    return lines


def _said_of_fields(dataset: Dataset) -> list[str]:
    """Lines on fields of which nothing could be read, though the source has them, and on places
    that train and valid share."""
    path = dataset.folder / "problems.csv"
    empty: dict[str, int] = {}
    for _, row in read_table(path, ("field", "done"), ADVICE):
        if row["field"] in REPAIRS and row["done"].startswith("left empty"):
            empty[row["field"]] = empty.get(row["field"], 0) + 1
    lines = [
        f"{field}: none of {count} values could be read"
        for field, count in empty.items()
        if not any(getattr(r, field) not in ("", None) for r in dataset.recordings)
    ]
    if pairs := dataset.made.get("cuts"):
        lines.append(f"cuts of one recording: {pairs} pairs hold some of the same sound")
    shared = dataset.made.get("valid_places_in_train")
    if isinstance(shared, int | float) and shared > 0:
        lines.append(
            f"valid: {shared:.0%} of its recordings with a place come from places of train"
        )
    return lines
