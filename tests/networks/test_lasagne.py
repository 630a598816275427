"""Reading and writing the parameter files of the 2018 system."""

import numpy as np
import pytest
import torch

from birdml.errors import UserError
from birdml.networks.build import build_network
from birdml.networks.lasagne import export_parameters, load_parameters, slots
from tests.recipes import small_recipe


def small(**settings):
    return build_network(small_recipe("small", **{"family": "audio"} | settings), 5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"trunk": "residual", "pooling": "att3"},
        {"filterbank": "mel_learn", "magnitude": "pcen"},
        {"magnitude": "log1p_learn"},
        {"family": "meta", "hidden": (7, 8)},
        {"family": "combined", "trunk": "residual", "start_from": ("a", "m")},
    ],
)
def test_what_is_exported_can_be_loaded_and_gives_the_same_network(settings, tmp_path):
    torch.manual_seed(0)
    one, other = small(**settings), small(**settings)
    arrays = {f"param{i}": array for i, array in enumerate(export_parameters(one))}
    np.savez(tmp_path / "net.npz", **arrays)
    load_parameters(other, tmp_path / "net.npz")
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name
    assert {id(slot.tensor) for slot in slots(one)} == {
        id(tensor) for tensor in one.state_dict(keep_vars=True).values()
    }


def test_all_that_does_not_fit_is_said_and_nothing_is_changed():
    network = small()
    before = export_parameters(network)
    wrong = [array.copy() for array in before]
    wrong[3] = wrong[3][:, :, :2]
    wrong[5] = np.full_like(wrong[5], np.nan)
    with pytest.raises(UserError) as error:
        load_parameters(network, wrong[:-1])
    message = str(error.value)
    assert f"{len(wrong) - 1} arrays where the network has {len(wrong)}" in message
    assert "param3 has shape (4, 1, 2, 3) where trunk.0.W has (4, 1, 3, 3)" in message
    assert "param5 (trunk.1.gamma) has values that are not finite" in message
    for array, now in zip(before, export_parameters(network), strict=True):
        np.testing.assert_array_equal(array, now)


def test_files_that_are_something_else_are_the_users_fault(tmp_path):
    (tmp_path / "text.npz").write_text("no arrays")
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    np.savez(tmp_path / "gap.npz", param0=np.zeros(3), param2=np.zeros(3))
    for name, reason in [
        ("text.npz", "no .npz"),
        ("absent.npz", "no .npz"),
        ("other.npz", "param0"),
        ("gap.npz", "param1 is missing"),
    ]:
        with pytest.raises(UserError, match=reason):
            load_parameters(small(), tmp_path / name)
