import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdml.annotations.marks import Mark
from birdml.annotations.reading import read_marks
from birdml.dataset.sources.rows import cells_of
from birdml.errors import UserError

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
NAN = float("nan")


def read(tmp_path, text, name="rec.csv", columns=""):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_marks(path, columns)


def short(reading):
    return [(m.file, m.start, m.end, m.species) for m in reading.marks]


def test_raven_with_both_views_and_any_columns(tmp_path):
    got = read(
        tmp_path,
        f"{RAVEN}\tSpecies\tNotes\n"
        "1\tWaveform 1\t1\t1.5\t2.5\t100\t8000\tTurdus merula\tx\n"
        "1\tSpectrogram 1\t1\t1.5\t2.5\t100\t8000\tTurdus merula\tx\n"
        "2\tSpectrogram 1\t1\t3\t4\t200\t900\tPica pica\t\n",
        "rec.1.Table.1.selections.txt",
    )
    assert [(m.file, m.start, m.end, m.species, m.low, m.high) for m in got.marks] == [
        ("rec.1", 1.5, 2.5, "Turdus merula", 100, 8000),
        ("rec.1", 3, 4, "Pica pica", 200, 900),
    ]
    assert got.problems == []


def test_raven_of_several_files_counts_from_the_file(tmp_path):
    head = f"{RAVEN}\tBegin File\tFile Offset (s)\tAnnotation\n"
    rows = "1\tS\t1\t61\t63\t0\t9\ta.wav\t61\tx y\n2\tS\t1\t130\t131\t0\t9\tb.wav\t10\tx y\n"
    got = read(tmp_path, head + rows, "all.selections.txt")
    assert short(got) == [("a.wav", 61, 63, "x y"), ("b.wav", 10, 11, "x y")]


def test_raven_of_several_files_without_their_offset_is_refused(tmp_path):
    head = f"{RAVEN}\tBegin File\tSpecies\n"
    rows = "1\tS\t1\t61\t63\t0\t9\ta.wav\tx y\n2\tS\t1\t130\t131\t0\t9\tb.wav\tx y\n"
    with pytest.raises(UserError, match="File Offset"):
        read(tmp_path, head + rows, "all.selections.txt")


def test_raven_without_any_selection_means_that_nothing_is_there(tmp_path):
    got = read(tmp_path, f"{RAVEN}\tSpecies\n", "quiet.selections.txt")
    assert len(got.marks) == 0 and got.marks.files == ("quiet",)


def test_a_raven_column_of_another_name_is_named(tmp_path):
    text = f"{RAVEN}\tWhat\n1\tS\t1\t1\t2\t0\t9\tx y\n"
    with pytest.raises(UserError, match=r"lacks a species .*What.*columns="):
        read(tmp_path, text, "a.txt")
    assert short(read(tmp_path, text, "a.txt", "species=What")) == [("a", 1, 2, "x y")]


def test_audacity_with_and_without_frequencies(tmp_path):
    text = "0.5\t1.5\tTurdus merula\n\\\t1000.0\t4000.5\n2\t3\tPica pica\n\\\t-1\t-1\n4\t4\tx\n"
    got = read(tmp_path, text, "rec.labels.txt")
    rows = [(m.start, m.end, m.species, m.low, m.high) for m in got.marks]
    assert rows[0] == (0.5, 1.5, "Turdus merula", 1000.0, 4000.5)
    assert rows[1][:3] == (2, 3, "Pica pica") and np.isnan(rows[1][3:]).all()
    assert rows[2][:3] == (4, 4, "x")
    assert got.marks.files == ("rec",)


def test_audacity_of_predict_has_its_scores(tmp_path):
    got = read(tmp_path, "0\t5\tTurdus merula 0.75\n5\t10\tPica pica 0.50\n", "rec.labels.txt")
    assert [(m.species, m.score) for m in got.marks] == [
        ("Turdus merula", 0.75),
        ("Pica pica", 0.5),
    ]


def test_audacity_lines_that_are_none_are_listed(tmp_path):
    got = read(tmp_path, "1\t2\ta b\n3\t2\tc d\nwhat\n-1\t2\te f\n1\t2\t\n", "rec.txt")
    assert short(got) == [("rec", 1, 2, "a b")]
    assert [p.file for p in got.problems] == [f"rec.txt: line {n}" for n in (3, 2, 4, 5)]


