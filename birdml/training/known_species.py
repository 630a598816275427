"""Which species of a dataset an encoder knows by itself, and by what."""

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

from birdml.dataset.recording import Species
from birdml.encoders.own_rows import CONGENERS, OwnRows, own_rows
from birdml.encoders.pretrained import own_output_layer
from birdml.encoders.weights import read_labels
from birdml.errors import UserError
from birdml.networks.head import HeadNetwork
from birdml.zoo.recipe import HeadRecipe

logger = logging.getLogger(__name__)
NAMED = 5  # species named in a line


def rows_of_encoder(
    recipe: HeadRecipe, network: HeadNetwork, species: Sequence[Species]
) -> OwnRows:
    """What the encoder's own output layer says of the species."""
    output = own_output_layer(network.encoder)
    labels = read_labels(network.encoder)
    if output is None or not labels:
        raise UserError(
            f"{recipe.name}: the encoder '{network.encoder.name}' does not tell scores of its own: "
            "use head=linear, mlp or prototype"
        )
    names = [(one.latin_name or one.class_id).replace("_", " ") for one in species]
    synonyms = _synonyms(Path(recipe.synonyms)) if recipe.synonyms else None
    return own_rows(names, labels, output, synonyms)


def known_by(own: OwnRows, species: Sequence[Species]) -> list[tuple[str, str, str]]:
    """By what the encoder knows each species: class id, Latin name, its label or `congeners`; ''
    where by nothing."""
    return [(s.class_id, s.latin_name, how) for s, how in zip(species, own.known)]


def say_unknown(recipe: HeadRecipe, own: OwnRows, species: Sequence[Species]) -> None:
    """Names the species that the encoder knows by their congeners only, or not at all."""
    for how, words in ((CONGENERS, "by their congeners"), ("", "not at all")):
        names = [s.latin_name or s.class_id for s, known in zip(species, own.known) if known == how]
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            logger.warning(
                "%s: %s knows %d of %d species %s: %s%s",
                recipe.name,
                recipe.encoder,
                len(names),
                len(species),
                words,
                ", ".join(names[:NAMED]),
                more,
            )


def _synonyms(path: Path) -> dict[str, str]:
    """Latin name -> the one that the encoder uses, of a CSV file with these two columns."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"synonyms: cannot read '{path}': {error}") from None
    faulty = [number for number, row in enumerate(rows, 1) if row and len(row) != 2]
    if faulty:
        raise UserError(
            f"synonyms: '{path}', line {faulty[0]}: two columns, a Latin name and the encoder's"
        )
    return {a.strip(): b.strip() for a, b in filter(None, rows)}
