"""Annotation tables on their way into a dataset: what is kept, what is listed, what is refused."""

import numpy as np
import pytest

from birdml.annotations.dataset import dataset_marks
from birdml.dataset.opening import open_dataset
from birdml.dataset.writing import verify
from birdml.errors import UserError
from birdml.prepare import Request, prepare, summary
from tests.dataset.made_up import audio_file, content, problems_of, species_folders

RAVEN = "Selection\tView\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\n"


def raven(path, rows):
    """Rows of (begin, end, species)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"{i}\tSpectrogram 1\t{b}\t{e}\t500\t4000\t{s}\n" for i, (b, e, s) in enumerate(rows))
    path.write_text(RAVEN + "".join(lines))
    return path


@pytest.fixture
def raw(tmp_path):
    """Two labelled species, and three soundscapes beside them."""
    folder = species_folders(tmp_path / "raw", species=2, each=6)
    for number in range(3):
        audio_file(folder / f"scape{number}.wav", 500 + number, seconds=4)
    return folder


def rows_of(dataset):
    return (dataset.folder / "annotations.csv").read_text().splitlines()


def test_marks_are_kept_and_unlabelled_recordings_take_their_species(raw, tmp_path):
    tables = tmp_path / "tables"
    raven(
        tables / "scape0.Table.1.selections.txt",
        [(2, 3, "Genus speciesa"), (0, 0.5, "Genus_speciesb"), (1, 2, "GENUS SPECIESA")],
    )
    raven(tables / "scape1.selections.txt", [])
    raven(tables / "Genus_speciesa" / "r0.txt", [(0.1, 0.4, "Genus speciesb")])
    dataset = prepare(Request(str(raw), annotations=str(tables)), tmp_path / "made")
    assert [row[0] for row in problems_of(dataset.folder)] == ["recordings of nothing"]  # one
    of = {r.file: r for r in dataset.recordings}
    scape = of["soundscapes/test/scape0.wav"]
    assert (scape.split in ("train", "valid"), scape.species) == (True, "Genus_speciesa")
    assert scape.background == ("Genus_speciesb",)
    assert of["soundscapes/test/scape1.wav"].split.startswith("noise_")
    assert of["soundscapes/test/scape2.wav"].split == "soundscapes_test"
    labelled = of["Genus_speciesa/r0.wav"]
    assert (labelled.species, labelled.background) == ("Genus_speciesa", ("Genus_speciesb",))
    assert rows_of(dataset) == [
        "file,start,end,species,low,high",
        "Genus_speciesa/r0.wav,0.1,0.4,Genus_speciesb,500,4000",
        "soundscapes/test/scape0.wav,0,0.5,Genus_speciesb,500,4000",
        "soundscapes/test/scape0.wav,1,2,Genus_speciesa,500,4000",
        "soundscapes/test/scape0.wav,2,3,Genus_speciesa,500,4000",
        "soundscapes/test/scape1.wav,,,,,",
    ]
    assert "4 marks in 3 recordings annotated through" in summary(dataset)[0]
    marks = dataset_marks(dataset).marks
    first = next(iter(marks))
    assert (first.file, first.start, first.species) == (labelled.file, 0.1, "Genus_speciesb")
    assert verify(dataset) == []


def test_the_digest_counts_marks_only_where_there_are_any(raw, tmp_path):
    table = raven(tmp_path / "one" / "r0.txt", [(0, 0.2, "Genus_speciesa")])
    folder = raw / "Genus_speciesa"
    plain = prepare(Request(str(raw)), tmp_path / "plain")
    assert not (plain.folder / "annotations.csv").exists() and plain.annotations is None
    request = Request(str(raw), annotations=str(table.parent))
    with pytest.raises(UserError, match="none of the tables is about a recording"):
        prepare(request, tmp_path / "ambiguous")  # both species have an r0
    raven(tmp_path / "two" / folder.name / "r0.txt", [(0, 0.2, "Genus_speciesa")])
    request = Request(str(raw), annotations=str(tmp_path / "two"))
    marked = prepare(request, tmp_path / "marked")
    assert marked.digest != plain.digest
    assert marked.recordings == plain.recordings
    again = prepare(request, tmp_path / "again", workers=1)
    assert content(again.folder).keys() == content(marked.folder).keys()
    assert again.digest == marked.digest
    raven(tmp_path / "two" / folder.name / "r0.txt", [(0, 0.3, "Genus_speciesa")])
    with pytest.raises(UserError, match="holds another dataset"):
        prepare(request, tmp_path / "marked")


def test_whatever_is_wrong_with_marks_is_listed(raw, tmp_path):
    tables = tmp_path / "tables"
    raven(
        tables / "scape0.selections.txt",
        [
            (1, 2, "Genus_speciesa"),
            (1, 2, "Genus_speciesa"),
            (3, 9, "Genus_speciesb"),
            (8, 9, "Genus_speciesb"),
            (3, 2, "Genus_speciesb"),
            (-1, 2, "Genus_speciesb"),
            ("nan", 2, "Genus_speciesb"),
            (1, 2, "Great Tit"),
        ],
    )
    raven(
        tables / "scape0.Table.2.txt", [("2,5", "3,0", "Genus_speciesa"), (1, 2, "Genus speciesa")]
    )
    raven(tables / "nowhere.txt", [(0, 1, "Genus_speciesa")])
    raven(tables / "scape1.txt", [(0, 1, "Great Tit")])
    raven(tables / "Genus_speciesa" / "r1.txt", [])
    (tables / "notes.txt").write_text("dear diary\n")
    dataset = prepare(Request(str(raw), annotations=str(tables)), tmp_path / "made")
    assert rows_of(dataset)[1:] == [
        "soundscapes/test/scape0.wav,1,2,Genus_speciesa,500,4000",
        "soundscapes/test/scape0.wav,2.5,3,Genus_speciesa,500,4000",
        "soundscapes/test/scape0.wav,3,4,Genus_speciesb,500,4000",
    ]
    done = {(row[0], row[3]) for row in problems_of(dataset.folder)}
    scape = "soundscapes/test/scape0.wav"
    expected = {
        (scape, "left out: they stand twice"),
        (scape, "left out: they begin behind the end"),
        (scape, "cut at the end of the recording"),
        ("scape0.selections.txt: line 6", "left out: it ends before it starts"),
        ("scape0.selections.txt: line 7", "left out: it starts before the recording"),
        ("scape0.selections.txt: line 8", "left out: no time of start or end"),
        ("scape0.Table.2.txt", "decimal commas were read as points"),
        ("nowhere", "left out: there is no such recording"),
    }
    assert expected <= done
    listed = {row[2]: row[3] for row in problems_of(dataset.folder) if row[1] == "species"}
    assert listed == {
        "Great Tit": "left out: 2 marks name no species of the label set (say which it is with "
        "names=)"
    }
    assert any(row[0] == "notes.txt" for row in problems_of(dataset.folder))
    assert any(
        row[0] == "Genus_speciesa/r1.wav" and "not annotated through" in row[3]
        for row in problems_of(dataset.folder)
    )
    # of the unknown species it is known only that it sings: no recording of nothing
    assert {r.file: r.split for r in dataset.recordings}["soundscapes/test/scape1.wav"] == (
        "soundscapes_test"
    )


def test_without_labels_the_marks_make_the_label_set(tmp_path):
    raw = tmp_path / "raw"
    rows = []
    for number in range(8):
        audio_file(raw / f"s{number}.wav", number, seconds=3)
        rows.append(f"s{number}.wav,0,{1 + number % 2},Great Tit\n")
        rows.append(f"s{number}.wav,1,2.5,Wren\n")
    (tmp_path / "marks.csv").write_text("file,start,end,species\n" + "".join(rows))
    (tmp_path / "names.csv").write_text("name,species\nWren,Troglodytes troglodytes\n")
    request = Request(
        str(raw),
        annotations=str(tmp_path / "marks.csv"),
        names=str(tmp_path / "names.csv"),
        valid="0.25",
    )
    dataset = prepare(request, tmp_path / "made")
    assert dataset.classes == ("Great_Tit", "Troglodytes_troglodytes")
    assert dataset.species[1].latin_name == "Troglodytes troglodytes"
    assert {r.species for r in dataset.split("train")} == set(dataset.classes)
    assert len(dataset.annotations) == 16
    with pytest.raises(UserError, match="names and mark_columns are of annotations"):
        prepare(Request(str(raw), names="x.csv"), tmp_path / "other")


def test_a_recording_of_nothing_with_marks_is_one_of_something(tmp_path):
    raw = species_folders(tmp_path / "raw", species=1, each=4)
    audio_file(raw / "noise" / "wind.wav", 77, seconds=2)
    raven(tmp_path / "t" / "wind.txt", [(0, 1, "Genus_speciesa")])
    dataset = prepare(Request(str(raw), annotations=str(tmp_path / "t")), tmp_path / "made")
    (wind,) = (r for r in dataset.recordings if r.file.endswith("wind.wav"))
    assert (wind.species, wind.split.startswith("noise")) == ("Genus_speciesa", False)
    assert any("its label says that nothing sings" in row[3] for row in problems_of(dataset.folder))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gone.wav,0,1,Genus_speciesa,,", "no recording"),
        ("{},0,1,Nobody,,", "no species of the label set"),
        ("{},0,99,Genus_speciesa,,", "not within its 0.50 s"),
        ("{},0.3,0.2,Genus_speciesa,,", "not within"),
        ("{},nan,0.2,Genus_speciesa,,", "not within"),
        ("{},,0.2,Genus_speciesa,,", "could not convert"),
        ("{},0,0.2,Genus_speciesa,-5,", "Hz can't be"),
        ("{},0,0.2,Genus_speciesa", "4 values for 6 columns"),
    ],
)
def test_marks_that_were_changed_are_noticed(row, said, raw, tmp_path):
    name = "Genus_speciesa/r0"
    raven(
        tmp_path / "t" / f"{name}.txt", [(0, 0.2, "Genus_speciesa"), (0.3, 0.4, "Genus_speciesb")]
    )
    dataset = prepare(Request(str(raw), annotations=str(tmp_path / "t")), tmp_path / "made")
    path = dataset.folder / "annotations.csv"
    text = path.read_text()
    path.write_text(text + row.format(f"{name}.wav") + "\n")
    with pytest.raises(UserError, match=f"annotations.csv', line 4: .*{said}"):
        open_dataset(dataset.folder)
    path.write_text("".join(text.splitlines(keepends=True)[:-1]))
    assert "the digest differs" in verify(open_dataset(dataset.folder))[0]
    path.unlink()
    with pytest.raises(UserError, match="annotations.csv' is missing"):
        open_dataset(dataset.folder)


def test_marks_that_nobody_prepared_are_refused(raw, tmp_path):
    dataset = prepare(Request(str(raw)), tmp_path / "made")
    (dataset.folder / "annotations.csv").write_text("file,start,end,species,low,high\n")
    with pytest.raises(UserError, match="prepare it in a new folder with -P annotations="):
        open_dataset(dataset.folder)


def test_tables_may_lie_beside_the_audio(raw, tmp_path):
    raven(raw / "scape0.Table.1.selections.txt", [(0, 1, "Genus speciesb")])
    raven(raw / "Genus_speciesa" / "r2.Table.1.selections.txt", [(0, 0.25, "Genus speciesa")])
    dataset = prepare(Request(str(raw), annotations=str(raw)), tmp_path / "made")
    assert [line.split(",")[0] for line in rows_of(dataset)[1:]] == [
        "Genus_speciesa/r2.wav",
        "soundscapes/test/scape0.wav",
    ]
    assert np.array_equal(dataset.annotations.rows_of("soundscapes/test/scape0.wav"), slice(1, 2))
