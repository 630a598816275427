"""When and where recordings were made: names, headers, tables, zones."""

import struct

import numpy as np
import pytest
import soundfile

from birdml.dataset.circumstances import Tables, read_tables
from birdml.dataset.headers import read_header
from birdml.errors import UserError


def wav(path, **chunks):
    """A WAV file with chunks behind its sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(2205, np.int16), 22050, subtype="PCM_16")
    content = path.read_bytes()
    for name, text in chunks.items():
        data = text if isinstance(text, bytes) else text.encode()
        content += struct.pack("<4sI", name.encode(), len(data)) + data + b"\0" * (len(data) % 2)
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    return path


def wamd(**fields):
    numbers = {"time": 5, "place": 6}
    return b"".join(struct.pack("<HI", numbers[k], len(v)) + v.encode() for k, v in fields.items())


def comment(text):
    return b"INFOICMT" + struct.pack("<I", len(text)) + text.encode()


GUANO = "GUANO|Version: 1.0\nTimestamp: 2023-05-12T05:30:07+02:00\nLoc Position: 48.2 16.37\n"
MOTH = "Recorded at 05:30:07 12/05/2023 (UTC{}) by AudioMoth 24F3190361DA5C4B at medium gain"


@pytest.mark.parametrize(
    ("chunks", "offset"),
    [
        ({"guan": GUANO}, 120),
        ({"wamd": wamd(time="2023-05-12 05:30:07-05:00")}, -300),
        ({"wamd": wamd(time="2023-05-12 05:30:07.000")}, None),
        ({"LIST": comment(MOTH.format(""))}, 0),
        ({"LIST": comment(MOTH.format("+5:30"))}, 330),
        ({"LIST": comment(MOTH.format("-3"))}, -180),
    ],
)
def test_headers_tell_when(tmp_path, chunks, offset):
    recorded = read_header(wav(tmp_path / "a.wav", **chunks)).recorded
    assert recorded.moment.isoformat() == "2023-05-12T05:30:07" and recorded.offset == offset


@pytest.mark.parametrize(
    ("chunks", "place"),
    [
        ({"guan": GUANO + "Loc Elevation: 171"}, (48.2, 16.37, 171)),
        ({"wamd": wamd(place="WGS84,33.5,S,70.6,W,540")}, (-33.5, -70.6, 540)),
        ({"wamd": wamd(place="WGS84, -33.5, 70.6")}, (-33.5, 70.6, None)),
        ({"guan": "Loc Position: 0 0"}, (None, None, None)),
        ({"guan": "Loc Position: 91 0"}, (None, None, None)),
    ],
)
def test_headers_tell_where(tmp_path, chunks, place):
    header = read_header(wav(tmp_path / "a.wav", **chunks))
    assert (header.latitude, header.longitude, header.elevation) == place


def test_what_tells_nothing_is_nothing(tmp_path):
    unset = read_header(wav(tmp_path / "a.wav", guan="Timestamp: 1970-01-01T00:00:00"))
    assert unset.recorded.date == "" and "not set" in unset.recorded.remark
    (tmp_path / "b.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVEguan\xff\xff\xff\xff")
    (tmp_path / "c.wav").write_bytes(b"")
    for name in ("b.wav", "c.wav", "none.wav"):
        assert read_header(tmp_path / name).latitude is None


def table(path, text):
    path.write_text(text)
    return path


SITES = "site,latitude,longitude,elevation,name\nA1,48,16,200,Meadow\n*_B*.wav,47,15,,\n"


def test_sites_are_folders_names_and_patterns(tmp_path):
    tables = read_tables(str(table(tmp_path / "s.csv", SITES)))
    for file, name in (
        ("north/A1/x.wav", "Meadow"),
        ("A1_20230512_053000.wav", "Meadow"),
        ("a1.wav", "Meadow"),
        ("x_B7.wav", "*_B*.wav"),
    ):
        assert tables.of(file, tmp_path / file).site == name
    assert tables.of("A10/x.wav", tmp_path / "x").remarks == ("no site matches",)
    two = tables.of("A1/x_B.wav", tmp_path / "x")
    assert two.latitude is None and "several sites match (*_B*.wav, Meadow)" in two.remarks[0]
    assert tables.sites.unmatched == []


def test_sites_that_no_file_is_of_are_known(tmp_path):
    tables = read_tables(str(table(tmp_path / "s.csv", SITES)))
    tables.about("A1/x.wav")
    assert tables.sites.unmatched == ["*_B*.wav"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site,latitude,longitude\nA,,\nB,95,3\n", "line 2: 'A' has no lat.*line 3: latitude '95'"),
        ("site,latitude,longitude\nA,1,2\na,1,3\n", "line 3: 'a' stands in line 2"),
        ("site,latitude,longitude\n", "names no site"),
        ("site,latitude\nA,1\n", "no column longitude"),
    ],
)
def test_bad_tables_of_sites_are_refused_whole(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read_tables(str(table(tmp_path / "s.csv", text)))


def test_a_table_of_files_wins(tmp_path):
    rows = "file,date,time,latitude,longitude,site\nA1/x.wav,2023-06-01,04:00,1,2,Bog\n"
    tables = read_tables(
        str(table(tmp_path / "s.csv", SITES)), str(table(tmp_path / "m.csv", rows))
    )
    found = tables.of("A1/x.wav", wav(tmp_path / "A1" / "x.wav", guan=GUANO))
    assert (found.date, found.time, found.latitude, found.site) == ("2023-06-01", "04:00", 1, "Bog")
    assert tables.about("A1/x.wav") != read_tables(str(tmp_path / "s.csv")).about("A1/x.wav")
    with pytest.raises(UserError, match="line 2: date 'May' can't be read"):
        read_tables("", str(table(tmp_path / "bad.csv", "file,date\na.wav,May\n")))


@pytest.mark.parametrize(
    ("name", "chunks", "timezone", "time", "begin"),
    [
        ("20230512_033000", {}, "", "03:30", "2023-05-12T03:30:00"),
        ("20230512_033000", {}, "Europe/Vienna", "03:30", "2023-05-12T03:30:00+02:00"),
        ("20230512_033000", {}, "UTC,Europe/Vienna", "05:30", "2023-05-12T05:30:00+02:00"),
        ("20230512_233000Z", {}, "+02:00", "01:30", "2023-05-13T01:30:00+02:00"),
        ("20230512_053007", {"guan": GUANO}, "UTC", "03:30", "2023-05-12T03:30:07+00:00"),
        ("song", {"guan": GUANO}, "", "05:30", "2023-05-12T05:30:07+02:00"),
        ("20230101_053007", {"guan": GUANO}, "", "05:30", "2023-01-01T05:30:07"),
    ],
)
def test_clocks_are_brought_to_the_zone_of_the_place(tmp_path, name, chunks, timezone, time, begin):
    path = wav(tmp_path / f"{name}.wav", **chunks)
    found = read_tables("", "", timezone).of(path.name, path)
    assert (found.time, found.begin.isoformat()) == (time, begin)
    assert bool(found.remarks) == (name == "20230101_053007")


@pytest.mark.parametrize("timezone", ["Vienna", "UTC,a,b", "+25:00"])
def test_zones_that_are_none(timezone):
    with pytest.raises(UserError, match="timezone"):
        read_tables("", "", timezone)


def test_a_clock_of_1970_is_a_remark(tmp_path):
    found = Tables().of("19700101_000000.wav", tmp_path / "x")
    assert found.date == "" and found.remarks == ("the clock of the recorder was not set",)
