"""From samples to standardised mel bands."""

import warnings

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from birdml.errors import UserError
from birdml.networks.frontend import (
    Frontend,
    LearnableMelBank,
    LearnablePower,
    MelBank,
    Spectrogram,
    filterbank_named,
    magnitude_named,
)
from birdml.networks.pcen import PCEN, smooth
from birdml.signal.spectrogram import HOP, spectrogram
from tests.golden import load_npz, relative_difference

MAGNITUDES = ["power", "log", "log1p", "log1p_learn", "pcen", "none"]


def noise(samples: int, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-9000, 9000, (batch, samples), dtype=torch.int16, generator=generator)


@pytest.mark.parametrize("samples", [1024, 1338, 1339, 20000])
def test_the_spectrogram_is_that_of_the_signal_package(samples):
    ours = Spectrogram(465)(noise(samples))
    assert relative_difference(ours[0], spectrogram(noise(samples)[0].numpy(), 465)) < 1e-5


SECONDS_5 = torch.arange(5 * 22050, dtype=torch.float64) / 22050
SIGNALS = {
    "noise": noise(5 * 22050),
    "the quietest noise": noise(5 * 22050) % 3 - 1,
    "silence": torch.zeros(1, 5 * 22050, dtype=torch.int16),
    "a tone": (32767 * (2 * np.pi * 3000 * SECONDS_5).sin()).short()[None],
    "full scale": noise(5 * 22050).sign() * 32767 - (noise(5 * 22050) < 0).short(),
    "the lowest value": torch.full((1, 5 * 22050), -32768, dtype=torch.int16),
    "clicks": ((torch.arange(5 * 22050) % 5000 == 0) * 32767).short()[None],
    "one frame": noise(1024),
    "a minute": noise(60 * 22050),
    "a batch": noise(3 * 22050, 5),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_pyfftw_and_torch_agree_to_a_millionth_of_a_frames_largest_magnitude(name):
    module, samples = Spectrogram().eval(), SIGNALS[name]
    ours, theirs = module(samples), module.by_torch(samples)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype == torch.float32
    assert ((ours - theirs).abs() <= 1e-6 * theirs.amax(-1, keepdim=True)).all()


@pytest.fixture
def by_torch_only(monkeypatch):
    def never(*_, **__):
        raise AssertionError("not by torch")

    monkeypatch.setattr("birdml.networks.frontend.spectrogram", never)


def test_int16_samples_on_a_cpu_do_not_go_by_torch(by_torch_only):
    with pytest.raises(AssertionError, match="not by torch"):
        Spectrogram().eval()(noise(5000))


WAYS = {
    "training": lambda module, x: module.train()(x),
    "floats": lambda module, x: module(x.float()),
    "double precision": lambda module, x: module.double()(x).float(),
    "jit": lambda module, x: torch.jit.trace(module, x[:, :4000], check_trace=False)(x),
    "compile": lambda module, x: torch.compile(module, backend="eager")(x),
    "fx": lambda module, x: make_fx(module)(x)(x),
    "export": lambda module, x: torch.export.export(module, (x,)).module()(x),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_pyfftw_cannot_do_goes_by_torch(by_torch_only, way):
    samples = noise(20000, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jit is deprecated, and the length is checked in Python
        found = WAYS[way](Spectrogram().eval(), samples)
    torch.testing.assert_close(found, Spectrogram().by_torch(samples), rtol=1e-5, atol=0.1)


def test_tensors_without_values_go_by_torch(by_torch_only):
    assert Spectrogram().eval().to("meta")(noise(20000).to("meta")).shape == (1, 61, 465)
    with FakeTensorMode() as mode:
        module, samples = Spectrogram().eval(), torch.empty(2, 20000, dtype=torch.int16)
        assert module(samples).shape == (2, 61, 465)
    module.window = mode.from_tensor(module.window)
    assert module(samples).shape == (2, 61, 465)


def test_pieces_and_threads_leave_the_bits_of_every_frame():
    module, samples = Spectrogram().eval(), noise(40 * 22050, 2)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        whole = module(samples)
        torch.set_num_threads(2)
        assert torch.equal(module(samples), whole)
    finally:
        torch.set_num_threads(threads)
    for start, stop in ((0, 1), (1, 66), (37, 1165), (700, 701), (1000, 2796)):
        piece = module(samples[:, start * HOP : (stop - 1) * HOP + 1024])
        assert torch.equal(piece, whole[:, start:stop])
        assert torch.equal(module(samples[1:, start * HOP :])[0], whole[1, start:])


def test_the_spectrogram_passes_no_gradients():
    assert not Spectrogram()(noise(5000).float().requires_grad_()).requires_grad


def test_golden_spectrogram():
    arrays = load_npz("spectrogram.npz")
    for key in arrays:
        if key.startswith("spect_") and arrays[key].shape[0]:
            _, signal, length, bins = key.split("_")[:4]
            samples = torch.from_numpy(arrays[signal][: int(length)])[None]
            ours = Spectrogram(int(bins.removeprefix("bins"))).eval()(samples)[0]
            assert relative_difference(ours, arrays[key]) < 1e-5, key


def test_less_than_a_frame_is_the_users_fault():
    with pytest.raises(UserError, match="1023 samples"):
        Spectrogram()(noise(1023))


def test_a_fixed_bank_has_no_parameters_and_filters_of_unit_sum_on_the_scale_of_one():
    bank = MelBank(40, 50.0, 8000.0)
    assert not list(bank.parameters())
    torch.testing.assert_close(bank.filters.sum(0) * 32767, torch.ones(40))


def test_a_learnable_bank_learns_and_stays_on_the_scale_of_one():
    bank = LearnableMelBank()
    y = bank(torch.full((1, 2, 465), 32767.0))
    assert y.min() > 0.5 and y.max() < 30  # sums of filters of height 1
    y.square().sum().backward()
    assert bank.spacings.shape == (82,) and bank.spacings.grad.abs().min() > 0


def test_random_spread_is_for_training_only():
    bank = LearnableMelBank(spread=0.05)
    fixed = bank.eval().filters()
    assert torch.equal(fixed, bank.filters())
    assert not torch.equal(bank.train().filters(), bank.filters())


@pytest.mark.parametrize("name", MAGNITUDES)
@pytest.mark.parametrize("filterbank", ["mel", "mel_learn"])
def test_every_magnitude_gives_standardised_bands_and_finite_gradients_in_silence(name, filterbank):
    torch.manual_seed(0)
    bank = filterbank_named(filterbank, 40, 27.5, 10000.0, 0.0)
    frontend = Frontend(bank, magnitude_named(name, 40), 40)
    magnitudes = Spectrogram()(noise(40000, 2)).clone()
    magnitudes[0, :10] = 0  # digital silence
    y = frontend(magnitudes)
    assert y.shape == (2, 1, 124, 40)
    assert y.mean((0, 1, 2)).abs().max() < 1e-3
    assert (y.var((0, 1, 2), unbiased=False) - 1).abs().max() < 0.2
    if y.requires_grad:
        (y * torch.randn_like(y)).sum().backward()
    for parameter in frontend.parameters():
        assert torch.isfinite(parameter.grad).all()


def test_the_frontend_is_single_precision_under_autocast():
    frontend = Frontend(MelBank(), LearnablePower(), 80).eval()
    magnitudes = Spectrogram()(noise(20000))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = frontend(magnitudes)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, frontend(magnitudes), rtol=0, atol=0)


@pytest.mark.parametrize("make", [lambda n: filterbank_named(n, 80, 27.5, 1e4, 0.0)])
def test_unknown_names_are_errors_that_list_the_known_ones(make):
    with pytest.raises(UserError, match="mel or mel_learn"):
        make("bark")
    with pytest.raises(UserError, match="log1p_learn"):
        magnitude_named("cube", 80)


def smooth_by_loop(x: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    values = [x[:, 0]]
    for frame in range(1, x.shape[1]):
        values.append((1 - s) * values[-1] + s * x[:, frame])
    return torch.stack(values, dim=1)


@pytest.mark.parametrize("frames", [1, 2, 63, 64, 65, 129, 1000, 4200])
def test_the_smoother_equals_its_recursion(frames):
    torch.manual_seed(0)
    x = torch.rand(2, frames, 5, dtype=torch.float64)
    s = torch.tensor([0.001, 0.025, 0.5, 0.999, 1.0], dtype=torch.float64)
    torch.testing.assert_close(smooth(x, s), smooth_by_loop(x, s), rtol=1e-9, atol=1e-12)


def test_its_gradients_are_those_of_the_recursion():
    torch.manual_seed(0)
    x = torch.rand(2, 150, 3, dtype=torch.float64, requires_grad=True)
    s = torch.tensor([0.01, 0.3, 0.9], dtype=torch.float64, requires_grad=True)
    upper = torch.rand(2, 150, 3, dtype=torch.float64)
    ours = torch.autograd.grad((smooth(x, s) * upper).sum(), [x, s])
    right = torch.autograd.grad((smooth_by_loop(x, s) * upper).sum(), [x, s])
    for gradient, expected in zip(ours, right, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-9)


def test_gradients_of_pcen_are_those_of_its_formula():
    torch.manual_seed(0)
    layer = PCEN(3).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.sub_(torch.rand(3))
    x = torch.rand(2, 40, 3, dtype=torch.float64, requires_grad=True)
    s, alpha, delta, r = (parameter.exp() for parameter in layer.parameters())
    formula = (x / (1e-6 + smooth_by_loop(x, s)) ** alpha + delta) ** r - delta**r
    torch.testing.assert_close(layer(x), formula)
    wanted, upper = [x, *layer.parameters()], torch.rand_like(formula)
    ours = torch.autograd.grad((layer(x) * upper).sum(), wanted)
    expected = torch.autograd.grad((formula * upper).sum(), wanted)
    for gradient, right in zip(ours, expected, strict=True):
        torch.testing.assert_close(gradient, right, rtol=1e-9, atol=1e-9)


def test_pcen_starts_at_the_published_values_and_can_keep_alpha():
    layer = PCEN(4, learn_alpha=False)
    assert {name for name, _ in layer.named_parameters()} == {"log_s", "log_delta", "log_r"}
    x = torch.rand(1, 30, 4)
    m = smooth_by_loop(x, torch.full((4,), 0.025))
    torch.testing.assert_close(layer(x), x / (1e-6 + m), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(PCEN(4).log_s.exp().detach(), 0.025, rtol=1e-6)
