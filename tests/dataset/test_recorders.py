"""Date and time by the names that recorders give."""

from datetime import UTC, datetime

import pytest

from birdml.dataset.recorders import Recorded, recorded_at

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "stem",
    [
        "20230512_053000",
        "20230512_053000T",
        "SMM01234_20230512_053000",
        "site-a_20230512_053000_1",
        "2023-05-12T05:30:00",
        "2023-05-12T05:30:00Z",
        "20230512T053000+1000_REC",
        "rec 2023-05-12 05-30-00",
        "S4A03895_20230512_053000_000",
        "645DD0A8",  # seconds since 1970, hexadecimal
    ],
)
def test_forms_of_recorders(stem):
    assert recorded_at(stem, NOW) == Recorded("2023-05-12", "05:30" if stem[0] != "6" else "05:37")


@pytest.mark.parametrize(
    "stem",
    [
        "call_12345678_123456",
        "XC123456",
        "20231340_053000",
        "20230512_253000",
        "120230512_0530001",
        "DEADBEEF1",
        "ABCDABCD",  # a time in 2061
        "song",
    ],
)
def test_numbers_that_are_no_dates(stem):
    assert recorded_at(stem, NOW) == Recorded()


def test_clocks_that_were_not_set_are_said():
    assert recorded_at("19700101_000000", NOW).remark == "the clock of the recorder was not set"
    assert "9999" in recorded_at("99991231_235959", NOW).remark
    assert recorded_at("20270101_000000", NOW).date == "2027-01-01"
    assert "2028" in recorded_at("20280101_000000", NOW).remark
