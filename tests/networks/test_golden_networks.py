"""Whole networks against the 2018 system: outputs, losses, gradients, statistics, Adam steps."""

from functools import cache

import numpy as np
import pytest
import torch

from birdml.networks.build import build_network, first_parameter
from birdml.networks.combined import CombinedNetwork
from birdml.networks.lasagne import export_parameters, load_parameters, slots
from birdml.training.objective import cross_entropy, targets
from birdml.training.optimiser import adam
from birdml.zoo.recipe import AudioRecipe, CombinedRecipe, MetaRecipe, changed
from tests.golden import load_json, load_npz, relative_difference
from tests.networks.arch import golden_names, network_of

NETS = [name for name in golden_names("net_*.npz") if name != "net_audio_input"]
STEPS = golden_names("adam_*.npz")
OUTPUT, GRADIENT = 1e-4, 1e-3  # relative tolerances that the golden files ask for
KINKS = 1e-1  # of an array's gradient, see test_golden_gradients
AFTER = "after_train_param"


@cache
def case(name: str):
    return load_npz(f"{name}.npz"), load_json(f"{name}.json")


def loaded(name: str):
    arrays, about = case(name)
    metadata = arrays["input_meta"].shape[1] if "input_meta" in arrays else None
    network = network_of(about["overrides"], about["classes"], metadata)
    load_parameters(network, arrays)
    return network


def inputs(name: str) -> list[torch.Tensor]:
    arrays, about = case(name)
    audio = load_npz("net_audio_input.npz")["spect"] if "spect" in about["input_names"] else None
    found = [audio, arrays.get("input_meta")]
    return [torch.from_numpy(array) for array in found if array is not None]


def logits_of(network, given: list[torch.Tensor]) -> torch.Tensor:
    """Logits from magnitudes: the golden files hold spectrograms, not samples."""
    if isinstance(network, CombinedNetwork):
        return network.add(network.audio.from_magnitudes(given[0]), given[1])
    if "samples" in network.takes:
        return network.from_magnitudes(given[0])
    return network(given[0])


def targets_of(arrays, what: str, classes: int) -> torch.Tensor:
    present = torch.from_numpy(arrays["label_bg"]).bool() if "mixfgbg" in what else None
    teacher = torch.from_numpy(arrays["pseudo_label"]) if what.endswith("_ban") else None
    return targets(torch.from_numpy(arrays["label"]), present, classes, teacher)


@pytest.mark.parametrize("name", NETS)
def test_golden_outputs(name):
    arrays, _ = case(name)
    network = loaded(name).eval()
    with torch.no_grad():
        logits = logits_of(network, inputs(name))
        assert relative_difference(logits, arrays["out_linear"]) < OUTPUT
        assert relative_difference(logits.softmax(1), arrays["out_softmax"]) < OUTPUT
        if "out_before_pool" in arrays:
            audio = network.audio if isinstance(network, CombinedNetwork) else network
            scores = audio.scores_from_magnitudes(inputs(name)[0])
            assert relative_difference(scores[..., None], arrays["out_before_pool"]) < OUTPUT
        trained = logits_of(network.train(), inputs(name)).softmax(1)
        assert relative_difference(trained, arrays["train_out_softmax"]) < OUTPUT


@pytest.mark.parametrize("name", NETS)
def test_golden_running_averages_after_a_training_pass(name):
    arrays, _ = case(name)
    network = loaded(name).train()
    with torch.no_grad():
        logits_of(network, inputs(name))
    ours = export_parameters(network)
    for key in arrays:
        if key.startswith(AFTER):
            after = ours[int(key.removeprefix(AFTER))]
            assert relative_difference(after, arrays[key]) < OUTPUT, key


@pytest.mark.parametrize("name", NETS)
def test_golden_losses(name):
    arrays, about = case(name)
    network = loaded(name)
    for mode in ("det", "train"):
        network.train(mode == "train")
        with torch.no_grad():
            logits = logits_of(network, inputs(name))
        for key in arrays:
            if not key.startswith(f"cost_{mode}"):
                continue
            what = key.removeprefix(f"cost_{mode}_")
            costs = cross_entropy(logits, targets_of(arrays, what, about["classes"]))
            assert relative_difference(costs, arrays[key]) < OUTPUT, key
            mean = arrays[f"loss_{mode}_{what}"]
            assert relative_difference(costs.mean(), mean) < OUTPUT, key


