"""The settings of models, in parts; a family is made of some of them.

A part stands in one family or more, and holds nothing that a network or training of such a family
does not read. Lengths are in seconds, frequencies in Hz, rates per step.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from birdml.dataset.recording import FIELDS
from birdml.metadata import blur, drop, encode, encoded_size
from birdml.place import FEATURES, blurred, feature_count, place_features
from birdml.zoo.settings import (
    Amount,
    Count,
    Counts,
    Fraction,
    NonNegativeInt,
    Positive,
    Share,
    part,
)

BLURS = {  # standard deviations of FIELDS: days, minutes, degrees, degrees, metres
    "none": (0.0, 0.0, 0.0, 0.0, 0.0),
    "default": (7.0, 10.0, 1.0, 1.0, 20.0),
    "more": (14.0, 30.0, 3.0, 3.0, 100.0),
}
NUMBER = r"(?=.*[1-9])\d+(\.\d+)?"  # above 0
HIGHEST = 11025.0  # Hz: half the sample rate


def _like(form: str, words: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(form, text):
            raise ValueError(f"is '{text}'; it can be {words}")
        return text

    return AfterValidator(check)


def _some_of(known: tuple[str, ...]) -> AfterValidator:
    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or not set(names) <= set(known) or len(set(names)) < len(names):
            raise ValueError(f"is {list(names)}; one or more of {list(known)}, each once")
        return names

    return AfterValidator(check)


Pooling = Annotated[
    str,
    _like(rf"max|mean|noisy_or|lme{NUMBER}|att0*[1-9]\d*", "lme1, att16, max, mean, noisy_or"),
]
LayerPooling = Annotated[str, _like(rf"max|lme{NUMBER}", "max or lme1 (any sharpness above 0)")]
Fields = Annotated[tuple[str, ...], _some_of(FIELDS)]
Features = Annotated[tuple[str, ...], _some_of(FEATURES)]
Deviations = Annotated[tuple[Amount, ...], Field(min_length=len(FIELDS), max_length=len(FIELDS))]


@part
class Hearing:
    """Excerpts, and the network that listens to them."""

    # excerpts
    excerpt_min: Positive = 5.0
    excerpt_max: Positive = 30.0
    length_buckets: Count = 10
    # from magnitudes to mel bands
    filterbank: Literal["mel", "mel_learn"] = "mel"
    mel_bands: Count = 80
    mel_min: Amount = 27.5
    mel_max: Positive = 10000.0
    mel_spread: Amount = 0.0  # random stretch of a learnable bank's peaks while training
    magnitude: Literal["power", "log", "log1p", "log1p_learn", "pcen", "none"] = "power"
    # network
    trunk: Literal["plain", "residual"] = "plain"
    channels: tuple[Count, Count] = (64, 128)
    width: Count = 1024  # channels of the two layers before the classes
    shifts: Count = 5  # positions in frequency that are left for max-pooling
    dropout: Fraction = 0.5
    pooling: Pooling = "lme1"  # over time: lme<sharpness>, att<channels>, max, mean, noisy_or
    # options that no published model uses
    conv_groups: Count = 1  # of every convolution of a plain trunk up to the second pooling
    dense_groups: Count = 1  # of the convolutions after it
    channel_dropout: Fraction = 0.0  # of whole channels before convolutions of a plain trunk
    group_dropout: Fraction = 0.0  # of whole groups
    layer_pooling: LayerPooling = "max"  # between layers: max, lme<sharpness>
    dilated: bool = False  # the second convolution of residual units, by 2
    # changes to excerpts while training
    mixup: Amount = 0.0  # a of the shares' Beta(a + 1, a); 0 does not mix
    mixup_labels: bool = False  # mix the targets as well
    filter_db: Amount = 0.0  # largest gain of a random filter
    max_stretch: Fraction = 0.0  # of tempo, as a fraction
    max_shift: Fraction = 0.0  # of frequencies, as a fraction
    noise: Share = 0.0  # of excerpts that get a recording of nothing mixed in
    # recordings that are annotated through
    marks: bool = True  # targets are the species marked in an excerpt
    around_marks: Share = 0.5  # of their excerpts that are cut around a mark

    @property
    def changes_excerpts(self) -> bool:
        """Whether training changes excerpts beyond cropping them."""
        return any((self.mixup, self.filter_db, self.max_stretch, self.max_shift))

    def contradictions(self) -> Iterator[str]:
        """What these settings cannot have together, each in one line."""
        if self.excerpt_min > self.excerpt_max:
            yield f"excerpt_min is {self.excerpt_min}, above excerpt_max {self.excerpt_max}"
        if not self.mel_min < self.mel_max <= HIGHEST:
            yield (
                f"mel_min is {self.mel_min} and mel_max {self.mel_max}; "
                f"0 <= min < max <= {HIGHEST:g} Hz"
            )
        if self.dilated and self.trunk != "residual":
            yield "dilated is for residual units: it needs trunk = 'residual'"
        for name in ("conv_groups", "dense_groups", "channel_dropout", "group_dropout"):
            if self.trunk != "plain" and getattr(self, name) != getattr(Hearing, name):
                yield f"{name} is for plain trunks: it needs trunk = 'plain'"
        if self.group_dropout and self.conv_groups == 1:
            yield "group_dropout drops one of several groups: it needs conv_groups above 1"
        for name, counts in (
            ("conv_groups", self.channels),
            ("dense_groups", (self.channels[-1], self.width)),
        ):
            if any(count % getattr(self, name) for count in counts):
                yield f"{name} is {getattr(self, name)}; it must divide {list(counts)}"
        if self.mixup_labels and not self.mixup:
            yield "mixup_labels is on, but nothing is mixed: it needs mixup above 0"


class Metadata:
    """What reads date, time and place: a table [N, 5] in the order of FIELDS, NaN unknown."""

    fields: tuple[str, ...] = FIELDS

    def encoded(self, table: np.ndarray) -> np.ndarray:
        """The input of the network, float32 [N, D]."""
        raise NotImplementedError

    @property
    def encoded_size(self) -> int:
        """D, the length of an encoded row."""
        raise NotImplementedError

    def noisy(self, table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The table as training changes it, float64 [N, 5]."""
        raise NotImplementedError


