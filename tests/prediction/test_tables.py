"""Each form of table, whole, of the same two recordings; and read back by others."""

# ruff: noqa: E501  (golden tables are as wide as they are)

import csv
import io
from dataclasses import replace

import pytest

from birdml.calibration.events import Event
from birdml.dataset.recording import Species
from birdml.prediction.tables import FORMATS, FORMS, write
from birdml.prediction.tables.rows import Made, NamedRecording, Part, common_name, moment

MADE = Made(
    "audio1",
    "3",
    (
        Species("turphi", "Turdus philomelos"),
        Species("Great_Tit", "Parus major"),
        Species("x3"),
        Species("Pájaro_Azul", "Avis caerulea"),
    ),
)
FIRST = NamedRecording(
    "site 1/20230512_235900.wav",
    "site 1/20230512_235900.wav",
    "/home/ada/birds/site 1/20230512_235900.wav",
    "2023-05-12",
    "23:59",
    48000,
)
SECOND = NamedRecording("b, c.flac", "b, c.flac", "/home/ada/birds/b, c.flac", rate=8000)
DETECTIONS = {
    FIRST: [Event(0.0, 5.0, 1, 0.75, 1, 2.5), Event(60.0, 67.25, 0, 0.5, 2, -1.25, 3)],
    SECOND: [Event(5.0, 10.0, 2, 0.123456, 1, 0.0)],
}
PARTS = [Part(SECOND.name, 12.5), Part(FIRST.name, 120.0)]


@pytest.fixture
def out(tmp_path):
    """A folder of results with all tables of both recordings."""
    for form in FORMATS:
        for sound, detections in DETECTIONS.items():
            write(form, tmp_path, detections, sound, MADE)
        FORMS[form].join(tmp_path, PARTS)
    return tmp_path


OURS = """\
file,start,end,species,latin_name,score,rank,common_name,logit,windows,date,time,model,version
"b, c.flac",5.000,10.000,x3,,0.123456,1,,0.0000,1,,,audio1,3
site 1/20230512_235900.wav,0.000,5.000,Great_Tit,Parus major,0.750000,1,Great Tit,2.5000,1,2023-05-12,23:59,audio1,3
site 1/20230512_235900.wav,60.000,67.250,turphi,Turdus philomelos,0.500000,2,,-1.2500,3,2023-05-13,00:00,audio1,3
"""
KALEIDOSCOPE = """\
INDIR,FOLDER,IN FILE,OFFSET,DURATION,DATE,TIME,scientific_name,common_name,confidence
/home/ada/birds,,"b, c.flac",5.000,5.000,,,x3,x3,0.1235
/home/ada/birds,site 1,20230512_235900.wav,0.000,5.000,2023-05-12,23:59,Parus major,Great Tit,0.7500
/home/ada/birds,site 1,20230512_235900.wav,60.000,7.250,2023-05-13,00:00,Turdus philomelos,Turdus philomelos,0.5000
"""
BIRDNET = """\
Start (s),End (s),Scientific name,Common name,Confidence,File
5.0,10.0,x3,x3,0.1235,"/home/ada/birds/b, c.flac"
0.0,5.0,Parus major,Great Tit,0.7500,/home/ada/birds/site 1/20230512_235900.wav
60.0,67.2,Turdus philomelos,Turdus philomelos,0.5000,/home/ada/birds/site 1/20230512_235900.wav
"""
RAVEN = """\
Selection|View|Channel|Begin Time (s)|End Time (s)|Low Freq (Hz)|High Freq (Hz)|Begin File|Species|Class|Score|Rank|Common Name|Begin Path|File Offset (s)
1|Spectrogram 1|1|5.000|10.000|0.0|4000.0|b, c.flac|x3|x3|0.1235|1||/home/ada/birds/b, c.flac|5.000
2|Spectrogram 1|1|12.500|17.500|0.0|24000.0|20230512_235900.wav|Parus major|Great_Tit|0.7500|1|Great Tit|/home/ada/birds/site 1/20230512_235900.wav|0.000
3|Spectrogram 1|1|72.500|79.750|0.0|24000.0|20230512_235900.wav|Turdus philomelos|turphi|0.5000|2||/home/ada/birds/site 1/20230512_235900.wav|60.000
"""
ONE_RAVEN = """\
Selection|View|Channel|Begin Time (s)|End Time (s)|Low Freq (Hz)|High Freq (Hz)|Begin File|Species|Class|Score|Rank|Common Name|Begin Path|File Offset (s)
1|Spectrogram 1|1|0.000|5.000|0.0|24000.0|20230512_235900.wav|Parus major|Great_Tit|0.7500|1|Great Tit|/home/ada/birds/site 1/20230512_235900.wav|0.000
2|Spectrogram 1|1|60.000|67.250|0.0|24000.0|20230512_235900.wav|Turdus philomelos|turphi|0.5000|2||/home/ada/birds/site 1/20230512_235900.wav|60.000
"""
AUDACITY = "0.000000\t5.000000\tParus major 0.75\n60.000000\t67.250000\tTurdus philomelos 0.50\n"
GOLDEN = {
    "predictions.csv": OURS,
    "predictions.kaleidoscope.csv": KALEIDOSCOPE,
    "BirdNET_CombinedTable.csv": BIRDNET,
    "predictions.selections.txt": RAVEN.replace("|", "\t"),
    "site 1/20230512_235900.wav.selections.txt": ONE_RAVEN.replace("|", "\t"),
    "site 1/20230512_235900.wav.labels.txt": AUDACITY,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_tables(out, name):
    assert (out / name).read_bytes().decode() == GOLDEN[name]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "audacity"])
