"""Files in a store: what is listed, what is waited for, what is refused."""

import fsspec
import pytest

from birdml.dataset import addresses
from birdml.dataset.addresses import Address, address_of, at_hand, walk_address, with_retry
from birdml.errors import UserError


@pytest.fixture
def store():
    memory = fsspec.filesystem("memory")
    yield memory
    memory.rm("/", recursive=True) if memory.find("/") else None


@pytest.fixture
def quick(monkeypatch):
    """Seconds that were waited, at once."""
    clock = [0.0]
    monkeypatch.setattr(addresses.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(addresses.time, "sleep", lambda s: clock.__setitem__(0, clock[0] + s))
    return clock


def test_files_are_listed_in_the_order_of_a_disk_without_hidden_ones(store, tmp_path):
    for name in (
        "b.wav",
        "a/x.wav",
        "a/.y.wav",
        ".z/x.wav",
        "__MACOSX/x.wav",
        "c/d/e.wav",
        "z.wav",
    ):
        store.pipe_file(f"/season/{name}", b"1")
    problems = []
    found = list(walk_address(Address("memory://season"), problems))
    assert [one.below for one in found] == ["b.wav", "z.wav", "a/x.wav", "c/d/e.wav"]
    assert not problems and all(one.stamp.startswith("1 ") for one in found)


def test_a_stamp_tells_a_changed_file(store):
    store.pipe_file("/season/a.wav", b"1")
    before = Address("memory://season/a.wav").file()
    store.pipe_file("/season/a.wav", b"2")
    assert before is not None and before.stamp != Address("memory://season/a.wav").file().stamp
    assert Address("memory://season").file() is None


def test_a_copy_keeps_the_suffix_and_vanishes(store):
    store.pipe_file("/season/a.flac", b"sound")
    with at_hand(Address("memory://season", "a.flac")) as copy:
        assert copy.read_bytes() == b"sound" and copy.suffix == ".flac"
    assert not copy.exists()


def test_what_is_no_address_of_a_known_kind_is_one_line():
    assert address_of("a/b") is None and address_of("models:/x@champion") is None
    with pytest.raises(UserError, match="'nothing://x' is no address"):
        Address("nothing://x").listed()


def test_a_library_that_is_missing_is_named(monkeypatch):
    def missing(*args, **kwargs):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(UserError, match=r"Install s3fs.*pip install 'birdml\[s3\]'"):
        Address("s3://bucket").listed()


def test_a_store_that_does_not_answer_is_waited_for_and_said_once(quick, caplog):
    caplog.set_level("INFO")
    answers = [ConnectionError("no route"), TimeoutError(), OSError(5, "I/O"), "there"]

    def work():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert with_retry(Address("s3://bucket", "a"), work) == "there"
    assert caplog.messages == [
        "'s3://bucket' does not answer (no route): waiting for it",
        "'s3://bucket' answers again",
    ]
    assert quick[0] == 1 + 2 + 4


def test_after_an_hour_it_is_an_error(quick):
    def never():
        raise ConnectionError("no route")

    with pytest.raises(UserError, match="has not answered for an hour"):
        with_retry(Address("s3://never"), never)
    assert quick[0] > 3600


@pytest.mark.parametrize("error", [PermissionError("Access Denied"), OSError(28, "full")])
def test_what_waiting_does_not_help_is_not_waited_for(quick, error):
    def work():
        raise error

    with pytest.raises(OSError) as raised:
        with_retry(Address("s3://bucket"), work)
    assert raised.value is error and quick[0] == 0


@pytest.mark.parametrize(
    ("status", "passes"), [(403, False), (400, False), (503, True), (429, True)]
)
def test_what_a_store_says_by_its_status(status, passes):
    cause = Exception()
    cause.response = {"ResponseMetadata": {"HTTPStatusCode": status}}
    error = OSError(5, "what is this")
    error.__cause__ = cause
    assert addresses.passes(error) is (status in (429, 503))
