"""Every layout is recognised, and read into the same recordings."""

import json

import pytest

from birdml.dataset import sources
from birdml.dataset.opening import open_dataset
from birdml.dataset.writing import verify
from birdml.errors import UserError
from birdml.prepare import Request, prepare
from tests.dataset.made_up import audio_file, problems_of, species_folders, table, xml


def page(folder, name, *entries):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"numPages": 1, "recordings": list(entries)}))


def entry(number, species="merula", **more):
    base = {"id": str(number), "gen": "Turdus", "sp": species, "rec": f"R{number}", "loc": "Wood"}
    place = {"lat": "51.5", "lng": "-0.25", "alt": "20", "date": "2020-05-01", "time": "06:30"}
    return base | place | {"also": [""]} | more


def birdclef(folder):
    """Each kind of recording once, with the litter and the folders of the archives."""
    for number, year, where in (
        (1, 2014, "TrainingSet"),
        (2, 2017, "data"),
        (3, 2015, "TrainingSet"),
    ):
        stem = f"LIFECLEF{year}_BIRDAMAZON_XC_WAV_RN{number}"
        xml(folder / where / "xml" / f"{stem}.xml", number, f"class{number}")
        audio_file(folder / where / "wav" / f"{stem}.wav", number, rate=44100)
        (folder / where / "xml" / f"._{stem}.xml").write_bytes(b"\0\1\2")
    for number, where in (
        (4, "BirdCLEF2018MonophoneTest"),
        (5, "val/data"),
        (6, "test"),
        (7, "BirdCLEF2018MonophoneTest"),
    ):
        stem = f"LIFECLEF2018_BIRD_XC_WAV_RN{number}"
        xml(folder / where / f"{stem}.xml", number, "")
        audio_file(folder / where / f"{stem}.wav", number)
    (folder / "BirdCLEF2018MonophoneTest" / f"{stem}.wav").write_bytes(b"")
    return folder


def test_birdclef2018(tmp_path):
    said = []
    source = birdclef(tmp_path / "raw")
    dataset = prepare(Request(str(source)), tmp_path / "dataset", say=said.append)
    assert "taken for birdclef2018, because" in said[0]
    splits = {r.file: r.split for r in dataset.recordings}
    assert splits == {
        "train/2014/LIFECLEF2014_BIRDAMAZON_XC_WAV_RN1.wav": "train",
        "train/2015/LIFECLEF2015_BIRDAMAZON_XC_WAV_RN3.wav": "train",
        "train/2017/LIFECLEF2017_BIRDAMAZON_XC_WAV_RN2.wav": "train",
        "test/2018/LIFECLEF2018_BIRD_XC_WAV_RN4.wav": "test",
        "test/2018/LIFECLEF2018_BIRD_XC_WAV_RN7.wav": "test",
        "soundscapes/val/LIFECLEF2018_BIRD_XC_WAV_RN5.wav": "soundscapes_val",
        "soundscapes/test/LIFECLEF2018_BIRD_XC_WAV_RN6.wav": "soundscapes_test",
    }
    assert [(s.class_id, s.editions) for s in dataset.species] == [
        ("class1", ("2014", "2015")),
        ("class2", ("2017",)),
        ("class3", ("2015",)),
    ]
    first = dataset.split("train")[0]
    assert (first.media_id, first.edition, first.time) == ("1", "2014", "07:30")
    assert (first.latitude, first.longitude, first.elevation) == (-3.5, -60.25, 100)
    broken = dataset.split("test")[1]
    assert broken.samples == 2205, "a broken test recording becomes 0.1 s of silence"
    assert any("silence" in done for *_, done in problems_of(dataset.folder))
    assert verify(dataset) == []


