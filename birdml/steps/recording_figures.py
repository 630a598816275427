"""Figures of recordings: what a model hears when, and the best and worst of a split."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SAMPLE_RATE, Recording
from birdml.ensemble.combination import load_combination
from birdml.errors import UserError
from birdml.figures.detections import detection_figure
from birdml.files import writing
from birdml.networks.audio import AudioNetwork
from birdml.networks.build import Network
from birdml.networks.frontend import LearnableMelBank
from birdml.networks.head import HeadNetwork
from birdml.networks.saliency import saliency
from birdml.prediction.curves import curves, named
from birdml.prediction.listen import Asked, Members
from birdml.prediction.occlusion import occlusion
from birdml.prediction.predictions import Predictions
from birdml.prediction.recordings import Samples, audio_part, on_device
from birdml.scoring import ranks
from birdml.signal.excerpts import loop
from birdml.signal.spectrogram import FRAME_LENGTH
from birdml.signal.wav import AudioReader

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from birdml.tracking.client import Store

SHOWN = 3  # best recordings of a split, and as many of the worst


def hearing(members: Members) -> list[AudioNetwork | HeadNetwork]:
    """The networks that listen; UserError where none does."""
    found = []
    for model, _ in members:
        network = cast(Network, model.network)
        part = network if isinstance(network, HeadNetwork) else audio_part(network)
        if part is not None:
            found.append(part)
    if not found:
        raise UserError(
            "figures show when a species is heard, and this model reads date, time and place only: "
            "use one that listens"
        )
    return found


def figure_of(
    members: Members,
    samples: Samples,
    asked: Asked,
    title: str,
    truth: Sequence[int] = (),
    salient: int | None = None,
) -> "Figure":
    """The figure of one recording, int16 [S], or of its most telling 30 s.

    `truth`: labels known to be in it. `salient`: a label whose saliency is drawn as an overlay.
    """
    shown = curves(members, samples, asked, also=truth)
    stretch = samples[round(shown.first * SAMPLE_RATE) : round(shown.last * SAMPLE_RATE)]
    species = members[0][0].species
    overlay = None
    if salient is not None:
        overlay = (*_strength(hearing(members)[0], stretch, salient), named([salient], species)[0])
    if shown.last - shown.first < len(samples) / SAMPLE_RATE - 0.1:
        title += f"   ({shown.first:.0f}-{shown.last:.0f} of {len(samples) / SAMPLE_RATE:.0f} s)"
    return detection_figure(
        stretch,
        shown.times,
        shown.shares,
        named(shown.labels, species),
        title,
        shown.first,
        shown.attention,
        overlay,
        named(truth, species),
    )


def _strength(
    network: AudioNetwork | HeadNetwork, samples: np.ndarray, label: int
) -> tuple[np.ndarray, np.ndarray]:
    """What speaks for a species, >= 0 [F, M], and the bands' centres in Hz [M]."""
    if isinstance(network, HeadNetwork):
        return occlusion(network, samples, label)
    strength = saliency(network, on_device(network, samples)[None], label)[0]
    return strength.cpu().numpy(), _band_centres(network)


def drawer(
    members: Members, asked: Asked, salient: int | None
) -> Callable[[Path, np.ndarray, str], None]:
    """Draws a file's figure into a PNG; see `prediction.files.predict_files`."""
    hearing(members)

    def draw(target: Path, samples: np.ndarray, title: str) -> None:
        content = io.BytesIO()
        title = title.replace("$", r"\$")  # no formula
        if len(samples) < FRAME_LENGTH:  # repeated, as it is heard
            samples = loop(samples, FRAME_LENGTH)
        figure_of(members, samples, asked, title, salient=salient).savefig(content, format="png")
        with writing(target) as file:
            file.write(content.getvalue())

    return draw


def log_best_and_worst(
    client: "Store",
    run_id: str,
    folder: Path,
    dataset: Dataset,
    split: str,
    predictions: Predictions,
    device: str = "cpu",
) -> list[str]:
    """Logs figures of the recordings of a split that a model knows best and worst; their names.

    Best: first rank with the highest share of the softmax; worst: the last rank. Raises UserError
    where no species is known, there is no audio, or the model does not listen.
    """
    members = load_combination(folder, device).members
    hearing(members)
    recordings = dataset.split(split)
    labels = dataset.foreground(recordings)
    known = np.flatnonzero((labels >= 0) & np.array([r.samples > 0 for r in recordings]))
    if not len(known):
        raise UserError(f"no recording of '{split}' has both audio and a known species: no figures")
    logits = predictions.logits[known].astype(np.float64)
    rank = ranks(logits, labels[known])
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits[np.arange(len(known)), labels[known]]) / np.exp(logits).sum(axis=1)
    order = np.lexsort((-shares, rank))  # the best first
    count = min(SHOWN, len(known) // 2)
    chosen = {f"best{i + 1}": order[i] for i in range(count)}
    chosen |= {f"worst{i + 1}": order[-1 - i] for i in range(count)}
    names = []
    for name, at in chosen.items():
        recording, label = recordings[known[at]], int(labels[known[at]])
        species = named([label], dataset.species)[0]
        title = f"{recording.file}: {species}, rank {rank[at]} of {len(dataset.classes)}"
        samples = AudioReader([dataset.audio_path(recording)]).read(0)
        figure = figure_of(members, samples, _asked(recording), title, truth=[label])
        client.log_figure(run_id, figure, f"figures/{split}_{name}.png")
        names.append(f"{split}_{name}.png")
    return names


def _asked(recording: Recording) -> Asked:
    return Asked(
        "frame",
        date=recording.date,
        time=recording.time,
        latitude=recording.latitude,
        longitude=recording.longitude,
        elevation=recording.elevation,
    )


@torch.no_grad()
def _band_centres(audio: AudioNetwork) -> np.ndarray:
    """Peak of each mel band in Hz [M], also of a learned bank."""
    bank: Any = audio.frontend.filterbank
    filters = bank.filters() if isinstance(bank, LearnableMelBank) else bank.filters
    bins = filters.argmax(dim=0).cpu().numpy()
    # two low bands can peak in the same bin; the picture needs them apart
    return bins * (SAMPLE_RATE / 1024) + np.arange(len(bins)) * 1e-3
