"""The kernel model: which species were recorded near, in space, season, hour and elevation.

It keeps date, time, place, elevation and species of the recordings that it was trained on (not who
recorded them): its answer is a weighted count of them.

Shapes: B recordings asked for, N recordings kept, C classes, Q kernels, P pairs of a kept recording
and a species in it.
"""

import math

import torch
from torch import Tensor, nn

from birdml.networks.place import PlaceNetwork

FLOOR = 1e-5  # added to probabilities: nothing is impossible
PAIRS = 1 << 17  # of recordings compared at once: bounds the memory, and stays in the cache
REACHES = (20.0, 2.5, 1.0, 0.3)  # sqrt(g) of a fresh kernel: 1 / chord of the unit sphere
TERMS = ("place", "date", "time", "elevation")
KEPT = ("memory", "known", "weights", "pair_rows", "pair_labels", "pair_shares", "prior")


class KernelNetwork(nn.Module):
    """p(c | x) = (sum_i w_i K(x, i) T_ic + s prior_c) / (sum_i w_i K(x, i) + s), as log(p + 1e-5).

    K is a sum of kernels exp(a - sqrt(g) chord - d (1 - cos day) - h (1 - cos hour) - l e^2 / 2)
    with e the difference of log(1 + elevation / 50 m); where a field is unknown on either side, a
    penalty stands in place of its term. T_ic is the share of species c in recording i.
    """

    takes = ("metadata",)

    def __init__(self, classes: int, kernels: int = 4):
        super().__init__()
        self.classes = classes
        reach = torch.tensor([REACHES[i % len(REACHES)] for i in range(kernels)])
        self.height = nn.Parameter(torch.zeros(kernels))  # a
        # logarithms of factors per term [4, Q]: place, date, time, elevation
        start = torch.zeros(len(TERMS), kernels)
        start[0] = reach.log()
        self.log_factors = nn.Parameter(start)
        self.log_penalties = nn.Parameter(torch.zeros(len(TERMS), kernels))
        self.log_prior = nn.Parameter(torch.tensor(-3.0))  # log s
        self.register_buffer("memory", torch.zeros(0, 5))  # days, minutes, degrees, degrees, m
        self.register_buffer("known", torch.zeros(0, 5, dtype=torch.bool))
        self.register_buffer("weights", torch.zeros(0))
        self.register_buffer("pair_rows", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("pair_labels", torch.zeros(0, dtype=torch.int64))
        self.register_buffer("pair_shares", torch.zeros(0))
        self.register_buffer("prior", torch.full((classes,), 1 / classes))

    def remember(self, table: Tensor, shares: Tensor, weights: Tensor) -> None:
        """Keeps recordings: table [N, 5], NaN unknown, shares of species [N, C], weights [N]."""
        rows, labels = shares.nonzero(as_tuple=True)
        self.memory, self.known = table.float().nan_to_num(), ~table.isnan()
        self.weights = weights.float()
        self.pair_rows, self.pair_labels = rows, labels
        self.pair_shares = shares[rows, labels].float()
        mass = weights.float() @ shares.float()
        self.prior = mass / mass.sum()

    def _load_from_state_dict(self, state_dict, prefix, *args):  # type: ignore[no-untyped-def]
        for name in KEPT:  # as many recordings as the saved one kept
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(
        self, metadata: Tensor, groups: Tensor | None = None, kept_groups: Tensor | None = None
    ) -> Tensor:
        """log(p + 1e-5), tables float32 [B, 5] with NaN where unknown -> float32 [B, C].

        With `groups` [B] and `kept_groups` [N], kept recordings of the same group are left out.
        """
        asked = _Terms(metadata.float())
        mass = metadata.new_zeros(len(metadata), self.classes)
        step = max(1, PAIRS // max(1, len(metadata)))
        for start in range(0, len(self.memory), step):
            block = slice(start, start + step)
            kept = self.memory[block].where(self.known[block], torch.nan)
            near = self._kernels(asked, _Terms(kept)) * self.weights[block]
            if groups is not None and kept_groups is not None:
                near = near.masked_fill(groups[:, None] == kept_groups[None, block], 0.0)
            pairs = slice(None)
            if step < len(self.memory):
                ends = torch.tensor([start, start + step], device=self.pair_rows.device)
                pairs = slice(*torch.searchsorted(self.pair_rows, ends).tolist())
            shares = near[:, self.pair_rows[pairs] - start] * self.pair_shares[pairs]
            mass = mass.index_add(1, self.pair_labels[pairs], shares)
        prior = self.log_prior.exp()
        return ((mass + prior * self.prior) / (mass.sum(1, keepdim=True) + prior) + FLOOR).log()

    def _kernels(self, asked: "_Terms", kept: "_Terms") -> Tensor:
        """K, [B, N]: but for the chord, an exponent is a product of what each side has."""
        reach, day, hour, height = self.log_factors.exp()
        penalties = self.log_penalties.exp()
        place_unknown, day_unknown, hour_unknown, height_unknown = penalties
        weights = torch.stack(  # of the columns of `_Terms`, [12, Q]
            [
                self.height - penalties.sum(0),
                place_unknown,
                day_unknown - day,
                hour_unknown - hour,
                height_unknown,
                *(day, day, hour, hour),
                *(height, -height, -height),
            ]
        )
        chord = (2 - 2 * asked.place @ kept.place.T).clamp(min=0).sqrt()
        chord = chord.where(asked.known[:, :1] & kept.known[:, 0], 0.0)
        total = torch.zeros(())
        for q in range(len(self.height)):
            sides = (asked.columns * weights[:, q], kept.columns_of_kept.T)
            total = total + torch.addmm(chord * -reach[q], *sides).exp()
        return total


class _Terms:
    """A table [N, 5] as what its distances are made of, in columns that are 0 where unknown.

    Known on both sides, k = 1, a term costs f d, else its penalty p: f d k + p (1 - k). With d the
    scalar product of points on a circle taken from 1, or half the squared difference of heights,
    that is a product of columns of either side; only the chord d of two places is not.
    """

    def __init__(self, table: Tensor):
        day, minute, latitude, longitude, elevation = table.unbind(1)
        north, east = latitude.deg2rad(), longitude.deg2rad()
        self.place = torch.stack(
            [north.cos() * east.cos(), north.cos() * east.sin(), north.sin()], dim=1
        ).nan_to_num()
        self.known = ~torch.stack([latitude + longitude, day, minute, elevation], dim=1).isnan()
        circles = [_on_circle(day * (2 * math.pi / 365)), _on_circle(minute * (2 * math.pi / 1440))]
        height = torch.log1p(elevation.clamp(min=0) / 50)[:, None]
        one, known = torch.ones_like(height), self.known.to(height.dtype)
        half, high = height.square() / 2, known[:, 3:]
        front = [one, known, *circles, height]
        self.columns = torch.cat([*front, half, high], dim=1).nan_to_num()
        self.columns_of_kept = torch.cat([*front, high, half], dim=1).nan_to_num()


def _on_circle(angle: Tensor) -> Tensor:
    return torch.stack([angle.sin(), angle.cos()], dim=1)


class PlaceKernelNetwork(nn.Module):
    """Both in one: log p of the place network + weight x log p of the kernel model."""

    takes = ("metadata",)
    parts = ("place", "kernel")

    def __init__(self, place: PlaceNetwork, kernel: KernelNetwork, weight: float = 0.4):
        super().__init__()
        self.classes = place.classes
        self.place = place
        self.kernel = kernel
        self.weight = weight

    def forward(self, metadata: Tensor) -> Tensor:
        """Logits, features and then the table, float32 [B, D + 5] -> float32 [B, C]."""
        features, table = metadata[:, :-5], metadata[:, -5:]
        return self.place(features).log_softmax(dim=1) + self.weight * self.kernel(table)