BIRDNET_RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"
    "Common Name\tSpecies Code\tConfidence\tBegin Path\tFile Offset (s)\n"
    "1\tSpectrogram 1\t1\t103\t106\t0\t15000\tGreat Tit\tgretit1\t0.8\t/x/b.wav\t3\n"
)
FORMS = {
    "BirdNET csv": (
        "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
        "3.0,6.0,Parus major,Great Tit,0.8,/x/b.wav\n",
        ("/x/b.wav", 3, 6, ("Parus major", "Great Tit"), 0.8),
    ),
    "BirdNET of one file, BirdNET-Go": (
        "Start (s),End (s),Scientific name,Common name,Confidence\n"
        "3.0,6.0,Parus major,Great Tit,0.8\n",
        ("rec", 3, 6, ("Parus major", "Great Tit"), 0.8),
    ),
    "BirdNET Raven": (BIRDNET_RAVEN, ("/x/b.wav", 3, 6, ("gretit1", "Great Tit"), 0.8)),
    "BirdNET Kaleidoscope": (
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence,lat,lon\n"
        "/x,y,b.wav,3.0,3.0,Parus major,Great Tit,0.8,-1,-1\n",
        ("/x/y/b.wav", 3, 6, ("Parus major", "Great Tit"), 0.8),
    ),
    "BirdNET R": (
        "filepath,start,end,scientific_name,common_name,confidence,lat,lon,week,overlap\n"
        "/x/b.wav,3,6,Parus major,Great Tit,0.8,-1,-1,-1,0\n",
        ("/x/b.wav", 3, 6, ("Parus major", "Great Tit"), 0.8),
    ),
    "predict": (
        "file,start,end,species,latin_name,score,rank\n"
        "b.wav,3.000,6.000,gretit1,Parus major,0.800000,1\n",
        ("b.wav", 3, 6, ("Parus major", "gretit1"), 0.8),
    ),
    "strong labels": (
        "Filename,Start Time (s),End Time (s),Low Freq (Hz),High Freq (Hz),Species eBird Code\n"
        "b.flac,3,6,100,200,gretit1\n",
        ("b.flac", 3, 6, ("gretit1",), NAN),
    ),
    "Kaggle strong labels": (
        "filename,t_min,t_max,f_min,f_max,ebird_code\nb.ogg,3,6,100,200,gretit1\n",
        ("b.ogg", 3, 6, ("gretit1",), NAN),
    ),
    "Kaggle soundscapes": (
        "filename,start,end,primary_label\nb.ogg,00:00:03,00:00:06,gretit1\n",
        ("b.ogg", 3, 6, ("gretit1",), NAN),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_tables_of_every_tool(tmp_path, form):
    text, (file, start, end, names, score) = FORMS[form]
    suffix = "txt" if "\t" in text else "csv"
    got = read(tmp_path, text, f"rec.BirdNET.results.{suffix}")
    (mark,) = got.marks
    assert (mark.file, mark.start, mark.end) == (file, start, end)
    assert got.marks.names == (names,)
    assert mark.score == pytest.approx(score, nan_ok=True)


def test_rows_of_kaggle_with_several_birds_and_none(tmp_path):
    text = (
        "row_id,site,audio_id,seconds,birds\n"
        "12_COR_5,COR,12,5,amecro bkcchi\n12_COR_10,COR,12,10,nocall\n13_SSW_5,SSW,13,5,nocall\n"
    )
    got = read(tmp_path, text)
    assert short(got) == [("12_COR", 0, 5, "amecro"), ("12_COR", 0, 5, "bkcchi")]
    assert got.marks.files == ("12_COR", "13_SSW")
    text = "filename,start,end,primary_label\nb.ogg,0,5,22961;gretit1\nb.ogg,5,10,\n"
    got = read(tmp_path, text)
    assert short(got) == [("b.ogg", 0, 5, "22961"), ("b.ogg", 0, 5, "gretit1")]
    assert [p.done for p in got.problems] == ["left out: no species"]


def test_a_column_for_every_species(tmp_path):
    text = "file,start_time,end_time,Parus major,pica\na.wav,0,3,0.25,-1.5\na.wav,3,6,2.0,0.125\n"
    got = read(tmp_path, text)
    assert [(m.start, m.species, m.score) for m in got.marks] == [
        (0, "Parus major", 0.25),
        (0, "pica", -1.5),
        (3, "Parus major", 2.0),
        (3, "pica", 0.125),
    ]
    assert got.every
    got = read(tmp_path, "row_id,parus,pica\na_b_5,0.25,0.5\n")
    assert short(got) == [("a_b", 0, 5, "parus"), ("a_b", 0, 5, "pica")]
    got = read(tmp_path, "file,start_time,end_time,parus,pica\na.wav,0,3,0,1\na.wav,3,6,0,0\n")
    assert short(got) == [("a.wav", 0, 3, "pica")] and not got.every


def test_a_missing_score_in_a_column_of_species_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"line 52: no score of 'pica'"):
        rows = "".join(f"a.wav,{i},{i + 1},0.5,0.5\n" for i in range(50))
        read(tmp_path, f"file,start_time,end_time,parus,pica\n{rows}a.wav,50,51,0.5,\n")


def test_rows_that_can_be_no_marks_are_listed_by_line(tmp_path):
    got = read(
        tmp_path,
        "file;start;end;species\na.wav;1,5;2,5;x y\na.wav;3;2;x y\na.wav;-1;2;x y\n"
        "a.wav;NaN;2;x y\na.wav;inf;2;x y\na.wav;one;2;x y\na.wav;1;2;\na.wav;1;2\n",
    )
    assert short(got) == [("a.wav", 1.5, 2.5, "x y")]
    said = {p.file.removeprefix("rec.csv").strip(": line"): p.done for p in got.problems}
    assert said[""] == "decimal commas were read as points"
    assert said["3"] == "left out: it ends before it starts"
    assert said["4"] == "left out: it starts before the recording"
    assert said["5"] == said["6"] == "left out: no time of start or end"
    assert "7" in said
    assert said["8"] == "left out: no species"
    assert said["9"] == "left out: 3 values for 4 columns"


def test_a_folder_is_read_with_its_folders_as_sites(tmp_path):
    for site in ("north", "south"):
        path = tmp_path / site / "rec.selections.txt"
        path.parent.mkdir()
        path.write_text(f"{RAVEN}\tSpecies\n1\tS\t1\t1\t2\t0\t9\tx y\n")
    (tmp_path / "south" / "rec.wav").write_bytes(b"RIFF")
    got = read_marks(tmp_path)
    assert got.tables == 2
    assert got.marks.files == ("north/rec", "south/rec")
    assert [m.file for m in got.marks] == ["north/rec", "south/rec"]


def test_all_tables_that_cannot_be_read_are_named_at_once(tmp_path):
    (tmp_path / "a.txt").write_text("hello\n")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    (tmp_path / "c.csv").write_text("file,start,end,species\na,1,2,x y\n")
    with pytest.raises(UserError, match=r"2 of 3 tables.*a\.txt: .*; b\.csv: it lacks"):
        read_marks(tmp_path)


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_nothing_to_read_is_said(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=f"{name}"):
        read_marks(tmp_path / name)


def test_a_mark_has_names_for_its_columns():
    assert Mark("a", 0, 1, "b").species == "b"


def test_times_of_day_are_no_times_within_a_recording(tmp_path):
    text = (
        "Date;Time;Sci_Name;Com_Name;Confidence;Lat;Lon;Cutoff;Week;Sens;Overlap\n"
        "2024-05-01;05:40:12;Parus major;Great Tit;0.81;48;16;0.7;17;1.25;0.0\n"
    )
    with pytest.raises(UserError, match="times of day, not the seconds within a recording"):
        read(tmp_path, text, "BirdDB.txt")


@pytest.mark.parametrize("name", ["rec.csv", "rec.txt"])
def test_times_that_are_no_seconds_are_listed(tmp_path, name):
    rows = "1\t2\tx y\n1000000\t3000000000\tx y\n"
    got = read(tmp_path, rows if name == "rec.txt" else f"start\tend\tspecies\n{rows}", name)
    assert short(got) == [("rec", 1, 2, "x y")]
    assert "late" in got.problems[0].done


@given(
    st.lists(
        st.tuples(*(st.text("ab. \t\u00a0\x1c\u3000", max_size=4),) * 3), min_size=1, max_size=5
    ),
    st.sampled_from(",;|"),
    st.sampled_from(("\n", "\r\n", "\r")),
)
def test_white_space_around_values_is_no_part_of_them(rows, delimiter, line_end):
    lines = [delimiter.join(row) for row in (("x", "y", "z"), *rows)]
    cells = cells_of("t", line_end.join(lines), [])
    stripped = [[value.strip() for value in row] for row in rows]
    assert cells.rows == [row for row in stripped if any(row)]
