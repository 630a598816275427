"""What people read in the MLflow UI: a run's recipe in words, and where a newcomer clicks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the recipe lives a floor above; only its fields are read here
    from birdml.zoo.recipe import Recipe

EXPERIMENT_DESCRIPTION = """\
Which bird is it? Every run is one model that ranks bird species for a recording, from its audio, \
its date, time and place, or both. Runs are flat and carry the model's name: `audio…`, \
`meta…` (date, time, place), `combined…`, and ensembles of them.

What to click (first *Model training* at the top left of the page, then *Runs*):

1. **Which model is best?** Under *Views*, at the top right, choose *Models, best first*: every \
model with its `map`, the mean reciprocal rank of the foreground species over whole validation \
recordings; 1 is perfect. `map_bg` asks for the background species too, `top1` and `top5` tell how \
often the right species is first or among the first five.
2. **How did training go?** The chart view overlays `valid_map`, `valid_loss`, `train_loss` and \
`learning_rate` per epoch; it shows the newest ten runs until you open the eyes of others. The \
learning rate falls where training went back to its best epoch. What training and searches cost \
and came to stands in sections of its own (`cost`, `training`, `search`, `crossfit`); \
`calibration` tells how far its scores can be believed, `..._before` without calibration.
3. **What is this run?** Its Overview describes the recipe in words; every setting that its family \
of models reads is a param `cfg.…`; the dataset stands under *Datasets*.
4. **Where does it fail?** Under Artifacts, `figures/`: score per species against the number of \
training recordings, the species it confuses, what it learned.
5. **What ships?** The model registry holds `birdml-<model>` and `birdml-ensemble`; the alias \
`champion` marks the best version of each, and the list shows its figures.

To see what sets models apart, tick them and press *Compare*, then *Show diff only*.

Filters to try in the search box: `tags."birdml.family" = 'meta'`, \
`tags."birdml.dataset" = 'demo'`, `metrics.map > 0.3`.

