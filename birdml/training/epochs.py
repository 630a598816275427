"""The training of a model in epochs, from the first step to its best state."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from birdml.networks.audio import AudioNetwork
from birdml.networks.build import build_network
from birdml.networks.combined import CombinedNetwork
from birdml.networks.kernel import PlaceKernelNetwork
from birdml.networks.layers import computing_in
from birdml.scoring import score
from birdml.streams import NETWORK, torch_seed
from birdml.training.augmentation import generator, mix, network_outputs
from birdml.training.checkpoint import Checkpoint, Snapshot
from birdml.training.feed import Batch, Feed
from birdml.training.fit import check_lengths, check_models
from birdml.training.losses import example_losses
from birdml.training.optimiser import (
    Optimiser,
    moments,
    one_cycle,
    optimiser_of,
    restore_moments,
    set_rate,
    sum_of_squares,
)
from birdml.training.patience import Patience, Verdict
from birdml.training.targets import Targets
from birdml.training.trained import Diverged, Recorder, Setup, Trained
from birdml.zoo.parts import Hearing, Labels, Metadata, Passes, Patient
from birdml.zoo.saved import SavedModel

logger = logging.getLogger(__name__)
LONG_EPOCH = 3600.0  # seconds; beyond it, `train` says so once
LOSS_CHECK = 200  # steps between looks at the loss on a device: each one makes it wait


class EpochTraining:
    """A training in epochs; the same seed gives the same numbers on a CPU."""

    def __init__(self, setup: Setup):
        recipe, dataset, seed = setup.recipe, setup.dataset, setup.seed
        self.recipe, self.dataset, self.seed = recipe, dataset, seed
        self.device = torch.device(setup.device)
        self.precision = getattr(torch, recipe.precision(setup.device))
        pin = self.device.type == "cuda"
        self.feed = Feed(dataset, "train", recipe, seed, setup.feed_threads, pin)
        self.valid = Feed(dataset, "valid", recipe, seed, setup.feed_threads, pin)
        if isinstance(recipe, Metadata) and (missing := self.feed.unknown_fields):
            left = [field for field in recipe.fields if field not in missing]
            logger.warning(
                "%s: no training recording has %s: it learns from %s",
                recipe.name,
                ", ".join(missing),
                ", ".join(left),
            )
        torch.manual_seed(torch_seed(seed, NETWORK, 0))
        self.network = build_network(recipe, len(dataset.classes))
        if isinstance(recipe, Hearing):
            check_lengths(recipe.name, recipe, self.network)
        check_models(recipe, dataset, setup.needs)
        if recipe.built_from:
            self._start_from([setup.needs[n] for n in recipe.needs[-len(recipe.built_from) :]])
        self._fill_network()
        self.network.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.teacher = None
        if isinstance(recipe, Labels) and recipe.teacher:
            self.teacher = setup.needs[recipe.teacher].network.to(self.device).eval()
        self.targets = Targets(recipe, self.feed, len(dataset.classes), self.device)
        self.optimiser: Optimiser = optimiser_of(recipe, self.network)

    def _start_from(self, models: Sequence[SavedModel]) -> None:
        parts = cast(CombinedNetwork | PlaceKernelNetwork, self.network).parts
        self.network.load_state_dict(
            {
                f"{part}.{key}": value
                for part, model in zip(parts, models)
                for key, value in model.network.state_dict().items()
            }
        )

    def _fill_network(self) -> None:
        """What a network is given before it learns, beside the weights that it starts from."""

    def run(self, recorder: Recorder) -> Trained:
        recipe = self.recipe
        state = recorder.resume()
        if state is None:
            start = self._snapshot()
            patience, rate = Patience(1, 1), 0.0
            if isinstance(recipe, Patient):
                patience = Patience(recipe.patience, recipe.patience_trials)
            if isinstance(recipe, Patient | Passes):
                rate = recipe.learning_rate
            state = Checkpoint(0, rate, patience, start, start, 0)
        else:
            self._restore(state.last)
        epochs = recipe.epochs if isinstance(recipe, Patient | Passes) else 0
        while state.epoch < epochs:
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
        recipe = self.recipe
        verdict: Verdict = "better"  # without patience, the last state counts
        if isinstance(recipe, Patient):
            loss_counts = recipe.patience_criterion == "valid_loss"
            verdict = state.patience.judge(
                metrics["valid_loss"] if loss_counts else -metrics["valid_map"]
            )
        last, best, best_epoch = self._snapshot(), state.best, state.best_epoch
        rate = state.learning_rate
        if verdict == "better":
            best, best_epoch = last, number
        elif isinstance(recipe, Patient) and verdict in ("back", "end"):
            last, rate = best, rate * recipe.learning_rate_decay
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
        steps = self.feed.epoch_steps
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
        recipe, inputs, weights = self.recipe, batch.inputs, self.targets.of(batch)
        if isinstance(recipe, Passes) and recipe.schedule == "one_cycle":
            steps = self.feed.epoch_steps * recipe.epochs
            set_rate(self.optimiser, one_cycle(number, steps, recipe.learning_rate))
        rng = None
        if isinstance(recipe, Hearing) and recipe.changes_excerpts:
            rng = generator(self.seed, number)
            mixed, weights = mix(recipe, inputs["samples"], weights, rng)
            inputs = inputs | {"samples": mixed}
        with computing_in(self.precision, self.device):
            if self.teacher is not None:  # hears the mixture, unfiltered and at its own tempo
                with torch.no_grad():
                    taught = self.teacher(*(inputs[name] for name in self.network.takes))
                weights = weights + taught.float().softmax(dim=1)
            outputs = self._outputs(batch, inputs, rng)
        weights = self.targets.weighted(weights)
        mixes = isinstance(recipe, Hearing) and recipe.mixup > 0
        complete = None if mixes else batch.complete  # of two excerpts in one, less is known
        losses = example_losses(recipe, self.network, outputs, weights, complete)
        if self.feed.weights is not None:
            losses = losses * self.feed.weights[torch.from_numpy(batch.indices)].to(self.device)
        loss = losses.mean()
        self.optimiser.zero_grad(set_to_none=True)
        if isinstance(recipe, Labels) and recipe.l2_decay:
            (loss + recipe.l2_decay * sum_of_squares(self.network)).backward()
        else:
            loss.backward()
        self.optimiser.step()
        return loss.detach()

    def _outputs(
        self, batch: Batch, inputs: Mapping[str, Tensor], rng: np.random.Generator | None
    ) -> Tensor:
        """What the network says of a training batch, whose inputs may have been changed."""
        return network_outputs(self.recipe, self.network, inputs, rng).float()

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
            weights = self.targets.of_validation(moved)
            total += float(
                example_losses(self.recipe, self.network, outputs, weights, moved.complete).sum()
            )
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
        epoch = seconds_per_step * self.feed.epoch_steps
        if epoch > LONG_EPOCH:
            logger.warning(
                "%s: one epoch will take about %.1f hours here, and a training has tens of them; "
                "use a GPU, or -P profile=demo for a small model",
                self.recipe.name,
                epoch / 3600,
            )