def test_a_given_common_name_goes_before_that_of_the_class_id(tmp_path, form):
    from pyarrow.parquet import read_table

    named = replace(MADE, common=("Singdrossel", "Kohlmeise", "", ""))
    write(form, tmp_path, DETECTIONS[FIRST], FIRST, named)
    path = tmp_path / FORMS[form].place(FIRST.name, FIRST.date)
    if form == "parquet":
        assert read_table(path)["common_name"].to_pylist() == ["Kohlmeise", "Singdrossel"]
    else:
        text = path.read_text()
        assert "Kohlmeise" in text and "Singdrossel" in text and "Great Tit" not in text


def test_names_that_are_given_are_a_setting_and_others_are_as_before():
    named = replace(MADE, common=("Singdrossel", "Kohlmeise", "", ""))
    assert named.common_name(3) == "Pájaro Azul" and named.common_name(2) == ""
    assert named.settings != replace(named, common=("a", "", "", "")).settings
    assert not MADE.settings


@pytest.mark.parametrize("form", ["csv", "kaleidoscope", "birdnet"])
def test_the_table_of_a_recording_has_its_rows_of_the_whole(out, form):
    own = (out / FORMS[form].place(FIRST.name, FIRST.date)).read_text().splitlines()
    whole = (out / FORMS[form].WHOLE).read_text().splitlines()
    assert own == [whole[0], *whole[2:]]


def test_parquet_is_one_dataset_with_the_model_in_its_schema(out):
    import pyarrow.dataset

    found = pyarrow.dataset.dataset(out / "predictions.parquet", partitioning="hive")
    rows = sorted(found.to_table().to_pylist(), key=lambda row: (row["file"], row["start"]))
    expected = list(csv.DictReader(io.StringIO(OURS)))
    assert len(rows) == 3
    for row, text in zip(rows, expected):
        for name, value in text.items():
            if isinstance(row[name], str):
                assert row[name] == value
            else:
                assert row[name] == pytest.approx(float(value), abs=1e-6)
    assert [row["recorded"] for row in rows] == ["unknown", "2023-05-12", "2023-05-12"]
    assert found.schema.metadata[b"birdml.model"] == b"audio1"
    assert found.schema.metadata[b"birdml.version"] == b"3"


