"""Rows that a served model is sent: read, or one line for each that can't be."""

import base64
import io
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, reject
from hypothesis import strategies as st

from birdml.dataset.recording import SAMPLE_RATE
from birdml.ensemble.request import read_rows
from birdml.errors import UserError
from tests.fuzz.conftest import MOST, PAGES
from tests.fuzz.inputs import broken, texts

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.binary(max_size=20),
    st.dates(), st.datetimes(), st.lists(st.integers(), max_size=3), st.just({"a": 1}),
    st.sampled_from((10**400, -1, Decimal("1e999"), "9" * 5000, "\x00", pd.NaT, b"", "")),
)  # fmt: skip
RATES = st.one_of(PLAIN, st.sampled_from((SAMPLE_RATE, 1, 1e-300, 1e-3, 10**9, "22050", 7.5)))
SAMPLES = st.one_of(
    PLAIN, st.lists(st.floats(), max_size=30), st.lists(PLAIN, max_size=5),
    st.just(np.zeros((2, 3))), st.just([0.5] * 4000), st.just([[1], [2]]),
)  # fmt: skip


def wav() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(4000, np.int16), SAMPLE_RATE, format="WAV")
    return file.getvalue()


AUDIO = st.one_of(
    PLAIN,
    broken(wav()),
    broken(wav()).map(lambda b: base64.b64encode(b).decode()),
    texts(("QUJD",)),
)
COLUMNS = {
    "audio": AUDIO,
    "samples": SAMPLES,
    "rate": RATES,
    "path": st.one_of(PLAIN, texts(("/etc/passwd", "../a.wav"))),
    "date": st.one_of(PLAIN, texts(("2018-05-14",))),
    "time": st.one_of(PLAIN, texts(("06:30",))),
    "latitude": st.one_of(PLAIN, texts(("-4.5",))),
    "longitude": st.one_of(PLAIN, texts(("60W",))),
    "elevation": st.one_of(PLAIN, texts(("1,200 m",))),
    "species": PLAIN,
}


@given(st.lists(st.fixed_dictionaries({}, optional=COLUMNS), max_size=3))
def test_rows(rows):
    try:
        table = pd.DataFrame(rows)
    except OverflowError:  # pandas 2 itself can't hold a number of hundreds of digits
        reject()
    try:
        read = read_rows(table)
    except UserError as error:
        lines = str(error).splitlines()
        assert 1 <= len(lines) <= len(rows) + 1 and max(map(len, lines)) < 1000
    else:
        for row in read:
            assert row.samples is None or row.samples.dtype == np.int16


@pytest.mark.skipif(not PAGES.exists(), reason="the system does not tell how much memory there is")
def test_more_memory_than_a_reader_may_take_is_not_there():
    with pytest.raises(MemoryError):
        bytearray(2 * MOST)
