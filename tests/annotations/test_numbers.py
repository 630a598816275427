import numpy as np
import pytest

from birdml.annotations.numbers import numbers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2.5", "-3"], [1, 2.5, -3]),
        (["1,5", "2"], [1.5, 2]),
        (["1,234.5", "2.0"], [1234.5, 2]),
        (["0:01:02.5", "01:30", "2"], [62.5, 90, 2]),
        (["", "NA", "1"], [np.nan, np.nan, 1]),
        (["1e2", "x"], [100, np.nan]),
    ],
)
def test_numbers_as_people_write_them(values, expected):
    assert numbers(values)[0] == pytest.approx(expected, nan_ok=True)


def test_a_comma_beside_points_is_no_number_and_is_told():
    result, broken, commas = numbers(["1.5", "1,5", "x"])
    assert result == pytest.approx([1.5, np.nan, np.nan], nan_ok=True)
    assert broken == [1, 2] and not commas
    assert numbers(["1,5"])[2]