def test_what_is_gone_leaves_no_rows(out):
    import pyarrow.dataset

    (out / "b, c.flac.csv").unlink()
    FORMS["csv"].join(out, PARTS)
    assert (out / "predictions.csv").read_text().count("\n") == 3
    FORMS["parquet"].join(out, PARTS[1:])
    found = pyarrow.dataset.dataset(out / "predictions.parquet", partitioning="hive")
    assert found.count_rows() == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_recording_of_nothing_has_a_table_without_rows(tmp_path, form):
    write(form, tmp_path, [], SECOND, MADE)
    FORMS[form].join(tmp_path, PARTS[:1])
    assert (tmp_path / FORMS[form].place(SECOND.name, "")).exists()


@pytest.mark.parametrize("form", ["csv", "kaleidoscope", "birdnet"])
def test_accents_are_right_in_excel_and_plain_tables_have_no_mark(tmp_path, form):
    """Excel takes a CSV for UTF-8 where it begins with a byte order mark."""
    for sound, label in ((FIRST, 3), (SECOND, 0)):
        write(form, tmp_path, [Event(0, 5, label, 0.5, 1, 0.0)], sound, MADE)
    FORMS[form].join(tmp_path, PARTS)
    marked = (tmp_path / FORMS[form].WHOLE).read_bytes()
    assert marked.startswith(b"\xef\xbb\xbf") and marked.count(b"\xef\xbb\xbf") == 1
    assert "Pájaro Azul" in marked.decode("utf-8-sig")
    plain = (tmp_path / FORMS[form].place(SECOND.name, "")).read_bytes()
    assert not plain.startswith(b"\xef\xbb\xbf")


def test_raven_s_table_of_a_folder_is_read_by_others(out):
    crowsetta = pytest.importorskip("crowsetta")
    path = out / "predictions.selections.txt"
    boxes = crowsetta.formats.bbox.Raven.from_file(path, annot_col="Species").to_bbox()
    assert [(box.onset, box.offset, box.label) for box in boxes] == [
        (5.0, 10.0, "x3"),
        (12.5, 17.5, "Parus major"),
        (72.5, 79.75, "Turdus philomelos"),
    ]
    assert [box.high_freq for box in boxes] == [4000, 24000, 24000]


def test_a_tab_in_a_name_does_not_make_two_cells(tmp_path):
    sound = NamedRecording("a\tb\n.wav", "a\tb\n.wav", "/x/a\tb\n.wav")
    content = FORMS["raven"].content([Event(0, 5, 0, 0.5, 1, 0.0)], sound, MADE).decode()
    header, row = content.splitlines()
    assert len(header.split("\t")) == len(row.split("\t"))


def test_common_names_are_those_that_are_known():
    def known(class_id, latin="Parus major"):
        return common_name(Species(class_id, latin))

    assert known("Great_Tit") == known("Great Tit") == "Great Tit"
    assert known("Swinhoe's-Snipe") == "Swinhoe's-Snipe"
    assert not any(map(known, ("gretit1", "Parus_major", "Cyanistes caeruleus", "GT", "sp 1")))
    assert known("Great Tit", "") == ""


def test_the_time_of_day_goes_on_over_midnight():
    assert moment(FIRST, 59.9) == ("2023-05-12", "23:59")
    assert moment(FIRST, 60) == ("2023-05-13", "00:00")
    assert moment(NamedRecording("a", "a", "a", "2023-05-12"), 99) == ("2023-05-12", "")
    assert moment(NamedRecording("a", "a", "a", "", "05:30:30"), 30) == ("", "05:31")
    assert moment(NamedRecording("a", "a", "a"), 30) == ("", "")
    assert moment(NamedRecording("a", "a", "a", "9999-12-31", "23:59"), 99) == ("9999-12-31", "")
