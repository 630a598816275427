"""Batch normalisation, residual units, dropout of groups, log-mean-exp pooling layers."""

import pytest
import torch

from birdml.networks.layers import (
    BatchNorm,
    GroupDropout,
    LogMeanExpPool2d,
    ResidualUnit,
    convolution,
)


def images(*shape: int, layout=torch.contiguous_format, seed: int = 0) -> torch.Tensor:
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3 + 5
    return x.contiguous(memory_format=layout)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_training_normalises_with_the_batch_and_averages_mean_and_inverse_deviation(layout):
    norm = BatchNorm(4)
    x = images(3, 4, 20, 7, layout=layout)
    y = norm(x)
    mean = x.double().mean((0, 2, 3))
    inv_std = (x.double().var((0, 2, 3), unbiased=False) + 1e-4).rsqrt()
    expected = (x - mean.view(1, -1, 1, 1)) * inv_std.view(1, -1, 1, 1)
    torch.testing.assert_close(y.double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(norm.mean.double(), 0.1 * mean, rtol=1e-5, atol=0)
    torch.testing.assert_close(norm.inv_std.double(), 0.9 + 0.1 * inv_std, rtol=1e-5, atol=0)


def test_statistics_of_large_batches_are_exact():
    """A sum of a million numbers, one after the other in single precision, would be off by 1e-4."""
    norm = BatchNorm(2, rate=1.0)
    x = images(16, 2, 800, 80, layout=torch.channels_last)
    norm(x)
    mean = x.double().mean((0, 2, 3))
    torch.testing.assert_close(norm.mean.double(), mean, rtol=1e-6, atol=0)
    variance = x.double().var((0, 2, 3), unbiased=False)
    torch.testing.assert_close(norm.inv_std.double(), (variance + 1e-4).rsqrt(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_are_those_of_the_formula(layout, training):
    norm = BatchNorm(3).double().train(training)
    with torch.no_grad():
        norm.beta.normal_()
        norm.gamma.uniform_(0.5, 2)
        norm.mean.normal_()
        norm.inv_std.uniform_(0.5, 2)
    x = images(2, 3, 5, 4, layout=layout).double().requires_grad_()
    if training:
        mean = x.mean((0, 2, 3), keepdim=True)
        inv_std = (x.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-4).rsqrt()
    else:
        mean, inv_std = norm.mean.view(1, -1, 1, 1), norm.inv_std.view(1, -1, 1, 1)
    formula = (x - mean) * norm.gamma.view(1, -1, 1, 1) * inv_std + norm.beta.view(1, -1, 1, 1)
    wanted = [x, norm.gamma, norm.beta]
    upper = images(*x.shape, seed=1).double()
    expected = torch.autograd.grad((formula * upper).sum(), wanted)
    ours = torch.autograd.grad((norm(x) * upper).sum(), wanted)
    for gradient, right in zip(ours, expected, strict=True):
        torch.testing.assert_close(gradient, right, rtol=1e-9, atol=1e-9)


def test_constant_input_is_no_trouble():
    norm = BatchNorm(2)
    y = norm(torch.full((2, 2, 3, 4), 7.0).contiguous(memory_format=torch.channels_last))
    assert torch.isfinite(y).all() and y.abs().max() < 1e-3
    assert torch.isfinite(norm.eval()(torch.full((2, 2, 3, 4), 7.0))).all()


def test_convolutions_begin_orthogonal():
    weights = convolution(6, 8, (3, 3)).weight.detach().flatten(1)
    torch.testing.assert_close(weights @ weights.T, torch.eye(8), rtol=0, atol=1e-5)


def test_residual_units_add_to_their_input_and_keep_its_size():
    unit = ResidualUnit(3, 3).eval()
    x = images(2, 3, 9, 8)
    assert unit(x).shape == x.shape
    torch.nn.init.zeros_(unit.conv2.weight)
    torch.testing.assert_close(unit(x), x)


def test_group_dropout_drops_neighbouring_channels_together():
    layer = GroupDropout(groups=4, p=0.5)
    torch.manual_seed(0)
    y = layer(torch.ones(200, 8, 3, 2))
    kept = y[:, :, 0, 0]
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert (kept[:, 0::2] == kept[:, 1::2]).all()
    assert (y == y[:, :, :1, :1]).all()
    assert 0.4 < (kept > 0).float().mean() < 0.6
    assert layer.eval()(y) is y


def test_log_mean_exp_pooling_lies_between_average_and_maximum():
    x = images(2, 3, 7, 9) * 40  # exp would overflow
    average = torch.nn.functional.avg_pool2d(x, (3, 2))
    maximum = torch.nn.functional.max_pool2d(x, (3, 2))
    pooled = LogMeanExpPool2d((3, 2), sharpness=1.0)(x)
    assert pooled.shape == maximum.shape
    assert (pooled <= maximum).all() and (pooled >= average).all()
    flat = LogMeanExpPool2d((3, 2), sharpness=1e-6)(x.double())
    torch.testing.assert_close(flat.float(), average, rtol=1e-2, atol=1e-1)