def test_birdclef2018_with_a_published_list(tmp_path):
    source = birdclef(tmp_path / "raw")
    listed = tmp_path / "valid.txt"
    listed.write_text("train/2017/LIFECLEF2017_BIRDAMAZON_XC_WAV_RN2.wav\nLIFECLEF2014_RN99.wav\n")
    dataset = prepare(Request(str(source), valid=str(listed)), tmp_path / "dataset")
    assert [r.media_id for r in dataset.split("valid")] == ["2"]
    assert len(dataset.split("train")) == 2
    assert ("LIFECLEF2014_RN99.wav", "split") in {row[:2] for row in problems_of(dataset.folder)}


def test_entity_bombs_and_broken_encoding(tmp_path):
    raw = tmp_path / "raw" / "TrainingSet"
    for number in range(4):
        xml(raw / f"LIFECLEF2014_X_RN{number}.xml", number)
    entities = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>'
    bomb = f"{entities}<Audio><ClassId>&c;</ClassId></Audio>"
    (raw / "LIFECLEF2014_X_RN1.xml").write_text(bomb)
    latin = (raw / "LIFECLEF2014_X_RN2.xml").read_text().replace("Camp", "Caño")
    (raw / "LIFECLEF2014_X_RN2.xml").write_bytes(latin.encode("latin-1"))
    (raw / "LIFECLEF2014_X_RN3.xml").write_bytes(b"\x89PNG\r\n" + bytes(range(256)))
    dataset = prepare(Request(str(tmp_path / "raw")), tmp_path / "dataset")
    assert {r.media_id for r in dataset.recordings} == {"0", "2"}
    done = {row[0]: row[3] for row in problems_of(dataset.folder)}
    assert "entities" in done["TrainingSet/LIFECLEF2014_X_RN1.xml"]
    assert done["TrainingSet/LIFECLEF2014_X_RN2.xml"] == "read as Latin-1"
    assert "left out" in done["TrainingSet/LIFECLEF2014_X_RN3.xml"]


def test_latin_names_are_voted_on(tmp_path):
    raw = tmp_path / "raw" / "TrainingSet"
    for number, (class_id, species) in enumerate(
        [("aa", "one")] * 3 + [("aa", "two"), ("bb", "two")]
    ):
        xml(raw / f"LIFECLEF2014_X_RN{number}.xml", number, class_id, species=species)
    xml(raw / "LIFECLEF2014_X_RN9.xml", 9, "bb", species="two", background="Genus one,Genus none")
    dataset = prepare(Request(str(tmp_path / "raw")), tmp_path / "dataset")
    assert [s.latin_name for s in dataset.species] == ["Genus one", "Genus two"]
    assert next(r for r in dataset.recordings if r.media_id == "9").background == ("aa",)
    rows = problems_of(dataset.folder)
    assert any(row[:3] == ("aa", "species", "Genus two") for row in rows)
    assert any(row[1:3] == ("background", "Genus none") for row in rows)


def test_xeno_canto_without_audio(tmp_path):
    licence = "//creativecommons.org/licenses/by/4.0/"
    more = {"also": ["Turdus pilaris", "Ara macao"], "lic": licence}
    page(
        tmp_path / "raw", "1.json", *(entry(n, "merula" if n % 2 else "pilaris") for n in range(8))
    )
    page(tmp_path / "raw", "2.json", entry(7), entry(9, **more), entry(10, "sp."), {"lon": 1})
    version3 = entry(11) | {"lon": "12.5"}
    del version3["lng"]
    page(tmp_path / "raw", "3.json", version3)
    (tmp_path / "raw" / "4.json").write_text("{broken")
    dataset = prepare(Request(str(tmp_path / "raw")), tmp_path / "dataset")
    by_name = {r.file: r for r in dataset.recordings}
    assert by_name.keys() == {f"XC{n}" for n in (*range(8), 9, 11)}
    assert dataset.classes == ("Turdus_merula", "Turdus_pilaris")
    assert by_name["XC9"].background == ("Turdus_pilaris",)
    assert by_name["XC11"].longitude == 12.5
    assert by_name["XC1"].time == "06:30" and not dataset.has_audio
    train = len(dataset.split("train"))
    assert by_name["XC9"].split == "train"
    assert dataset.made["licences"] == ["CC BY 4.0: 1", f"not said: {train - 1}"]
    done = {row[0] for row in problems_of(dataset.folder)}
    assert {"4.json", "XC10", "2.json", "2.json: XC9"} <= done


