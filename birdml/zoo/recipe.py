"""What one line of a zoo file means, in full: every setting of a model and of its training."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from birdml.metadata import FIELDS

BLURS = {  # standard deviations of FIELDS: days, minutes, degrees, degrees, metres
    "none": (0.0, 0.0, 0.0, 0.0, 0.0),
    "default": (7.0, 10.0, 1.0, 1.0, 20.0),
    "more": (14.0, 30.0, 3.0, 3.0, 100.0),
}
FAMILIES = ("audio", "meta", "combined")
HEARING = ("audio", "combined")  # families that take samples
PLACING = ("meta", "combined")  # families that take date, time and place
RESULTS = {"audio": 1, "meta": 1, "combined": 1}  # raised when a family's results change
CHOICES: dict[str, tuple[str, ...]] = {
    "family": FAMILIES,
    "trunk": ("plain", "residual"),
    "filterbank": ("mel", "mel_learn"),
    "magnitude": ("power", "log", "log1p", "log1p_learn", "pcen", "none"),
    "blur": tuple(BLURS),
    "loss": ("cross_entropy", "step_attention", "binary"),
    "patience_criterion": ("valid_loss", "valid_map"),
}
NUMBER = r"(?=.*[1-9])\d+(\.\d+)?"  # above 0
FORMS = {  # what a text must look like, and how to say so
    "pooling": (
        rf"max|mean|noisy_or|lme{NUMBER}|att0*[1-9]\d*",
        "lme1, att16, max, mean, noisy_or",
    ),
    "layer_pooling": (rf"max|lme{NUMBER}", "max or lme1 (any sharpness above 0)"),
}
AT_LEAST = {
    1: "length_buckets mel_bands width shifts date_phases time_phases conv_groups dense_groups "
    "batch_size epoch_steps epochs patience patience_trials",
    0: "ignored_top mixup filter_db class_weighting l2_decay first_parameter_rate mel_spread",
}
# what only a network that listens reads, and what only one that takes date, time and place reads
SAMPLES_ONLY = (
    "excerpt_min excerpt_max length_buckets filterbank mel_bands mel_min mel_max mel_spread "
    "magnitude trunk channels width shifts dropout pooling conv_groups dense_groups "
    "channel_dropout group_dropout layer_pooling dilated "
    "mixup mixup_labels filter_db max_stretch max_shift"
)
METADATA_ONLY = "fields date_phases time_phases blur field_dropout hidden"
FRACTIONS = "dropout field_dropout channel_dropout group_dropout max_stretch max_shift"  # < 1
POSITIVE = "excerpt_min excerpt_max learning_rate learning_rate_decay"


@dataclass(frozen=True)
class Recipe:
    """Settings of one model. Lengths are in seconds, frequencies in Hz, rates per step.

    Raises ValueError, with one line that names the field, for a value that cannot be.
    """

    name: str
    family: str = "audio"
    # excerpts
    excerpt_min: float = 5.0
    excerpt_max: float = 30.0
    length_buckets: int = 10
    # from magnitudes to mel bands
    filterbank: str = "mel"
    mel_bands: int = 80
    mel_min: float = 27.5
    mel_max: float = 10000.0
    mel_spread: float = 0.0  # random stretch of a learnable bank's peaks while training
    magnitude: str = "power"
    # audio network
    trunk: str = "plain"
    channels: tuple[int, ...] = (64, 128)
    width: int = 1024  # channels of the two layers before the classes
    shifts: int = 5  # positions in frequency that are left for max-pooling
    dropout: float = 0.5
    pooling: str = "lme1"  # over time: lme<sharpness>, att<channels>, max, mean, noisy_or
    # audio network, options that no published model uses
    conv_groups: int = 1  # of every convolution of a plain trunk up to the second pooling
    dense_groups: int = 1  # of the convolutions after it
    channel_dropout: float = 0.0  # of whole channels before convolutions of a plain trunk
    group_dropout: float = 0.0  # of whole groups
    layer_pooling: str = "max"  # between layers: max, lme<sharpness>
    dilated: bool = False  # the second convolution of residual units, by 2
    # metadata
    fields: tuple[str, ...] = FIELDS
    date_phases: int = 12
    time_phases: int = 12
    blur: str = "default"
    field_dropout: float = 0.0
    hidden: tuple[int, ...] = (256, 512)
    metadata_weight: float = 0.33  # of metadata logits in a combined network
    # what is learned
    background: bool = False  # foreground and background species as a second target
    teacher: str = ""  # model whose softmax output is added to the targets
    start_from: tuple[str, ...] = ()  # models whose weights a combined network starts from
    pseudo_labels: str = ""  # folder of saved predictions, whose softmax is added to the targets
    class_weighting: float = 0.0  # targets of rare species count more: 0 not, 1 evens them out
    loss: str = "cross_entropy"
    ignored_top: int = 10  # binary loss: wrong species with the highest logits that do not count
    l2_decay: float = 0.0  # times the sum of squares of all weights, added to the loss
    # changes to excerpts while training
    mixup: float = 0.0  # a of the shares' Beta(a + 1, a); 0 does not mix
    mixup_labels: bool = False  # mix the targets as well
    filter_db: float = 0.0  # largest gain of a random filter
    max_stretch: float = 0.0  # of tempo, as a fraction
    max_shift: float = 0.0  # of frequencies, as a fraction
    # how
    batch_size: int = 16
    epoch_steps: int = 1000
    epochs: int = 1000
    learning_rate: float = 0.001
    learning_rate_decay: float = 0.1  # at each step of patience
    first_parameter_rate: float = 10.0  # times learning_rate
    patience: int = 10  # epochs without a better criterion
    patience_trials: int = 3
    patience_criterion: str = "valid_loss"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise ValueError(f"{name} is '{value}'; it can be {', '.join(choices)}")
        for name, (form, words) in FORMS.items():
            if not re.fullmatch(form, getattr(self, name)):
                raise ValueError(f"{name} is '{getattr(self, name)}'; it can be {words}")
        for least, names in AT_LEAST.items():
            for name in names.split():
                value = getattr(self, name)
                if not value >= least:
                    raise ValueError(f"{name} is {value}; it must be at least {least}")
        for name in FRACTIONS.split():
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be in 0..1, below 1")
        for name in POSITIVE.split():
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not self.hidden or any(n < 1 for n in (*self.hidden, *self.channels)):
            raise ValueError(
                f"hidden is {list(self.hidden)} and channels {list(self.channels)}; counts of at "
                "least 1"
            )
        unknown = [field for field in self.fields if field not in FIELDS]
        if unknown or len(set(self.fields)) < len(self.fields):
            raise ValueError(f"fields is {list(self.fields)}; each of {list(FIELDS)} at most once")
        if self.takes_metadata and not self.fields:
            raise ValueError("fields is empty; a model of metadata needs at least one")
        if self.excerpt_min > self.excerpt_max:
            raise ValueError(
                f"excerpt_min is {self.excerpt_min}, above excerpt_max {self.excerpt_max}"
            )
        if not 0 <= self.mel_min < self.mel_max <= 11025:
            raise ValueError(
                f"mel_min is {self.mel_min} and mel_max {self.mel_max}; 0 <= min < max <= 11025 Hz"
            )
        if self.takes_samples and len(self.channels) != 2:
            raise ValueError(f"channels is {list(self.channels)}; a trunk has two counts")
        for problem in self._contradictions():
            raise ValueError(problem)
        if (self.family == "combined") != bool(self.start_from):
            raise ValueError("start_from names two models where the family is combined, only there")

    def _contradictions(self) -> Iterator[str]:
        """What options cannot have together, each in one line."""
        if self.takes_samples:
            if self.dilated and self.trunk != "residual":
                yield "dilated is for residual units: it needs trunk = 'residual'"
            for name in ("conv_groups", "dense_groups", "channel_dropout", "group_dropout"):
                if self.trunk != "plain" and getattr(self, name) != getattr(Recipe, name):
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
        attention = self.family == "audio" and self.pooling.startswith("att")
        if self.loss == "step_attention" and not attention:
            yield "loss 'step_attention' is for audio models with pooling such as 'att16'"
        if self.loss == "binary":
            for name in ("teacher", "pseudo_labels", "class_weighting"):
                if getattr(self, name):
                    yield f"{name} gives targets that are not 0 or 1; loss 'binary' cannot use them"

    @property
    def changes_excerpts(self) -> bool:
        """Whether training changes excerpts beyond cropping them."""
        return self.takes_samples and any(
            (self.mixup, self.filter_db, self.max_stretch, self.max_shift)
        )

    @property
    def takes_samples(self) -> bool:
        return self.family in HEARING

    @property
    def takes_metadata(self) -> bool:
        return self.family in PLACING

    @property
    def blur_deviations(self) -> tuple[float, ...]:
        """Standard deviations of the noise on FIELDS: days, minutes, degrees, degrees, metres."""
        return BLURS[self.blur]

    @property
    def needs(self) -> tuple[str, ...]:
        """Models that must be trained before this one."""
        return ((self.teacher,) if self.teacher else ()) + self.start_from

    def settings(self) -> dict:
        """Every field but the name, as plain values (tuples become lists)."""
        values = asdict(self)
        del values["name"]
        return {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}

    def settings_in_use(self) -> dict:
        """The `settings` that a model of this family reads: what people need to see."""
        unread = unread_by(self.family) | (set() if self.loss == "binary" else {"ignored_top"})
        return {key: value for key, value in self.settings().items() if key not in unread}


def unread_by(family: str) -> set[str]:
    """The settings that no model of a family reads."""
    return {
        *(() if family in HEARING else SAMPLES_ONLY.split()),
        *(() if family in PLACING else METADATA_ONLY.split()),
        *(() if family == "combined" else ("metadata_weight", "start_from")),
    }


DEFAULTS = {
    key: list(value) if isinstance(value, tuple) else value
    for key, value in ((field.name, field.default) for field in fields(Recipe))
}
FIELD_TYPES = {field.name: field.type for field in fields(Recipe)}
