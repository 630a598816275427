"""Audio and results in a store: the bytes of a folder, gone on with, nothing half-written."""

import fsspec
import pytest

from birdml.dataset.addresses import Address, with_retry
from birdml.dataset.circumstances import read_tables
from birdml.errors import UserError
from birdml.prediction import results
from birdml.prediction.files import predict_files
from birdml.prediction.journal import JOURNAL
from birdml.prediction.listen import Asked
from birdml.prediction.side_by_side import SideBySide
from birdml.prediction.tables import FORMATS
from tests.prediction.test_archives import archive, contents  # noqa: F401 (a fixture)
from tests.prediction.test_split import model

SEASON, OUT = "memory://bucket/season", "memory://bucket/results"
MEMBERS = [(model(), 1.0)]


@pytest.fixture
def store(archive):  # noqa: F811
    memory = fsspec.filesystem("memory")
    for path in archive.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/bucket/season/{path.relative_to(archive)}", path.read_bytes())
    yield memory
    memory.rm("/bucket", recursive=True)


def objects(memory, folder="/bucket/results"):
    return {n.removeprefix(folder)[1:]: memory.cat_file(n) for n in memory.find(folder)}


def comparable(found, source):
    """Without the journal, which tells when each file was changed."""
    found = {n: b.replace(source.encode(), b"SOURCE") for n, b in found.items() if n != JOURNAL}
    assert found
    return found


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_are_those_of_folders_to_the_byte(store, archive, tmp_path, jobs):  # noqa: F811
    run = {"run": SideBySide(jobs)} if jobs > 1 else {}
    outcome = predict_files(MEMBERS, SEASON, OUT, Asked("5s"), FORMATS, **run)
    assert len(outcome.predicted) == 6 and list(outcome.faulty) == ["broken.wav"]
    predict_files(MEMBERS, archive, tmp_path / "out", Asked("5s"), FORMATS)
    ours = comparable(contents(tmp_path / "out"), str(archive))
    theirs = objects(store)
    assert theirs[JOURNAL].count(b"\n") == 8
    assert comparable(theirs, SEASON) == ours


def test_only_one_of_both_may_be_in_a_store(store, archive, tmp_path):  # noqa: F811
    predict_files(MEMBERS, archive, tmp_path / "out", Asked())
    predict_files(MEMBERS, archive, OUT, Asked())
    predict_files(MEMBERS, SEASON, tmp_path / "out2", Asked())
    ours = comparable(contents(tmp_path / "out"), "nothing")
    assert comparable(objects(store), "nothing") == ours
    assert comparable(contents(tmp_path / "out2"), "nothing") == ours


def test_the_same_command_goes_on(store):
    def ends(how, out, todo, progress):
        for number, heard in enumerate(results_of(how, out, todo, progress)):
            if number == 3:
                raise UserError("the end")
            yield heard

    from birdml.prediction.side_by_side import one_by_one as results_of

    with pytest.raises(UserError, match="the end"):
        predict_files(MEMBERS, SEASON, OUT, Asked(), run=ends)
    assert [name for name in objects(store) if name.startswith("journal.d/")]
    again = predict_files(MEMBERS, SEASON, OUT, Asked())
    assert (len(again.there), len(again.predicted)) == (2, 4)  # and one that is broken
    assert not [name for name in objects(store) if name.startswith("journal.d/")]
    before = objects(store)
    assert len(predict_files(MEMBERS, SEASON, OUT, Asked()).there) == 6
    assert {n: b for n, b in objects(store).items() if n != JOURNAL} == (
        {n: b for n, b in before.items() if n != JOURNAL}
    )


def test_the_journal_is_put_in_pieces_that_become_one(store, monkeypatch):
    monkeypatch.setattr(results, "PIECE_SECONDS", -1.0)
    monkeypatch.setattr(results, "MOST_PIECES", 2)
    put = []
    original = Address.put
    monkeypatch.setattr(Address, "put", lambda s, path: put.append(s.below) or original(s, path))
    predict_files(MEMBERS, SEASON, OUT, Asked())
    assert sum(name.startswith("journal.d/") for name in put) == 8
    assert put.count(JOURNAL) == 3
    assert not [name for name in objects(store) if name.startswith("journal.d/")]
    assert len(predict_files(MEMBERS, SEASON, OUT, Asked()).there) == 6


def test_a_changed_object_is_heard_again_and_a_lost_result_too(store):
    predict_files(MEMBERS, SEASON, OUT, Asked())
    sound = store.cat_file("/bucket/season/B/20230512_040010.wav")
    store.pipe_file("/bucket/season/A/20230512_030010.wav", sound)
    store.rm_file("/bucket/results/B/20230512_050010.wav.csv")
    again = predict_files(MEMBERS, SEASON, OUT, Asked())
    assert again.predicted == ["A/20230512_030010.wav", "B/20230512_050010.wav"]