def test_xeno_canto_with_audio_in_any_folder(tmp_path):
    page(tmp_path / "raw", "1.json", *(entry(n) for n in (1, 12, 123)))
    audio_file(tmp_path / "sounds" / "a" / "b" / "XC12 - Blackbird.mp3", 1, seconds=1)
    audio_file(tmp_path / "sounds" / "XC123.wav", 2)
    audio_file(tmp_path / "sounds" / "XC9.wav", 3)
    request = Request(str(tmp_path / "raw"), "xeno-canto", str(tmp_path / "sounds"))
    dataset = prepare(request, tmp_path / "dataset")
    assert [r.file for r in dataset.recordings] == ["XC12.wav", "XC123.wav"]
    rows = problems_of(dataset.folder)
    assert {row[0] for row in rows} == {"1.json: XC1", "XC9.wav"}


def kaggle_rows():
    return [
        {
            "primary_label": label,
            "secondary_labels": "['blabir', 'other']" if label == "robin" else "[]",
            "latitude": 50 + i,
            "longitude": 10,
            "author": f"A{i}",
            "time": "7:15am",
            "filename": f"{label}/XC{100 + i}.ogg",
        }
        for i, label in enumerate(["robin", "robin", "blabir", "blabir", "robin"])
    ]


def test_kaggle_with_audio(tmp_path):
    rows = kaggle_rows()
    table(tmp_path / "raw" / "train_metadata.csv", rows)
    for i, row in enumerate(rows[:-1]):
        audio_file(tmp_path / "raw" / "train_audio" / row["filename"], i, rate=32000)
    dataset = prepare(Request(str(tmp_path / "raw")), tmp_path / "dataset")
    assert sorted(r.file for r in dataset.recordings) == [
        *("blabir/XC102.wav", "blabir/XC103.wav", "robin/XC100.wav", "robin/XC101.wav"),
    ]
    robin = next(r for r in dataset.recordings if r.species == "robin")
    assert robin.background == ("blabir",) and robin.time == "07:15" and robin.latitude == 50
    assert dataset.classes == ("blabir", "robin")


def test_kaggle_without_audio(tmp_path):
    said = "Creative Commons Attribution-NonCommercial-ShareAlike 3.0"
    rows = [row | {"license": said} for row in kaggle_rows()]
    path = table(tmp_path / "raw" / "some.csv", rows)
    dataset = prepare(Request(str(path)), tmp_path / "dataset")
    assert dataset.made["licences"] == [f"CC BY-NC-SA 3.0: {len(dataset.split('train'))}"]
    assert len(dataset.recordings) == 5 and not dataset.has_audio
    assert dataset.recordings[0].file == "blabir/XC102"


def test_a_table_of_ones_own(tmp_path):
    rows = [
        {"Bird": f"b{i % 2}", "wo": "48,5", "longitute": "11.5", "tape": f"t{i}.wav"}
        for i in range(6)
    ]
    table(tmp_path / "raw" / "mine.csv", rows)
    for i in range(6):
        audio_file(tmp_path / "audio" / "deep" / f"t{i}.wav", i)
    columns = "class_id=Bird, latitude=wo, file=tape"
    request = Request(str(tmp_path / "raw"), "kaggle", str(tmp_path / "audio"), columns=columns)
    dataset = prepare(request, tmp_path / "dataset")
    assert len(dataset.recordings) == 6 and dataset.classes == ("b0", "b1")
    assert {(r.latitude, r.longitude) for r in dataset.recordings} == {(48.5, 11.5)}
    wrong = Request(str(tmp_path / "raw"), "kaggle", columns="latitude=nowhere")
    with pytest.raises(UserError, match="no 'nowhere'; it has Bird"):
        prepare(wrong, tmp_path / "other")
    with pytest.raises(UserError, match="none of class_id"):
        prepare(Request(str(tmp_path / "raw"), "kaggle", columns="x=Bird"), tmp_path / "other")


