"""Single values, as tables give them: read, or said to be nothing; never an error."""

import math
import unicodedata
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from birdml.dataset import repair
from birdml.dataset.names import latin_name, means_nothing, names_no_species
from birdml.dataset.paths import contained
from birdml.dataset.recorders import recorded_at
from birdml.dataset.sources.rows import names_in
from birdml.errors import UserError
from birdml.metadata import day_of_year, minute_of_day
from birdml.zoo.load import load_zoo
from birdml.zoo.plan import plan
from tests.fuzz.inputs import texts

DATES = ("2018-05-14", "14.05.2018", "5/14/18", "May 2018", "20180514", "2018-05-14T06:30:00Z")
TIMES = ("06:30", "6h30", "0630", "6:30 pm", "06:30:15", "dawn", "24:00")
HEIGHTS = ("1200", "1,200 m", "3900 ft", "100-200", "1.200", "-5", "?")
DEGREES = ("-4.5", "4°30'00\"S", "4,5", "S 4 30", "180.0", "N")
NAMES = ("Turdus merula", "TURDUS MERULA L., 1758", "Turdus merula merula", "noise", "Aves sp.")
FILES = ("20180514_063000.WAV", "SMM01234_20180514_063000.wav", "5AFB2C10.wav", "2018-05-14 0630")
PATHS = ("a/b.wav", "../x", "/etc/passwd", "a\\b", "C:\\x", ".", "a/./b", "a//b")
SETTINGS = ("epochs=3", "channels=[4,6]", "teacher=meta9", "blur=none", "hidden=[8,8] epochs=2")


@given(texts(DATES))
def test_dates(text):
    found = repair.date(text)
    assert found is None or not math.isnan(day_of_year(found))


@given(texts(TIMES))
def test_times(text):
    found = repair.time(text)
    assert found is None or not math.isnan(minute_of_day(found))


@given(texts(HEIGHTS), st.booleans(), st.booleans())
def test_elevations(text, decimals, feet):
    found = repair.elevation(text, decimals, feet)
    assert found is None or math.isfinite(found)


@given(texts(DEGREES))
def test_coordinates(text):
    for read, limit in ((repair.latitude, 90), (repair.longitude, 180)):
        found = read(text)
        assert found is None or abs(found) <= limit


@given(texts(NAMES))
def test_names_of_species(text):
    found = latin_name(text)
    assert found is None or str(found)
    means_nothing(text)
    names_no_species(text)
    assert isinstance(names_in(text), tuple)


@given(texts(FILES))
def test_names_of_recorders(text):
    found = recorded_at(text)
    assert not found.date or not math.isnan(day_of_year(found.date))


@given(texts(PATHS))
def test_names_of_files_stay_where_they_belong(text):
    found = contained(text)
    if found is not None:
        parts = PurePosixPath(found).parts
        assert ".." not in parts and not found.startswith("/") and "\\" not in found
        assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in found)


@given(texts(SETTINGS))
def test_settings_of_models(text):
    try:
        plan("meta3", load_zoo(), settings=text)
    except UserError as error:
        assert "\n" not in str(error)
