"""The official scores of a submission, as the organisers' programs of 2018 compute them.

Shapes: L lines, P pairs of an item and a right class.

Monophone: MRR of the foreground species, and MAP with background species. Soundscapes: c-mAP, the
average precision of each class over all windows, and r-mAP, that of each window over its classes.
What is not predicted counts 0 everywhere. Background classes outside the label set are dropped.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from birdml.submission.lines import Submission
from birdml.submission.truth import MonophoneTruth, SoundscapeTruth


@dataclass(frozen=True)
class MonophoneScores:
    """Scores of a monophone submission, each in 0..1."""

    mrr: float
    map: float
    map_organisers: float  # with their fault: see `_in_order_of_a_set`
    recordings: int
    missing: tuple[str, ...]  # recordings that are in the truth only
    species: list[dict]  # class_id, recordings, mrr, top1, top5


@dataclass(frozen=True)
class SoundscapeScores:
    """Scores of a soundscape submission, each in 0..1."""

    c_map: float
    r_map: float
    windows: int
    missing: int  # windows that are in the truth only
    species: list[dict]  # class_id, windows, average_precision


def _in_order_of_a_set(ranks: list[int]) -> list[int]:
    """The order in which the organisers' program walks through the ranks of the right classes.

    They keep them in a Python set, and count precision in the order in which it gives them back,
    which is not sorted as soon as one of them is 8 or more. So an early large rank takes the place
    of the first hit, and their figure can exceed the average precision.
    """
    members = set()
    for rank in sorted(ranks):
        members.add(rank)
    return list(members)


def monophone_scores(
    submission: Submission, truth: MonophoneTruth, classes: Collection[str] | None = None
) -> MonophoneScores:
    """MRR of the foreground species and MAP with background species.

    Args:
        submission: the lines, without faults.
        truth: what is right; the means are taken over its recordings.
        classes: the label set; background classes outside it do not count. None: all count.
    """
    label_of = {name: label for label, name in enumerate(submission.classes)}
    item_of = {media: index for index, (media, _) in enumerate(submission.items)}
    keys = submission.item.astype(np.int64) * max(1, len(label_of)) + submission.label
    order = np.argsort(keys)
    keys, line_ranks = keys[order], submission.rank[order]

    def ranks_of(media: str, species: list[str]) -> list[int]:
        """Ranks of those classes that are predicted for a recording."""
        if media not in item_of:
            return []
        first = item_of[media] * max(1, len(label_of))
        wanted = [first + label_of[name] for name in species if name in label_of]
        places = np.searchsorted(keys, wanted)
        return [
            int(line_ranks[place])
            for place, key in zip(places, wanted)
            if place < len(keys) and keys[place] == key
        ]

    reciprocal: list[float] = []
    precision: list[float] = []
    organisers: list[float] = []
    by_species: dict[str, list[float]] = {}
    for media, foreground in truth.foreground.items():
        rank = ranks_of(media, [foreground])
        reciprocal.append(1 / rank[0] if rank else 0.0)
        by_species.setdefault(foreground, []).append(reciprocal[-1])
        background = [b for b in truth.background[media] if classes is None or b in classes]
        right = list(dict.fromkeys([foreground, *background]))
        ranks = ranks_of(media, right)
        for result, walk in ((precision, sorted(ranks)), (organisers, _in_order_of_a_set(ranks))):
            result.append(sum(hit / at for hit, at in enumerate(walk, start=1)) / len(right))
    species = [
        {
            "class_id": name,
            "recordings": len(values),
            "mrr": float(np.mean(values)),
            "top1": float(np.mean([value == 1 for value in values])),
            "top5": float(np.mean([value >= 1 / 5 for value in values])),
        }
        for name, values in sorted(by_species.items())
    ]
    return MonophoneScores(
        mrr=float(np.mean(reciprocal)),
        map=float(np.mean(precision)),
        map_organisers=float(np.mean(organisers)),
        recordings=len(reciprocal),
        missing=tuple(media for media in truth.foreground if media not in item_of),
        species=species,
    )


def _precision_sums(groups: np.ndarray, probability: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum over the right lines of a group of the precision there, float64 [max group + 1].

    Within a group, lines stand by falling probability; of equal ones the right stand first.
    """
    if not len(groups):
        return np.zeros(0)
    order = np.lexsort((~right, -probability, groups))
    groups, right = groups[order], right[order]
    first = np.searchsorted(groups, groups)
    hits = np.cumsum(right)
    hits_before = np.concatenate(([0], hits))[first]
    precision = (hits - hits_before) / (np.arange(len(groups)) - first + 1)
    return np.bincount(groups[right], weights=precision[right], minlength=groups.max() + 1)


def soundscape_scores(submission: Submission, truth: SoundscapeTruth) -> SoundscapeScores:
    """c-mAP over the classes of the truth, r-mAP over its windows.

    Args:
        submission: the lines, without faults.
        truth: the windows in which something was annotated.
    """
    label_of = {name: label for label, name in enumerate(submission.classes)}
    item_of = {item: index for index, item in enumerate(submission.items)}
    windows_with: dict[str, int] = {}
    pairs = []
    for item, present in truth.windows.items():
        for name in present:
            windows_with[name] = windows_with.get(name, 0) + 1
            if item in item_of and name in label_of:
                pairs.append(item_of[item] * len(label_of) + label_of[name])
    keys = submission.item.astype(np.int64) * max(1, len(label_of)) + submission.label
    right = np.isin(keys, np.array(pairs, dtype=np.int64))
    by_class = _precision_sums(submission.label, submission.probability, right)
    by_window = _precision_sums(submission.item, submission.probability, right)
    species = [
        {
            "class_id": name,
            "windows": count,
            "average_precision": float(by_class[label_of[name]] / count)
            if name in label_of
            else 0.0,
        }
        for name, count in sorted(windows_with.items())
    ]
    window_precision = [
        by_window[item_of[item]] / len(present) if item in item_of else 0.0
        for item, present in truth.windows.items()
    ]
    return SoundscapeScores(
        c_map=float(np.mean([row["average_precision"] for row in species])),
        r_map=float(np.mean(window_precision)),
        windows=len(truth.windows),
        missing=sum(item not in item_of for item in truth.windows),
        species=species,
    )