def test_results_of_another_date_go_with_the_old_ones(store, tmp_path):
    table = "/bucket/files.csv"
    store.pipe_file(table, b"file,date\nA/20230512_030010.wav,2023-05-13\n")
    told = {"metadata": True}
    for text in (b"2023-05-13", b"2023-05-14"):
        store.pipe_file(table, b"file,date\nA/20230512_030010.wav,%s\n" % text)
        tables = read_tables("", "memory://bucket/files.csv")
        predict_files(MEMBERS, SEASON, OUT, Asked(), ("parquet",), tables=tables, told=told)
    days = [name.split("/")[2] for name in objects(store) if name.startswith("predictions.parquet")]
    assert sorted(days) == ["recorded=2023-05-12"] * 5 + ["recorded=2023-05-14"]


def test_a_table_at_an_address_is_named_by_it(store):
    store.pipe_file("/bucket/sites.csv", b"site,latitude,longitude\nA,,\n")
    with pytest.raises(UserError, match="'memory://bucket/sites.csv', line 2: 'A' has no latitude"):
        read_tables("memory://bucket/sites.csv")
    with pytest.raises(UserError, match="can't read 'memory://bucket/none.csv'"):
        read_tables("memory://bucket/none.csv")


def test_one_object_is_heard_alone(store):
    outcome = predict_files(MEMBERS, f"{SEASON}/A/20230512_030010.wav", OUT, Asked())
    assert outcome.predicted == ["20230512_030010.wav"]
    assert "20230512_030010.wav.csv" in objects(store)


def test_an_object_that_cannot_be_had_is_a_row(store, monkeypatch):
    get = Address.get

    def refused(self, target):
        if self.below.startswith("A/"):
            raise PermissionError("Access Denied")
        get(self, target)

    monkeypatch.setattr(Address, "get", refused)
    outcome = predict_files(MEMBERS, SEASON, OUT, Asked())
    assert len(outcome.predicted) == 3 and len(outcome.faulty) == 4
    assert "Access Denied" in outcome.faulty["A/20230512_030010.wav"]


def test_what_cannot_be_is_one_line(store):
    with pytest.raises(UserError, match="'memory://nothing' is not there, or holds no audio"):
        predict_files(MEMBERS, "memory://nothing", OUT, Asked())
    with pytest.raises(UserError, match="results go into a folder or a store"):
        predict_files(MEMBERS, SEASON, "sftp://machine/results", Asked())
    predict_files(MEMBERS, SEASON, OUT, Asked())
    with pytest.raises(UserError, match=f"'{OUT}' holds predictions made with another windows"):
        predict_files(MEMBERS, SEASON, OUT, Asked("5s"))
    with pytest.raises(UserError, match="no audio"):
        predict_files(MEMBERS, "memory://bucket/results", "memory://bucket/other", Asked())


def test_files_of_one_name_from_two_places_are_not_mixed(store, archive):  # noqa: F811
    predict_files(MEMBERS, archive, OUT, Asked())
    outcome = predict_files(MEMBERS, SEASON, OUT, Asked())
    assert not outcome.predicted and "would replace those of" in outcome.faulty["broken.wav"]


def test_tables_that_nothing_opens_are_left_out_of_a_store_too(store, monkeypatch):
    predict_files(MEMBERS, f"{SEASON}/A/20230512_030010.wav", OUT, Asked())
    assert "predictions.csv" in objects(store)
    monkeypatch.setattr("birdml.prediction.tables.rows.MOST_BYTES", 500)
    outcome = predict_files(MEMBERS, SEASON, OUT, Asked())
    assert outcome.too_large == ["predictions.csv"] and "predictions.csv" not in objects(store)


def test_an_error_does_not_wait_for_jobs_that_wait_for_a_store(store, monkeypatch):
    gave_up = []

    def hear(how, out, name, place, *rest):
        if name.endswith("030010.wav"):
            raise UserError("the end")
        try:
            with_retry(place, away)
        except UserError as error:
            gave_up.append(str(error))
        return None

    def away():
        raise ConnectionError("no route")

    monkeypatch.setattr("birdml.prediction.side_by_side.hear", hear)
    with pytest.raises(UserError, match="the end"):
        predict_files(MEMBERS, f"{SEASON}/A", OUT, Asked(), run=SideBySide(2))
    assert gave_up and set(gave_up) == {f"'{SEASON}/A' did not answer until the end"}