`mlflow run . -e compare` writes one page that compares all runs of a dataset with confidence \
intervals.
"""

# What the UI of MLflow keeps in tags of an experiment: its description, that it is no chat bot,
# and a saved view, with its time in milliseconds and its state as JSON within JSON.
VIEW = "birdml"
_MAIN_SECTION = "Model metrics"  # MLflow's name for the section of metrics without a slash
_SECTIONS = (
    *(_MAIN_SECTION, "training", "calibration", "cost"),
    *("search", "crossfit", "tenths_won", "lines"),
)
_VIEW_STATE = {
    "searchFilter": "tags.`birdml.family` != 'step'",
    "orderByKey": "metrics.`map`",
    "orderByAsc": False,
    "selectedColumns": [
        *(f"metrics.`{name}`" for name in ("map", "map_bg", "top1", "top5")),
        "tags.`birdml.family`",
        "params.`cfg.teacher`",
    ],
    # charts: figures and curves first (MLflow puts them last), the rest below them and folded
    "isAccordionReordered": True,
    "compareRunCharts": [],
    "compareRunSections": [
        {
            "uuid": name,
            "name": name,
            "display": name == _MAIN_SECTION,
            "isReordered": True,
            "deleted": False,
            "isGenerated": True,
        }
        for name in _SECTIONS
    ],
}
_SAVED_VIEW = {
    "name": "Models, best first",
    "createdAt": 1_700_000_000_000,
    "updatedAt": 1_700_000_000_000,
    "state": json.dumps(_VIEW_STATE),
}
EXPERIMENT_TAGS = {
    "mlflow.note.content": EXPERIMENT_DESCRIPTION,
    "mlflow.experimentKind": "custom_model_development",
    f"mlflow.sharedViewState.{VIEW}": json.dumps(_SAVED_VIEW),
}

_TRUNKS = {
    "plain": "a plain stack of convolutions",
    "residual": "two pairs of residual units",
}
_MAGNITUDES = {
    "power": "a learned power (`x ** sigmoid(a)`)",
    "log": "a logarithm",
    "log1p": "log(1 + x)",
    "log1p_learn": "log(1 + exp(a) x) with a learned a",
    "pcen": "per-channel energy normalization",
    "none": "no compression",
}
_LOSSES = {
    "cross_entropy": "cross-entropy of the softmax",
    "step_attention": "cross-entropy of every output over time, weighted by attention",
    "binary": "binary cross-entropy of each species on its own",
}
_OPTIONS = (  # named only where they are on
    *("conv_groups", "dense_groups", "channel_dropout", "group_dropout", "layer_pooling"),
    *("dilated", "pseudo_labels", "class_weighting", "l2_decay"),
    *("mixup", "mixup_labels", "filter_db", "max_stretch", "max_shift"),
)
_FIELDS = ("date", "time", "latitude", "longitude", "elevation")
_BLURS = {
    "none": "as they are, without noise",
    "default": "with a little noise in training (days, minutes, 1°, 20 m)",
    "more": "with much noise in training (two weeks, half an hour, 3°, 100 m)",
}


def _number(value: float) -> str:
    return f"{value:g}"


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _pooling(name: str) -> str:
    if name.startswith("att"):
        return f"attention over time with {name.removeprefix('att')} attention channels"
    if name.startswith("lme"):
        return f"log-mean-exp over time with sharpness {name.removeprefix('lme')}"
    return {
        "max": "the largest score over time",
        "mean": "the mean over time",
        "noisy_or": "a noisy or over time",
    }.get(name, name)


def _audio(recipe: Recipe) -> str:
    return (
        f"{recipe.mel_bands} mel bands from {_number(recipe.mel_min)} to "
        f"{_number(recipe.mel_max)} Hz"
        f"{' with learned places' if recipe.filterbank == 'mel_learn' else ''}, "
        f"{_MAGNITUDES.get(recipe.magnitude, recipe.magnitude)}, "
        f"{_TRUNKS.get(recipe.trunk, recipe.trunk)}, {_pooling(recipe.pooling)}. "
        f"Learns from excerpts of {_number(recipe.excerpt_min)} to "
        f"{_number(recipe.excerpt_max)} s."
    )


def _metadata(recipe: Recipe) -> str:
    phases = []
    if "date" in recipe.fields:
        phases.append(f"the date in {recipe.date_phases} phases of the year")
    if "time" in recipe.fields:
        phases.append(f"the time in {recipe.time_phases} phases of the day")
    left_out = [field for field in _FIELDS if field not in recipe.fields]
    text = f"{_join(list(recipe.fields))}, {_BLURS.get(recipe.blur, recipe.blur)}"
    if phases:
        text += f"; {_join(phases)}"
    text += (
        f"; {len(recipe.hidden)} hidden layers ({_join([str(h) for h in recipe.hidden])} units)."
    )
    if left_out:
        text += f" Left out: **{_join(left_out)}**."
    return text


def describe_run(recipe: Recipe, dataset_name: str, dataset_digest: str) -> str:
    """The recipe of a run in words, as Markdown for `mlflow.note.content`.

    Names what tells models apart: input, network, targets, teacher, training and the dataset.
    """
    lines = []
    if recipe.takes_samples:
        lines.append(f"**Audio:** {_audio(recipe)}")
    if recipe.takes_metadata:
        lines.append(f"**Date, time and place:** {_metadata(recipe)}")
    if recipe.family == "combined":
        lines.append(
            f"**Combination:** audio logits + {_number(recipe.metadata_weight)} x metadata logits."
        )
    targets = "the foreground species"
    if recipe.background:
        targets += ", and once more with the background species"
    lines.append(f"**Targets:** {targets}; {_LOSSES[recipe.loss]}.")
    if recipe.teacher:
        lines.append(
            f"**Teacher:** `{recipe.teacher}`, whose probabilities are added to the targets."
        )
    if recipe.start_from:
        names = [f"`{name}`" for name in recipe.start_from]
        lines.append(f"**Starts from:** the weights of {_join(names)}.")
    options = [
        f"`{name} = {value}`"
        for name in _OPTIONS
        if (value := getattr(recipe, name)) != getattr(type(recipe), name)
    ]
    if options:
        lines.append(f"**Options:** {_join(options)}.")
    lines.append(f"**Dataset:** {dataset_name} (digest `{dataset_digest[:12]}`).")
    lines.append(
        f"**Training:** Adam, rate {_number(recipe.learning_rate)}, batches of "
        f"{recipe.batch_size}, at most {recipe.epochs} epochs of {recipe.epoch_steps} steps; after "
        f"{recipe.patience} epochs without a better `{recipe.patience_criterion}` back to the best "
        f"epoch with rate x {_number(recipe.learning_rate_decay)}; {recipe.patience_trials} trials."
    )
    return "  \n".join(lines) + "\n"  # lines, not paragraphs: the page shows the first few


def describe_version(
    metrics: Mapping[str, float], dataset_name: str, run_id: str, recipe: str
) -> str:
    """A version in the registry, as Markdown: its figures, then the recipe in words, then the run.

    It begins without a mark-up, as lists show the first words of it as they are.

    Args:
        metrics: `map`, `map_bg`, `top1` and `top5` in 0..1, on the validation recordings.
        dataset_name: that they are of.
        run_id: that made the version.
        recipe: what was trained or searched, as Markdown.
    """
    return (
        f"MAP {metrics['map']:.3f}, MAP-bg {metrics['map_bg']:.3f}, top-1 {metrics['top1']:.1%}, "
        f"top-5 {metrics['top5']:.1%} on the validation recordings of **{dataset_name}**.\n\n"
        f"{recipe.strip()}\n\n"
        f"**Run:** `{run_id}` holds the figures, pictures and predictions.\n"
    )


def describe_registered_model(name: str) -> str:
    """What the versions under a name have in common and how to use them, as Markdown."""
    return (
        "Ranks bird species for a recording. Each version is one finished training or, of an "
        "ensemble, one search for its weights; the alias `champion` marks the best by MAP + MAP-bg "
        "on the newest dataset, whose figures are the tags of this model.\n\n"
        f'Use it: `mlflow.pyfunc.load_model("models:/{name}@champion").predict(table)`, with '
        "columns such as `path`, `date`, `latitude`, `longitude`.\n"
    )
