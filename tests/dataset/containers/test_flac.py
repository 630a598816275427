"""FLAC streams that do not tell their length."""

import shutil
import subprocess

import numpy as np
import pytest

from tests.dataset.made_up import audio_file, heard


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_flac_stream_without_a_length_is_read_exactly(tmp_path):
    audio_file(tmp_path / "a.wav", 1, seconds=3)
    with open(tmp_path / "a.flac", "wb") as out:
        command = ["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-f", "flac", "-"]
        subprocess.run(command, stdout=out, check=True)
    samples, said = heard(tmp_path / "a.flac")
    np.testing.assert_array_equal(samples, heard(tmp_path / "a.wav")[0])
    assert said == ()
