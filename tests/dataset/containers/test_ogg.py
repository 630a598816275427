"""All chains of an OGG file."""

import numpy as np

from tests.dataset.made_up import audio_file, heard


def test_joined_ogg_files_are_read_to_the_end(tmp_path):
    one = audio_file(tmp_path / "a.ogg", 1, seconds=2)
    two = audio_file(tmp_path / "b.ogg", 2, seconds=3, rate=44100)
    expected = np.concatenate([heard(one)[0], heard(two)[0]])
    (tmp_path / "c.ogg").write_bytes(one.read_bytes() + two.read_bytes())
    samples, said = heard(tmp_path / "c.ogg")
    np.testing.assert_array_equal(samples, expected)
    assert said == ("2 recordings joined in one file: all were read",)
