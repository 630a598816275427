"""Tables as people save them: every row whole, or listed."""

import pytest

from birdml.dataset.sources.rows import NoTable, names_in, read_table


def table(tmp_path, content, encoding="utf-8"):
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    problems = []
    return read_table(path, problems), problems


@pytest.mark.parametrize("mark", ["\u2028", "\x0c", "\x85", "\x1c"])
def test_a_row_ends_at_line_ends_only(tmp_path, mark):
    read, problems = table(tmp_path, f"id,note,lat\n1,one{mark}two,1.5\n2,x,1.6\n")
    assert [row["lat"] for row in read.rows] == ["1.5", "1.6"]
    assert not problems


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(tmp_path, end):
    read, _ = table(tmp_path, end.join(["id,lat", "1,1.5", "2,1.6", ""]))
    assert [row["id"] for row in read.rows] == ["1", "2"]
    assert read.lines == (2, 3)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_any_encoding_of_people_is_read(tmp_path, encoding):
    read, problems = table(tmp_path, "id,place\n1,Bühl\n2,São Luís\n", encoding)
    assert read.header == ("id", "place")
    assert [row["place"] for row in read.rows] == ["Bühl", "São Luís"]
    assert bool(problems) == (encoding == "latin-1")


def test_composed_and_decomposed_letters_are_the_same(tmp_path):
    read, _ = table(tmp_path, "id,place\n1,vela\u0301tus\n2,vel\u00e1tus\n")
    assert len({row["place"] for row in read.rows}) == 1


def test_names_of_rows_without_a_heading_are_no_column(tmp_path):
    read, _ = table(tmp_path, "file,label\n1,a.wav,abc\n2,b.wav,xyz\n")
    assert [row["label"] for row in read.rows] == ["abc", "xyz"]


def test_rows_of_another_length_are_listed_by_their_line(tmp_path):
    read, problems = table(tmp_path, "id,label,lat\n1,abc,1.5\n2,abc\n3,abc,1.7,8\n4,abc,1.8\n")
    assert [row["id"] for row in read.rows] == ["1", "4"]
    assert [(p.file, p.done) for p in problems] == [
        ("t.csv: line 3", "left out: 2 values for 3 columns"),
        ("t.csv: line 4", "left out: 4 values for 3 columns"),
    ]


def test_a_quote_that_is_not_closed_swallows_nothing(tmp_path):
    read, problems = table(tmp_path, 'id,note,lat\n1,"a,1.5\n2,b,1.6\n3,c,1.7\n')
    assert [row["lat"] for row in read.rows] == ["1.5", "1.6", "1.7"]
    assert problems[0].file == "t.csv: line 2"


def test_two_open_quotes_do_not_hide_the_rows_between(tmp_path):
    read, _ = table(tmp_path, 'id,note,lat\n1,"a,1.5\n2,b,1.6\n3,c",1.7\n4,d,1.8\n')
    assert [row["id"] for row in read.rows] == ["1", "2", "3", "4"]


def test_an_open_quote_in_a_table_that_needs_quotes_is_refused_with_its_line(tmp_path):
    with pytest.raises(NoTable, match="line 3 is not closed"):
        table(tmp_path, 'id,note,lat\n1,"a, b",1.5\n2,"b,1.6\n3,c,1.7\n')


def test_a_value_may_hold_lines_and_delimiters(tmp_path):
    read, problems = table(tmp_path, 'id,note,lat\n1,"two\nlines, really",1.5\n2,x,1.6\n')
    assert read.rows[0]["note"] == "two\nlines, really"
    assert read.lines == (2, 4)
    assert not problems


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    rows = [["id", "note, with", "lat"], ["1", "x", "1.5"]]
    if delimiter == ",":
        rows[0][1] = "note"
    read, _ = table(tmp_path, "\n".join(delimiter.join(row) for row in rows))
    assert read.rows[0]["lat"] == "1.5"


def test_the_line_that_excel_writes_for_itself_is_no_heading(tmp_path):
    read, _ = table(tmp_path, "sep=;\nid;lat\n1;1,5\n")
    assert read.rows == ({"id": "1", "lat": "1,5"},)
    assert read.lines == (3,)


def test_a_name_that_stands_twice(tmp_path):
    alike, _ = table(tmp_path, "id,lat,lat\n1,1.5,1.5\n")
    filled, _ = table(tmp_path, "id,lat,lat\n1,,1.5\n")
    other, _ = table(tmp_path, "id,lat,lat\n1,2.5,1.5\n")
    assert not alike.twice and not filled.twice
    assert filled.rows[0]["lat"] == "1.5"
    assert other.twice == {"lat"}


def test_long_values_are_read(tmp_path):
    read, _ = table(tmp_path, f"id,note,lat\n1,{'x' * 200_000},1.5\n")
    assert read.rows[0]["lat"] == "1.5"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("['abc', 'x y']", ("abc", "x y")),
        ('["abc", "x y"]', ("abc", "x y")),
        ("['abc' 'x y']", ("abc", "x y")),
        ('c("abc", "x y")', ("abc", "x y")),
        ("abc;x y|z", ("abc", "x y", "z")),
        ("['Audubon\\'s Oriole', \"Harris's Hawk\"]", ("Audubon's Oriole", "Harris's Hawk")),
        ("Pica pica (Linnaeus, 1758), abc", ("Pica pica (Linnaeus, 1758)", "abc")),
        ("[]", ()),
        ("['']", ()),
        ("character(0)", ()),
        ("NA", ()),
        ("nan", ()),
        ("", ()),
    ],
)
def test_lists_as_people_write_them(text, names):
    assert names_in(text) == names
