"""What libsndfile does not read, ffmpeg does."""

import shutil
import subprocess

import numpy as np
import pytest

from birdml.dataset.decoding import read_any_audio
from tests.dataset.made_up import audio_file, heard

pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")


def test_other_formats_by_ffmpeg(tmp_path):
    wav = audio_file(tmp_path / "a.wav", 1, seconds=2, rate=44100, channels=2)
    command = ["ffmpeg", "-v", "error", "-i", wav, "-c:a", "aac", tmp_path / "a.m4a"]
    subprocess.run(command, check=True)
    samples, expected = read_any_audio(tmp_path / "a.m4a"), read_any_audio(wav)
    assert abs(len(samples) - len(expected)) < 2000
    assert np.corrcoef(samples[:40_000], expected[:40_000])[0, 1] > 0.9


@pytest.mark.parametrize("name", ["a.m4a", "a.wv"])
def test_what_ffmpeg_could_not_decode_is_said(tmp_path, name):
    wav = audio_file(tmp_path / "a.wav", 1, seconds=8, rate=44100)
    command = ["ffmpeg", "-v", "error", "-i", wav, "-movflags", "+faststart", tmp_path / name]
    subprocess.run(command if name == "a.m4a" else [*command[:5], tmp_path / name], check=True)
    assert heard(tmp_path / name)[1] == ()
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    samples, said = heard(tmp_path / name)
    assert len(samples) and "cut short" in said[0]
