"""One model from the first step to its best state; reports to a recorder that is handed in."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from birdml.dataset.prepared import Dataset
from birdml.errors import UserError
from birdml.networks.audio import AudioNetwork
from birdml.networks.build import Network, build_network
from birdml.scoring import score
from birdml.streams import NETWORK, torch_seed
from birdml.training.augmentation import (
    class_factors,
    generator,
    mix,
    network_outputs,
    saved_targets,
)
from birdml.training.checkpoint import Checkpoint, Snapshot
from birdml.training.feed import Batch, Feed
from birdml.training.fit import check_lengths, check_models
from birdml.training.losses import example_losses
from birdml.training.objective import targets
from birdml.training.optimiser import (
    Adam,
    adam,
    moments,
    restore_moments,
    set_rate,
    sum_of_squares,
)
from birdml.training.patience import Patience
from birdml.training.precision import computing_in, precision
from birdml.zoo.recipe import Recipe
from birdml.zoo.saved import SavedModel

LONG_EPOCH = 3600.0  # seconds; beyond it, `train` says so once
LOSS_CHECK = 200  # steps between looks at the loss on a device: each one makes it wait


class Recorder(Protocol):
    """What a training reports to. Epochs are counted from 1."""

    def resume(self) -> Checkpoint | None:
        """The state to go on from, or None to start afresh."""

    def epoch(self, metrics: dict[str, float], state: Checkpoint) -> None:
        """The figures and the state at the end of an epoch."""


class Diverged(RuntimeError):
    """The loss is NaN or infinite; the message names the batch and its recordings."""


@dataclass(frozen=True)
class Trained:
    """The network in its best state, and how it got there."""

    network: Network
    history: list[dict]
    best_epoch: int
    seconds: float


def train(
    recipe: Recipe,
    dataset: Dataset,
    seed: int,
    recorder: Recorder,
    *,
    needs: Mapping[str, SavedModel] | None = None,
    device: str = "cpu",
    feed_threads: int = 2,
) -> Trained:
    """Trains a model as its recipe says; the same seed gives the same numbers on a CPU.

    `needs` holds the models that `recipe.needs` names. Raises UserError for a dataset or teacher
    that does not fit, Diverged where the loss is no number any more.
    """
    return _Training(recipe, dataset, seed, needs or {}, device, feed_threads).run(recorder)


class _Training:
    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        seed: int,
        needs: Mapping[str, SavedModel],
        device: str,
        feed_threads: int,
    ):
        self.recipe, self.dataset, self.seed = recipe, dataset, seed
        self.device = torch.device(device)
        self.precision = precision(recipe, device)
        pin = self.device.type == "cuda"
        self.feed = Feed(dataset, "train", recipe, seed, feed_threads, pin)
        self.valid = Feed(dataset, "valid", recipe, seed, feed_threads, pin)
        torch.manual_seed(torch_seed(seed, NETWORK, 0))
        self.network = build_network(recipe, len(dataset.classes))
        if recipe.takes_samples:
            check_lengths(recipe, self.network)
        check_models(recipe, dataset, needs)
        if recipe.start_from:
            self.network.load_state_dict(
                {
                    f"{part}.{key}": value
                    for part, name in zip(("audio", "metadata"), recipe.start_from)
                    for key, value in needs[name].network.state_dict().items()
                }
            )
        self.network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.teacher = None
        if recipe.teacher:
            self.teacher = needs[recipe.teacher].network.to(self.device).eval()
        classes = len(dataset.classes)
        self.pseudo = saved_targets(recipe, self.feed, classes)
        self.factors = class_factors(recipe, self.feed, classes)
        self.optimiser: Adam = adam(self.network, recipe.learning_rate, recipe.first_parameter_rate)

    def run(self, recorder: Recorder) -> Trained:
        recipe = self.recipe
        state = recorder.resume()
        if state is None:
            start = self._snapshot()
            patience = Patience(recipe.patience, recipe.patience_trials)
            state = Checkpoint(0, recipe.learning_rate, patience, start, start, 0)
        else:
            self._restore(state.last)
        while state.epoch < recipe.epochs:
            if state.history and state.history[-1]["verdict"] == "end":
                break
            began = time.perf_counter()
            number = state.epoch + 1
            set_rate(self.optimiser, state.learning_rate)
            metrics = {
                "train_loss": self._train_epoch(number),
                **self._validate(),
                "learning_rate": state.learning_rate,
            }
            state = self._judged(state, number, metrics, time.perf_counter() - began)
            recorder.epoch(metrics, state)
        self._restore(state.best)
        return Trained(self.network.eval(), state.history, state.best_epoch, state.seconds)

    def _judged(
        self, state: Checkpoint, number: int, metrics: dict[str, float], seconds: float
    ) -> Checkpoint:
        """The state after an epoch: best so far, or back to the best with a lower rate."""
        loss_counts = self.recipe.patience_criterion == "valid_loss"
        verdict = state.patience.judge(
            metrics["valid_loss"] if loss_counts else -metrics["valid_map"]
        )
        last, best, best_epoch = self._snapshot(), state.best, state.best_epoch
        rate = state.learning_rate
        if verdict == "better":
            best, best_epoch = last, number
        elif verdict in ("back", "end"):
            last, rate = best, rate * self.recipe.learning_rate_decay
            self._restore(best)
        record = {"epoch": number, **metrics, "verdict": verdict}
        record["trial"] = state.patience.trials_over
        return Checkpoint(
            epoch=number,
            learning_rate=rate,
            patience=state.patience,
            last=last,
            best=best,
            best_epoch=best_epoch,
            history=[*state.history, record],
            seconds=state.seconds + seconds,
        )

    def _train_epoch(self, number: int) -> float:
        self.network.train()
        # Dropout draws from (seed, epoch): a resumed training needs no state of a generator.
        torch.manual_seed(torch_seed(self.seed, NETWORK, number))
        steps = self.recipe.epoch_steps
        losses = torch.zeros(steps, device=self.device)
        progress = tqdm(
            total=steps, desc=f"{self.recipe.name} epoch {number}", disable=None, leave=False
        )
        began = time.perf_counter()
        with progress:
            for step, batch in enumerate(self.feed.epoch(number)):
                losses[step] = self._step(batch.to(self.device), (number - 1) * steps + step)
                progress.update()
                if step == 2 and number == 1:
                    self._warn_of_long_epochs((time.perf_counter() - began) / 3)
                if (step + 1) % LOSS_CHECK == 0 or step + 1 == steps:
                    self._check(losses[: step + 1], number)
        return float(losses.mean())

    def _step(self, batch: Batch, number: int) -> Tensor:
        recipe, inputs, weights = self.recipe, batch.inputs, self._label_weights(batch)
        rng = None
        if recipe.changes_excerpts:
            rng = generator(self.seed, number)
            mixed, weights = mix(recipe, inputs["samples"], weights, rng)
            inputs = inputs | {"samples": mixed}
        with computing_in(self.precision, self.device):
            if self.teacher is not None:  # hears the mixture, unfiltered and at its own tempo
                with torch.no_grad():
                    taught = self.teacher(*(inputs[name] for name in self.network.takes))
                weights = weights + taught.float().softmax(dim=1)
            outputs = network_outputs(recipe, self.network, inputs, rng).float()
        if self.factors is not None:
            weights = weights * self.factors.to(self.device)
        loss = example_losses(recipe, self.network, outputs, weights).mean()
        self.optimiser.zero_grad(set_to_none=True)
        if recipe.l2_decay:
            (loss + recipe.l2_decay * sum_of_squares(self.network)).backward()
        else:
            loss.backward()
        self.optimiser.step()
        return loss.detach()

    def _label_weights(self, batch: Batch) -> Tensor:
        present = batch.present if self.recipe.background else None
        saved = None
        if self.pseudo is not None:
            saved = self.pseudo[torch.from_numpy(batch.indices)].to(self.device)
        weights = targets(batch.foreground, present, len(self.dataset.classes), saved)
        return weights.clamp(max=1) if self.recipe.loss == "binary" else weights

    def _check(self, losses: Tensor, epoch: int) -> None:
        if torch.isfinite(losses).all():
            return
        step = int((~torch.isfinite(losses)).nonzero()[0])
        files = ", ".join(self.feed.files_of(epoch, step))
        raise Diverged(
            f"{self.recipe.name}: the loss is {float(losses[step])} in epoch {epoch}, batch "
            f"{step + 1}, of {files}; try a lower learning_rate"
        )

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Loss and MAP on the validation set: excerpts of 5 to 30 s, or all metadata at once."""
        self.network.eval()
        count, classes = len(self.valid.recordings), len(self.dataset.classes)
        logits = np.empty((count, classes), np.float32)
        total = 0.0
        for batch in self.valid.validation():
            moved = batch.to(self.device)
            outputs = network_outputs(self.recipe, self.network, moved.inputs).float()
            weights = targets(moved.foreground, None, classes)
            total += float(example_losses(self.recipe, self.network, outputs, weights).sum())
            if outputs.dim() == 3:  # scores over time
                outputs = cast(AudioNetwork, self.network).pool(outputs)
            logits[batch.indices] = outputs.cpu().numpy()
        if not np.isfinite(total):
            raise Diverged(
                f"{self.recipe.name}: the loss on the validation set is {total}; try a lower "
                "learning_rate"
            )
        foreground = self.valid.foreground.numpy()
        scores = score(logits, foreground, self.valid.present.numpy())
        return {"valid_loss": total / count, "valid_map": scores["map"]}

    def _snapshot(self) -> Snapshot:
        network = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        running = moments(self.optimiser, self.network)
        return Snapshot(network, {k: v.clone() for k, v in running.items()}, self.optimiser.steps)

    def _restore(self, snapshot: Snapshot) -> None:
        self.network.load_state_dict(snapshot.network)
        restore_moments(self.optimiser, self.network, snapshot.moments, snapshot.steps)

    def _warn_of_long_epochs(self, seconds_per_step: float) -> None:
        epoch = seconds_per_step * self.recipe.epoch_steps
        if epoch > LONG_EPOCH:
            tqdm.write(
                f"{self.recipe.name}: one epoch will take about {epoch / 3600:.1f} hours here, and "
                "a training has tens of them; use a GPU, or -P profile=demo for a small model"
            )


def pick_device(wanted: str = "auto") -> str:
    """`auto` is a GPU where there is one; UserError for a device that is not there."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"device '{wanted}' cannot be used here ({str(error).splitlines()[0]}); "
            "leave it at auto, or say cpu"
        ) from None
    return wanted