@cache
def gradients(name: str, mode: str) -> dict[int, np.ndarray]:
    arrays, about = case(name)
    network = loaded(name).train(mode == "train")
    wanted = targets_of(arrays, "mixfgbg_ban", about["classes"])
    cross_entropy(logits_of(network, inputs(name)), wanted).mean().backward()
    return gradients_of(network)


def compared(name: str, mode: str):
    """Ours and theirs, number by number, where theirs is more than what rounding leaves: the
    gradient of a bias before batch norm is zero but for rounding."""
    arrays, _ = case(name)
    ours = gradients(name, mode)
    least = 1e-5 * max(np.abs(gradient).max() for gradient in ours.values())
    prefix = f"grad_{mode}_param"
    for key in arrays:
        if key.startswith(prefix):
            index = int(key.removeprefix(prefix).removesuffix("_strided"))
            gradient = ours[index]
            if key.endswith("_strided"):
                gradient = gradient.ravel()[:: gradient.size // 1024]
            assert gradient.shape == arrays[key].shape
            if np.abs(arrays[key]).max() > least:
                yield index, gradient, arrays[key]


@pytest.mark.parametrize("name", NETS)
def test_golden_gradients(name):
    """A value within rounding of a ReLU's kink, or of the second in a max-pooling window, may fall
    on its other side and change what lies below it: our own gradients moved by up to 5e-2 of an
    array when the magnitudes were changed by 2e-7, in 25 trials of other inputs (most often by
    less than 1e-5). So arrays must agree to a tenth as a whole, and to 1e-3 in each value above
    all batch norms and in metadata networks; single layers are held to 1e-4 in
    test_golden_layers."""
    arrays, _ = case(name)
    norms = [int(key.removeprefix(AFTER)) for key in arrays if key.startswith(AFTER)]
    for index, ours, theirs in compared(name, "train"):
        difference = ours - theirs
        assert np.linalg.norm(difference) < KINKS * np.linalg.norm(theirs), index
        if index > max(norms, default=-1):
            assert np.abs(difference).max() < GRADIENT * np.abs(theirs).max(), index
    ours = gradients(name, "train")
    least = 1e-5 * max(np.linalg.norm(gradient) for gradient in ours.values())
    for entry in case(name)[1]["grad_summary"]["train"]:
        norm = np.linalg.norm(ours[entry["param"]].astype(np.float64))
        assert abs(norm - entry["norm"]) < KINKS * entry["norm"] + least


@pytest.mark.parametrize("name", NETS)
def test_golden_gradients_with_running_averages(name):
    """The golden gradients in this mode were taken while the running averages were being updated:
    some batch norms multiply them with 1 / std from after the training pass. What lies above all
    batch norms must agree closely, the rest in direction (tests/networks/test_layers.py has the
    exact gradient)."""
    arrays, _ = case(name)
    norms = [int(key.removeprefix(AFTER)) for key in arrays if key.startswith(AFTER)]
    for index, ours, theirs in compared(name, "det"):
        ours, theirs = ours.astype(np.float64).ravel(), theirs.astype(np.float64).ravel()
        if index > max(norms, default=-1):
            assert np.abs(ours - theirs).max() < GRADIENT * np.abs(theirs).max(), index
        elif theirs.size > 1:
            cosine = ours @ theirs / (np.linalg.norm(ours) * np.linalg.norm(theirs))
            assert cosine > 0.99, index


def gradients_of(network) -> dict[int, np.ndarray]:
    """Gradients by number of the parameter, in Lasagne's layout."""
    return {
        index: slot.theirs(slot.tensor.grad.numpy())
        for index, slot in enumerate(slots(network))
        if slot.tensor.requires_grad
    }


@pytest.mark.parametrize("name", STEPS)
def test_golden_adam_steps(name):
    """Where a gradient is zero but for rounding, Adam still takes a step of full length, in either
    direction. A value that rounding puts on the other side of a kink (see the gradients above)
    turns single steps round and shifts what lies below by up to a tenth of a step: so did one in
    thirty of our own trainings when their inputs were changed by 3e-7. So no number may be more
    than two steps away, no array a third of a step on average, and all arrays together a
    twentieth; the formula itself is held exactly in tests/training/test_optimiser.py."""
    arrays, about = case(name)
    classes = about["classes"]
    metadata = arrays["batch1_meta"].shape[1] if "batch1_meta" in arrays else None
    overrides = about["overrides"]
    network = network_of(overrides, classes, metadata)
    load_parameters(network, numbered(arrays, "init_param"))
    first = [slots(network)[index].tensor for index in about["first_params_index"]]
    assert [id(tensor) for tensor in first] == [id(first_parameter(network))]
    teacher = None
    if "ban_param0" in arrays:
        teacher = network_of(overrides, classes, metadata).eval()
        load_parameters(teacher, numbered(arrays, "ban_param"))
    rate, factor = about["initial_eta"], about["first_params_eta_scale"]
    optimiser = adam(network, rate, factor)
    unsure: dict[int, np.ndarray] = {}
    for step in range(1, len(arrays["losses"]) + 1):
        given = [
            torch.from_numpy(arrays[key])
            for key in (f"batch{step}_spect", f"batch{step}_meta")
            if key in arrays
        ]
        present = None
        if "mix_fg_bg=1" in overrides:
            present = torch.from_numpy(arrays[f"batch{step}_label_bg"]).bool()
        taught = None
        if teacher is not None:
            with torch.no_grad():
                taught = logits_of(teacher, given).softmax(1)
        label = torch.from_numpy(arrays[f"batch{step}_label"])
        loss = cross_entropy(
            logits_of(network.train(), given), targets(label, present, classes, taught)
        ).mean()
        assert relative_difference(loss.item(), arrays["losses"][step - 1]) < OUTPUT
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        moved = gradients_of(network)
        least = 1e-5 * max(np.abs(gradient).max() for gradient in moved.values())
        after = numbered(arrays, f"step{step}_param")
        distances = []  # in steps
        for index, ours in enumerate(export_parameters(network)):
            difference = np.abs(ours - after[index])
            if index not in moved:  # running averages
                assert difference.max() <= 1e-2 * np.abs(after[index]).max() + 1e-6, (step, index)
                continue
            length = rate * (factor if index in about["first_params_index"] else 1)
            assert difference.max() <= 2 * length * step + 1e-6, (step, index)
            unsure[index] = unsure.get(index, False) | (np.abs(moved[index]) < least)
            sure = (difference / (length * step))[~unsure[index]]
            assert not sure.size or sure.mean() < 1 / 3, (step, index)
            distances.append(sure.ravel())
        assert np.concatenate(distances).mean() < 1 / 20, step


def numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    count = sum(key.startswith(prefix) for key in arrays)
    return [arrays[f"{prefix}{index}"] for index in range(count)]


@pytest.mark.parametrize("name", NETS)
def test_golden_export_is_the_inverse_of_loading(name):
    arrays, _ = case(name)
    for ours, theirs in zip(
        export_parameters(loaded(name)), numbered(arrays, "param"), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


RECIPES = {
    "net_dummy_lme1": AudioRecipe("x", pooling="lme1"),
    "net_dummy_att16": AudioRecipe("x", pooling="att16"),
    "net_dummy_att64": AudioRecipe("x", pooling="att64"),
    "net_resnet1_lme1": AudioRecipe("x", trunk="residual"),
    "net_resnet1_att16": AudioRecipe("x", trunk="residual", pooling="att16"),
    "net_resnet1_att64": AudioRecipe("x", trunk="residual", pooling="att64"),
    "net_combined": CombinedRecipe(
        "x", trunk="residual", date_phases=3, time_phases=3, start_from=("a", "m")
    ),
    "net_meta_d12t12": MetaRecipe("x"),
    "net_meta_d12t3": MetaRecipe("x", time_phases=3),
}
FULL = "arch.fullsize="


@pytest.mark.parametrize("name", sorted(set(RECIPES) & set(NETS)))
def test_golden_recipes_build_these_networks(name):
    arrays, about = case(name)
    widths = [text.removeprefix(FULL) for text in about["overrides"] if text.startswith(FULL)]
    recipe = RECIPES[name]
    if recipe.takes_samples:
        recipe = changed(recipe, {"width": int(widths[-1])})
    network = build_network(recipe, about["classes"])
    load_parameters(network, arrays)
    with torch.no_grad():
        logits = logits_of(network.eval(), inputs(name))
    assert relative_difference(logits, arrays["out_linear"]) < OUTPUT
