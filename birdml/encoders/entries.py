"""What an encoder is, as a few words of data: entries of `encoders.toml`, or of a user's file."""

import difflib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from birdml.errors import UserError
from birdml.forms import read_toml

OURS = Path(__file__).with_name("encoders.toml")
ADVICE = "write it as birdml/encoders/encoders.toml is written"

Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=80)]  # also of a folder
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Above0 = Annotated[float, Field(gt=0, le=3600)]


class Encoder(BaseModel):
    """An entry; what each word means stands in `encoders.toml`."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    name: Name
    title: str
    runtime: Literal["litert", "onnx"]
    rate: Annotated[int, Field(ge=1000, le=384_000)]
    window: Above0
    hop: Above0
    dimension: Annotated[int, Field(ge=1, le=1 << 16)]
    scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    package: str = ""
    file: str
    sha256: Sha256
    labels: str = ""
    labels_sha256: Sha256 | None = None
    embedding: str = ""
    logits: str = ""
    licence_file: str = ""
    code_licence: str
    weights_licence: str

    @model_validator(mode="after")
    def _whole(self) -> "Encoder":
        if self.hop > self.window:
            raise ValueError("hop is longer than window: sound between windows would not be heard")
        if bool(self.labels) != bool(self.labels_sha256):
            raise ValueError("labels and labels_sha256 belong together")
        if self.runtime == "onnx" and not self.embedding:
            raise ValueError("embedding is missing: the name of the output that is the embedding")
        if self.runtime == "onnx" and bool(self.labels) != bool(self.logits):
            raise ValueError("labels and logits belong together")
        return self

    @property
    def samples(self) -> int:
        """Samples of a window, at `rate` (S)."""
        return round(self.window * self.rate)


def read_encoders(path: Path = OURS) -> dict[str, Encoder]:
    """The encoders of a TOML file by name.

    Files that lie in no package are found beside the TOML file. Raises UserError that names every
    fault of the file.
    """
    found, faults = {}, []
    for name, words in read_toml(path, ADVICE).items():
        try:
            if not isinstance(words, dict):
                raise ValueError("an encoder is a table of settings")
            if not words.get("package"):
                beside = {
                    key: str(path.parent / value)
                    for key in ("file", "labels", "licence_file")
                    if isinstance(value := words.get(key), str) and value
                }
                words = {**words, **beside}
            found[name] = Encoder.model_validate({**words, "name": name})
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_input=False):
                where = ".".join(map(str, fault["loc"]))
                faults.append(f"[{name}] {where}: {fault['msg']}".replace(" : ", " "))
        except ValueError as error:
            faults.append(f"[{name}] {error}")
    if faults:
        raise UserError(f"'{path}' is no list of encoders: {'; '.join(faults)}: {ADVICE}")
    return found


def find_encoder(name: str, own: str | Path = "") -> Encoder:
    """An encoder by its name, ours or of a user's file of encoders.

    Raises UserError where neither has it, the file can't be read, or it names one of ours again.
    """
    there = read_encoders()
    if own:
        added = read_encoders(Path(own))
        again = sorted(there.keys() & added.keys())
        if again:
            raise UserError(f"'{own}': {', '.join(again)} is there already; choose another name")
        there |= added
    if name not in there:
        near = difflib.get_close_matches(name, there, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise UserError(
            f"no encoder is named '{name}'; {hint}there is {', '.join(there)}, and those of a "
            "file of yours (-P encoders=FILE)"
        )
    return there[name]