def test_names_from_a_table_stay_inside_the_dataset(tmp_path):
    rows = [{"label": "../../up", "filename": "../../../evil.wav"}] * 2
    path = table(tmp_path / "raw" / "t.csv", rows)
    dataset = prepare(Request(str(path)), tmp_path / "dataset")
    assert {r.file.count("/") for r in dataset.recordings} == {1}
    assert not any(".." in part for r in dataset.recordings for part in r.file.split("/"))


def test_folders(tmp_path):
    source = species_folders(tmp_path / "raw", species=2, each=4)
    audio_file(source / "NoClass" / "wind.wav", 77)
    audio_file(source / "REC_20190522_004500.wav", 78)
    dataset = prepare(Request(str(source)), tmp_path / "dataset")
    assert dataset.classes == ("Genus_speciesa", "Genus_speciesb")
    assert dataset.species[0].latin_name == "Genus speciesa"
    (scape,) = dataset.split("soundscapes_test")
    assert (scape.date, scape.time, scape.species) == ("2019-05-22", "00:45", "")
    assert len(dataset.split("train")) + len(dataset.split("valid")) == 8
    (wind,) = dataset.split("noise_train")  # in which nothing sings
    assert (wind.file, wind.species) == ("NoClass/wind.wav", "")
    assert [row[0] for row in problems_of(dataset.folder)] == ["recordings of nothing"]


def test_a_folder_of_the_2018_system_is_imported_as_it_is(tmp_path):
    old = tmp_path / "old"
    for i in range(4):
        audio_file(old / "audio" / "train" / "2014" / f"LIFECLEF2014_X_RN{i}.wav", i)
    names = [f"train/2014/LIFECLEF2014_X_RN{i}.wav" for i in range(4)]
    (old / "filelists").mkdir()
    (old / "filelists" / "train").write_text("\n".join(names[:3]) + "\n")
    (old / "filelists" / "valid").write_text(names[3] + "\n")
    (old / "labels").mkdir()
    (old / "labels" / "labelset").write_text("aa\nbb\ncc\n")
    (old / "labels" / "labelset_2014").write_text("aa\nbb\n")
    (old / "labels" / "fg.tsv").write_text("".join(f"{n}\t{i % 2}\n" for i, n in enumerate(names)))
    (old / "labels" / "bg.tsv").write_text(f"{names[0]}\t1,2\n{names[1]}\t\n")
    (old / "labels" / "meta.tsv").write_text(f"{names[0]}\t2012-05-06\t7:30:00\t-3\t\t0-600\n")
    opened = open_dataset(old)
    imported = prepare(Request(str(old)), tmp_path / "new")
    assert opened.recordings == imported.recordings and opened.species == imported.species
    first = imported.recordings[0]
    assert (first.species, first.background, first.samples) == ("aa", ("bb", "cc"), 11025)
    assert (first.date, first.time, first.elevation) == ("2012-05-06", "07:30", 600)
    assert [r.species for r in imported.split("valid")] == ["bb"]
    assert imported.species[2].editions == () and imported.classes == ("aa", "bb", "cc")
    wav = "audio/" + names[0]
    assert (old / wav).stat().st_ino == (tmp_path / "new" / wav).stat().st_ino
    assert verify(imported) == []
    (old / wav).unlink()
    with pytest.raises(UserError, match="RN0"):
        open_dataset(old)


def test_what_is_no_layout_is_refused(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "notes.txt").write_text("nothing")
    (tmp_path / "raw" / "sums.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="no known layout"):
        sources.recognise(tmp_path / "raw")
    with pytest.raises(UserError, match="there is no source"):
        sources.recognise(tmp_path / "none")
    with pytest.raises(UserError, match="layout 'tape' is unknown"):
        prepare(Request(str(tmp_path / "raw"), layout="tape"), tmp_path / "dataset")
    assert not (tmp_path / "dataset").exists()
