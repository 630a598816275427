"""Tables for people: the same text on a terminal and in a log."""

import pytest

from birdml.screen import figure, records_text, table_text


def test_columns_are_as_wide_as_their_widest_cells_and_numbers_are_to_the_right():
    rows = [("meta3", 12, "cpu"), ("a", 3, "cuda:1")]
    assert table_text(("model", "epochs", "device"), rows, "<><").splitlines() == [
        "model  epochs  device",
        "meta3      12  cpu",
        "a           3  cuda:1",
    ]
    assert table_text(None, rows, "<><").splitlines() == ["meta3  12  cpu", "a       3  cuda:1"]
    assert table_text(("", "map"), [("x", "0.5")]).splitlines() == ["   map", "x  0.5"]
    assert table_text(("model", "map"), []) == "model  map"


def test_records_stand_under_their_keys():
    rows = [
        {"class_id": "a", "recordings": 12, "mrr": 0.5, "species": ""},
        {"class_id": "long", "recordings": 3, "mrr": 1.0, "species": "Avis"},
    ]
    assert records_text(rows).splitlines() == [
        "class_id  recordings     mrr  species",
        "a                 12  0.5000",
        "long               3  1.0000  Avis",
    ]


def test_nothing_is_cut_wrapped_coloured_or_read_as_markup(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    long = "Avis " * 100 + "magna"
    names = [long, "[bold]x[/bold]", ":bird:", "[/]", "鳥"]
    lines = table_text(("species", "score"), [(name, "0.5") for name in names]).splitlines()
    assert len(lines) == 6
    for line, name in zip(lines[1:], names, strict=True):
        assert line.startswith(name + " ") and line.endswith(" 0.5")
    assert lines[2].index("0.5") == lines[5].index("0.5") + 1, "a wide letter takes two columns"


def test_what_is_no_table_is_refused():
    for heads, rows, align in ((("a", "b"), [("x",)], ""), (("a",), [("x",)], "<>")):
        with pytest.raises(ValueError, match="other lengths"):
            table_text(heads, rows, align)


def test_a_figure_that_is_not_there_is_a_dash():
    assert [figure(0.12345), figure(2, ".0f"), figure(None)] == ["0.123", "2", "-"]
    assert figure(float("nan")) == "-"
