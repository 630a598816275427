import pytest

from birdml.networks.trunks import TimeGeometry
from birdml.prediction.segments import (
    exact_segments,
    outputs_of,
    segments_2018,
    windows_2018,
)
from birdml.prediction.windows import window_starts
from birdml.signal.spectrogram import num_frames
from tests.golden import load_json

PLAIN, RESIDUAL = TimeGeometry(103, 9, 0), TimeGeometry(119, 9, 16)


def test_golden_segments_of_63_seconds():
    for file in load_json("test_segments.json")["split_pool_3_63"]["files"]:
        segments = segments_2018(file["num_frames"], PLAIN)
        bounds = [[s.start, s.stop - 1] for s in segments]
        assert bounds == file["segments_first_last_frame"]


def test_golden_windows_of_5_seconds():
    for file in load_json("test_segments.json")["soundscape_0_5"]["files"]:
        windows = windows_2018(file["num_frames"], 350)
        bounds = [[start, stop - 1] for start, stop in windows]
        assert bounds == file["segments_first_last_frame"]
        assert len(windows) == file["output_rows"]


def test_golden_frames_of_samples():
    for case in load_json("test_segments.json")["frames_of_samples"]:
        assert num_frames(case["samples_after_loop"]) == case["frames"]


@pytest.mark.parametrize("geometry", [PLAIN, RESIDUAL], ids=["plain", "residual"])
@pytest.mark.parametrize("outputs", [1, 7, 230])
def test_segments_count_every_output_once_and_see_what_it_needs(geometry, outputs):
    field, stride, padding = geometry
    for frames in [103, 207, 350, 2100, 2101, 2108, 4410]:
        counted = []
        for s in exact_segments(frames, geometry, outputs):
            assert s.start % stride == 0
            assert 0 <= s.first < s.last <= outputs_of(s.stop - s.start, geometry)
            for output in range(s.first, s.last):
                t = s.start // stride + output
                counted.append(t)
                assert s.start <= max(0, stride * t - padding)
                assert s.stop >= min(frames, stride * t - padding + field)
        assert counted == list(range(outputs_of(frames, geometry)))


@pytest.mark.parametrize(
    ("seconds", "exact", "published"), [(60, 12, 11), (600, 120, 119), (2, 1, 1), (61, 13, 12)]
)
def test_windows_that_begin_in_a_recording(seconds, exact, published):
    assert len(window_starts(22050 * seconds)) == exact
    assert len(window_starts(22050 * seconds, rule="2018")) == published
    assert window_starts(22050 * seconds).tolist() == [5.0 * i for i in range(exact)]
