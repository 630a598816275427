"""Networks against their bare arithmetic: `python -m benchmarks.networks`."""

from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks._measure import in_turn, row
from birdml.networks.build import build_network
from birdml.networks.dense import dense_scores_from_mel
from birdml.networks.pcen import PCEN
from birdml.signal.spectrogram import mel_filterbank
from birdml.training.objective import cross_entropy, targets
from birdml.training.optimiser import adam
from birdml.zoo.recipe import AudioRecipe, MetaRecipe

CLASSES = 1500  # of BirdCLEF 2018
BATCH, SECONDS = 16, 10  # of the audio step, as audio1 is trained
RATE = 22050


def pcen(batch: int) -> dict[str, Any]:
    x = torch.rand(batch, 1000, 80)
    layer = PCEN(80)

    def by_loop(x: Tensor, s: Tensor) -> Tensor:
        values = [x[:, 0]]
        for frame in range(1, x.shape[1]):
            values.append((1 - s) * values[-1] + s * x[:, frame])
        return torch.stack(values, dim=1)

    def loop_forward(x: Tensor) -> Tensor:
        s, alpha = layer.log_s.exp(), layer.log_alpha.exp()
        delta, r = layer.log_delta.exp(), layer.log_r.exp()
        return (x / (1e-6 + by_loop(x, s)) ** alpha + delta) ** r - delta**r

    def pass_through(forward: Callable[[Tensor], Tensor]) -> None:
        given = x.clone().requires_grad_()
        forward(given).sum().backward()

    ours, loop = in_turn(lambda: pass_through(layer), lambda: pass_through(loop_forward), 5)
    what = "the same with a loop over 1000 frames; ratio: times faster"
    return row(f"PCEN, forward and backward, batch {batch}", ours, loop, loop / ours, what)


class Bare(nn.Module):
    """audio1 with the shortest PyTorch code: its own layers in a row, channels_last."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(1024, periodic=False))
        self.register_buffer("mel", torch.from_numpy(mel_filterbank()[:465]).float() / 32767)
        self.exponent = nn.Parameter(torch.zeros(()))
        self.standardise = nn.BatchNorm1d(80, affine=False)
        layers: list[nn.Module] = []
        for inputs, outputs, kernel, after in [
            (1, 64, (3, 3), []),
            (64, 64, (3, 3), [nn.MaxPool2d(3)]),
            (64, 128, (3, 3), []),
            (128, 128, (3, 3), []),
            (128, 128, (3, 17), [nn.MaxPool2d((3, 5)), nn.Dropout(0.5)]),
            (128, 1024, (9, 1), [nn.Dropout(0.5)]),
            (1024, 1024, (1, 1), [nn.Dropout(0.5)]),
        ]:
            layers.append(nn.Conv2d(inputs, outputs, kernel, bias=False))
            layers += [nn.BatchNorm2d(outputs), nn.LeakyReLU(0.01, inplace=True), *after]
        self.layers = nn.Sequential(*layers, nn.Conv2d(1024, CLASSES, 1))
        self.layers.to(memory_format=torch.channels_last)

    def forward(self, samples: Tensor) -> Tensor:
        with torch.no_grad():
            spectrum = torch.stft(
                samples.float(), 1024, 315, window=self.window, center=False, return_complex=True
            )
            magnitudes = spectrum[:, :465].abs().transpose(1, 2)
        x = (magnitudes @ self.mel) ** self.exponent.sigmoid()
        x = self.standardise(x.transpose(1, 2)).transpose(1, 2)[:, None]
        scores = self.layers(x.contiguous(memory_format=torch.channels_last))
        return scores.squeeze(-1).logsumexp(-1)


def training_step(network: nn.Module, optimiser: torch.optim.Optimizer, *given: Tensor):
    labels = torch.arange(len(given[0])) % CLASSES
    wanted = targets(labels, None, CLASSES)

    def step() -> None:
        optimiser.zero_grad()
        cross_entropy(network(*given), wanted).mean().backward()
        optimiser.step()

    return step


def audio_step() -> dict[str, Any]:
    samples = torch.randint(-3000, 3000, (BATCH, SECONDS * RATE), dtype=torch.int16)
    network, bare = build_network(AudioRecipe("audio1"), CLASSES), Bare()
    ours, reference = in_turn(
        training_step(network, adam(network, 0.001, 10.0), samples),
        training_step(bare, torch.optim.Adam(bare.parameters(), fused=True), samples),
        times=3,
    )
    what = f"the same network written bare, {BATCH} excerpts of {SECONDS} s, {CLASSES} classes"
    return row("audio training step", ours, reference, ours / reference, what)


def metadata_step() -> dict[str, Any]:
    recipe = MetaRecipe("meta1")
    network = build_network(recipe, CLASSES)
    x = torch.randn(16, 32)
    step = training_step(network, adam(network, 0.001, 10.0), x)
    sizes = [32, 256, 512, CLASSES]
    weights = [nn.Parameter(torch.randn(i, o) * 0.05) for i, o in pairwise(sizes)]
    values = [torch.randn(16, size) for size in sizes]
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    optimiser = torch.optim.Adam(weights, fused=True)

    @torch.no_grad()
    def floor() -> None:
        for weight, below, above in zip(weights, values, values[1:]):
            torch.mm(below, weight, out=above)
        for weight, below, above in zip(weights, values, values[1:]):
            torch.mm(below.T, above, out=weight.grad)
            torch.mm(above, weight.T)
        optimiser.step()

    ours, reference = in_turn(lambda: [step() for _ in range(50)], lambda: _times(50, floor), 9)
    what = "only its matrix products and Adam's update of its weights, 50 steps of 16"
    return row("metadata training step", ours, reference, ours / reference, what)


def _times(count: int, function: Callable[[], None]) -> None:
    for _ in range(count):
        function()


@torch.inference_mode()
def dense(trunk: str) -> list[dict[str, Any]]:
    network = build_network(AudioRecipe("x", trunk=trunk), CLASSES).eval()
    mel = torch.randn(1, 1, 40 * 70, 80)
    ours, strided = in_turn(
        lambda: dense_scores_from_mel(network, mel), lambda: network.scores_from_mel(mel), 3
    )
    window = mel[:, :, : 5 * 70]
    start = perf_counter()
    for _ in range(4):
        network.scores_from_mel(window)
    sliding = (perf_counter() - start) / 4 * (mel.shape[2] - 5 * 70 + 1)
    return [
        row(
            f"a score at every frame, {trunk}",
            ours,
            strided,
            ours / strided,
            "one pass with a score every nine frames, 40 s",
        ),
        row(
            f"a score at every frame and windows of 5 s at every frame, {trunk}",
            ours,
            sliding,
            sliding / ours,
            "each window of 40 s computed anew (four timed); ratio: times faster",
        ),
    ]


def run() -> list[dict[str, Any]]:
    """Ours and the references, in turn."""
    torch.manual_seed(0)
    return [pcen(1), pcen(16), audio_step(), metadata_step(), *dense("plain"), *dense("residual")]


if __name__ == "__main__":
    for result in run():
        print(
            f"{result['name']}: {result['ours']:.4f} {result['unit']}, ratio {result['ratio']:.2f} "
            f"({result['what_reference_is']}: {result['reference']:.4f})"
        )
