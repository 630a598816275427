"""JSON files of ours, read as strictly as those of others: a form says what must be in one."""

import math
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from birdml.errors import UserError

SHOWN = 3  # faults that a message names
QUOTED = 80  # characters of a place and of a reason


def _folder_name(name: str) -> str:
    if name in ("", ".", "..") or not name.isprintable() or set(name) & set("/\\"):
        raise ValueError("is no name of a folder")
    return name


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("is no finite number")
    return value


FolderName = Annotated[str, AfterValidator(_folder_name)]
Finite = Annotated[float, AfterValidator(_finite)]


class Form(BaseModel):
    """What a JSON file holds; types are taken as they stand, fields it does not know are left."""

    model_config = ConfigDict(strict=True, frozen=True)


F = TypeVar("F", bound=Form)


def read_form(path: Path, form: type[F], advice: str) -> F:
    """Reads a JSON file.

    Args:
        path: the file.
        form: what must be in it.
        advice: what to do where it is not, such as "train it again".

    Raises:
        UserError: where there is no such file, or it holds something else; in one line.
    """
    try:
        return form.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"can't read '{path}': {error.strerror or error}; {advice}") from None
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))[:QUOTED]}: {fault['msg'][:QUOTED]}".lstrip(": ")
            for fault in error.errors(include_url=False, include_input=False)[:SHOWN]
        ]
        said = " ".join("; ".join(faults).split())
        raise UserError(f"'{path}' is broken ({said}); {advice}") from None
