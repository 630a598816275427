"""What people read in the MLflow UI: of a version and a model, and where a newcomer clicks."""

from __future__ import annotations

import json
from collections.abc import Mapping

EXPERIMENT_DESCRIPTION = """\
Which bird is it? Every run is one model that ranks bird species for a recording, from its audio, \
its date, time and place, or both. Runs are flat and carry the model's name: `audio…`, \
`meta…` (date, time, place), `place…` (the same as features of season and sun), `combined…`, and \
ensembles of them.

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