@part
class Phases(Metadata):
    """Date, time and place as in 2018: sines of several phases, and scaled numbers."""

    fields: Fields = FIELDS
    date_phases: Count = 12
    time_phases: Count = 12
    blur: Literal["none", "default", "more"] = "default"
    field_dropout: Fraction = 0.0
    hidden: Counts = (256, 512)

    @property
    def blur_deviations(self) -> tuple[float, ...]:
        """Standard deviations of the noise on FIELDS: days, minutes, degrees, degrees, metres."""
        return BLURS[self.blur]

    def encoded(self, table: np.ndarray) -> np.ndarray:
        return encode(table, self.fields, self.date_phases, self.time_phases)

    @property
    def encoded_size(self) -> int:
        return encoded_size(self.fields, self.date_phases, self.time_phases)

    def noisy(self, table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if any(self.blur_deviations):
            table = blur(table, self.blur_deviations, rng)
        return drop(table, self.field_dropout, rng) if self.field_dropout else table


@part
class Place(Metadata):
    """Place, season, hour and elevation as features, and the network that reads them."""

    fields: Fields = FIELDS
    features: Features = FEATURES
    degree: Annotated[int, Field(ge=1, le=30)] = 10  # of spherical harmonics
    units: Count = 256  # of the dense layers
    blocks: NonNegativeInt = 2

    def encoded(self, table: np.ndarray) -> np.ndarray:
        return place_features(table, self.fields, self.features, self.degree)

    @property
    def encoded_size(self) -> int:
        return self.feature_count

    @property
    def feature_count(self) -> int:
        """What the place network takes."""
        return feature_count(self.fields, self.features, self.degree)


@part
class Noise:
    """What training does to a table of date, time and place, and to the place network."""

    blur: Deviations = (10.0, 30.0, 0.15, 0.15, 30.0)  # of FIELDS
    field_dropout: Fraction = 0.1  # of date, time, place and elevation, each
    unit_dropout: Fraction = 0.3

    def noisy(self, table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return blurred(table, self.blur, self.field_dropout, rng)


@part
class Kernels(Metadata):
    """Recordings that are kept, and the kernels by which they count."""

    fields: Fields = FIELDS
    kernels: Count = 4

    def encoded(self, table: np.ndarray) -> np.ndarray:
        return np.where(np.isin(FIELDS, self.fields), table, np.nan).astype(np.float32)

    @property
    def encoded_size(self) -> int:
        return len(FIELDS)

    def noisy(self, table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return table


HeadPooling = Annotated[
    str, _like(rf"mean|lme{NUMBER}|att", "mean, lme4 (any sharpness above 0), att")
]
NOT_READ = {  # settings that a kind of head has no use for
    "own": "background background_weight l2 hidden_units sharpness mixup class_weighting "
    "noisy_copies noise_folder noisy_levels",
    "linear": "hidden_units sharpness synonyms",
    "warm": "hidden_units sharpness",
    "mlp": "sharpness synonyms",
    "prototype": "hidden_units l2 synonyms",
}


@part
class Embedded:
    """A pretrained encoder, and what is learned from its embeddings."""

    encoder: str = "birdnet24"
    encoders: str = ""  # a TOML file with encoders of one's own
    head: Literal["own", "linear", "warm", "mlp", "prototype"] = "linear"
    synonyms: str = ""  # a CSV file: latin_name, encoder_name
    pooling: HeadPooling = "mean"  # over windows: mean of probabilities, lme<sharpness>, att
    background: bool = False  # background species as targets too
    background_weight: Fraction = 0.5  # of one; the foreground counts 1
    l2: Positive = 1e-3
    hidden_units: Count = 256
    sharpness: Positive = 20.0  # of the cosines to prototypes
    mixup: Amount = 0.0  # a of the shares' Beta(a, a); 0 does not mix
    class_weighting: Amount = 0.0  # recordings of rare species count more: 0 not, 1 evens them out
    noisy_copies: NonNegativeInt = 0  # of each training recording, mixed with recordings of nothing
    noise_folder: str = ""  # these, instead of the dataset's recordings of nothing
    noisy_levels: tuple[float, float] = (-10.0, 10.0)  # dB of the recording over the noise

    def head_contradictions(self) -> Iterator[str]:
        """What these settings cannot have together, each in one line."""
        for name in NOT_READ[self.head].split():
            if getattr(self, name) != getattr(Embedded, name):
                yield f"{name} is nothing that head = '{self.head}' reads"
        if self.head == "own" and self.pooling == "att":
            yield "pooling 'att' is learned, and head = 'own' learns nothing"
        if self.noisy_levels[0] > self.noisy_levels[1]:
            yield f"noisy_levels is {list(self.noisy_levels)}: from the lowest to the highest"
        if (self.noise_folder or self.noisy_levels != Embedded.noisy_levels) and (
            not self.noisy_copies
        ):
            yield "noise_folder and noisy_levels need noisy_copies above 0"


@part
class Labels:
    """What is learned, and from whom."""

    background: bool = False  # foreground and background species as a second target
    teacher: str = ""  # model whose softmax output is added to the targets
    pseudo_labels: str = ""  # folder of saved predictions, whose softmax is added to the targets
    class_weighting: Amount = 0.0  # targets of rare species count more: 0 not, 1 evens them out
    loss: Literal["cross_entropy", "step_attention", "binary"] = "cross_entropy"
    ignored_top: NonNegativeInt = 10  # binary loss: highest wrong logits not counted
    l2_decay: Amount = 0.0  # times the sum of squares of all weights, added to the loss

    def label_contradictions(self) -> Iterator[str]:
        """What targets and loss cannot have together, each in one line."""
        if self.loss == "binary":
            for name in ("teacher", "pseudo_labels", "class_weighting"):
                if getattr(self, name):
                    yield f"{name} gives targets that are not 0 or 1; loss 'binary' cannot use them"


@part
class Shares:
    """How much a species in the background, and a recording that is one of many, counts."""

    background_weight: Fraction = 0.5  # of a background species; the foreground counts 1
    repeats: Amount = 0.5  # n recordings alike (recordist, place, species) count n^-repeats each


@part
class Passes:
    """AdamW over all recordings again and again, to the end; the last state counts."""

    batch_size: Count = 256
    epoch_steps: NonNegativeInt = 0  # 0: as many as it takes to see every recording once
    epochs: Count = 20
    learning_rate: Positive = 0.002  # the highest
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    weight_decay: Amount = 0.01


@part
class Patient:
    """Adam at a rate that falls when patience ends; the best state counts."""

    batch_size: Count = 16
    epoch_steps: Count = 1000
    epochs: Count = 1000
    learning_rate: Positive = 0.001
    learning_rate_decay: Positive = 0.1  # at each step of patience
    first_parameter_rate: Amount = 10.0  # times learning_rate
    patience: Count = 10  # epochs without a better criterion
    patience_trials: Count = 3
    patience_criterion: Literal["valid_loss", "valid_map"] = "valid_loss"
