"""A recipe in words: what people read of a run."""

from birdml.dataset.recording import FIELDS
from birdml.zoo.parts import (
    Embedded,
    Hearing,
    Kernels,
    Labels,
    Noise,
    Passes,
    Patient,
    Phases,
    Place,
    Shares,
)
from birdml.zoo.recipe import Recipe

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
    *("noise", "marks", "around_marks"),
)
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


def _audio(recipe: Hearing) -> str:
    return (
        f"{recipe.mel_bands} mel bands from {_number(recipe.mel_min)} to "
        f"{_number(recipe.mel_max)} Hz"
        f"{' with learned places' if recipe.filterbank == 'mel_learn' else ''}, "
        f"{_MAGNITUDES.get(recipe.magnitude, recipe.magnitude)}, "
        f"{_TRUNKS.get(recipe.trunk, recipe.trunk)}, {_pooling(recipe.pooling)}. "
        f"Learns from excerpts of {_number(recipe.excerpt_min)} to "
        f"{_number(recipe.excerpt_max)} s."
    )


def _phases(recipe: Phases) -> str:
    phases = []
    if "date" in recipe.fields:
        phases.append(f"the date in {recipe.date_phases} phases of the year")
    if "time" in recipe.fields:
        phases.append(f"the time in {recipe.time_phases} phases of the day")
    left_out = [field for field in FIELDS if field not in recipe.fields]
    text = f"{_join(list(recipe.fields))}, {_BLURS.get(recipe.blur, recipe.blur)}"
    if phases:
        text += f"; {_join(phases)}"
    text += (
        f"; {len(recipe.hidden)} hidden layers ({_join([str(h) for h in recipe.hidden])} units)."
    )
    if left_out:
        text += f" Left out: **{_join(left_out)}**."
    return text


def _place(recipe: Place) -> str:
    noise = ""
    if isinstance(recipe, Noise):
        deviations = ", ".join(
            f"{_number(value)} {unit}"
            for value, unit in zip(recipe.blur, ("days", "minutes", "°", "°", "m"))
            if value
        )
        noise = (
            f", noise in training of {deviations or 'nothing'}, each left out in "
            f"{recipe.field_dropout:.0%}"
        )
    return (
        f"features of {_join(list(recipe.fields))} ({_join(list(recipe.features))}; harmonics "
        f"up to degree {recipe.degree}){noise}; {recipe.blocks} residual blocks, "
        f"{recipe.units} units."
    )


def _kernels(recipe: Kernels) -> str:
    return (
        f"a count of the training recordings that are near by {_join(list(recipe.fields))}, with "
        f"{recipe.kernels} kernels. The model keeps date, time, place, elevation and species of "
        "its training recordings."
    )


_HEADS = {
    "own": "the encoder's own scores of the species that it knows, without training",
    "linear": "softmax regression",
    "warm": "softmax regression, started from the encoder's own rows and pulled to them",
    "mlp": "a hidden layer of {} units before a softmax",
    "prototype": "cosines to the mean direction of each species",
}


def _head(recipe: Embedded) -> str:
    text = f"{_HEADS[recipe.head].format(recipe.hidden_units)}, on embeddings of `{recipe.encoder}`"
    if recipe.noisy_copies:
        low, high = recipe.noisy_levels
        text += (
            f"; learned with {recipe.noisy_copies} noisy copies of each recording, at "
            f"{_number(low)} to {_number(high)} dB"
        )
    return f"{text}; over windows: {_over_windows(recipe.pooling)}."


def _over_windows(pooling: str) -> str:
    if pooling == "att":
        return "a mean of probabilities, weighted by attention"
    if pooling == "mean":
        return "the mean of probabilities"
    return f"log-mean-exp of probabilities with sharpness {pooling.removeprefix('lme')}"


def _targets(recipe: Recipe) -> str:
    targets, loss = "the foreground species", _LOSSES["cross_entropy"]
    if isinstance(recipe, Shares):
        if not isinstance(recipe, Labels) or recipe.background:
            targets += f", background species as {_number(recipe.background_weight)} of it"
        if recipe.repeats:
            targets += f"; n recordings alike count n^-{_number(recipe.repeats)} each"
    elif isinstance(recipe, Labels) and recipe.background:
        targets += ", and once more with the background species"
    if isinstance(recipe, Labels):
        loss = _LOSSES[recipe.loss]
    return f"**Targets:** {targets}; {loss}."


def _training(recipe: Patient | Passes) -> str:
    start = f"rate {_number(recipe.learning_rate)}, batches of {recipe.batch_size}"
    if isinstance(recipe, Passes):
        steps = f"{recipe.epoch_steps} steps" if recipe.epoch_steps else "all recordings"
        schedule = "in one cycle" if recipe.schedule == "one_cycle" else "unchanged"
        return (
            f"**Training:** AdamW, {start}, {schedule}, weight decay "
            f"{_number(recipe.weight_decay)}; {recipe.epochs} epochs of {steps}, to the end."
        )
    return (
        f"**Training:** Adam, {start}, at most {recipe.epochs} epochs of {recipe.epoch_steps} "
        f"steps; after {recipe.patience} epochs without a better `{recipe.patience_criterion}` "
        f"back to the best epoch with rate x {_number(recipe.learning_rate_decay)}; "
        f"{recipe.patience_trials} trials."
    )


def describe_run(recipe: Recipe, dataset_name: str, dataset_digest: str) -> str:
    """The recipe of a run in words, as Markdown for `mlflow.note.content`.

    Names what tells models apart: input, network, targets, teacher, training and the dataset.
    """
    lines = []
    if isinstance(recipe, Hearing):
        lines.append(f"**Audio:** {_audio(recipe)}")
    for kind, words in ((Phases, _phases), (Place, _place), (Kernels, _kernels)):
        if isinstance(recipe, kind):
            lines.append(f"**Date, time and place:** {words(recipe)}")  # type: ignore[operator]
    for name, other in (("metadata_weight", "metadata logits"), ("kernel_weight", "kernel logits")):
        if hasattr(recipe, name):
            own = "audio" if name == "metadata_weight" else "place"
            weight = _number(getattr(recipe, name))
            lines.append(f"**Combination:** {own} logits + {weight} x {other}.")
    if isinstance(recipe, Embedded):
        lines.append(f"**Head:** {_head(recipe)}")
    if isinstance(recipe, Labels | Shares):
        lines.append(_targets(recipe))
    if isinstance(recipe, Labels) and recipe.teacher:
        lines.append(
            f"**Teacher:** `{recipe.teacher}`, whose probabilities are added to the targets."
        )
    if recipe.built_from:
        names = [f"`{name}`" for name in recipe.needs[-len(recipe.built_from) :]]
        lines.append(f"**Starts from:** the weights of {_join(names)}.")
    options = [
        f"`{name} = {value}`"
        for name in _OPTIONS
        if (value := getattr(recipe, name, None)) != getattr(type(recipe), name, None)
    ]
    if options:
        lines.append(f"**Options:** {_join(options)}.")
    lines.append(f"**Dataset:** {dataset_name} (digest `{dataset_digest[:12]}`).")
    if isinstance(recipe, Patient | Passes):
        lines.append(_training(recipe))
    return "  \n".join(lines) + "\n"  # lines, not paragraphs: the page shows the first few
