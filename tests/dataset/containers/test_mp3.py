"""All frames of an MP3 file, whatever count stands in front."""

import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile

from tests.dataset.made_up import audio_file, heard


def xing(path):
    content = path.read_bytes()
    at = max(content.find(b"Xing"), content.find(b"Info"))
    assert at > 0
    return content, at


def test_an_mp3_whose_count_of_frames_is_too_small_is_read_to_the_end(tmp_path):
    path = audio_file(tmp_path / "a.mp3", 1, seconds=10, rate=44100)
    whole, said = heard(path)
    assert said == ()
    content, at = xing(path)
    (count,) = struct.unpack(">I", content[at + 8 : at + 12])
    path.write_bytes(content[: at + 8] + struct.pack(">I", count // 2) + content[at + 12 :])
    samples, said = heard(path)
    assert abs(len(samples) - len(whole)) < 3000
    assert "all was read" in said[0]


def test_joined_mp3_files_are_read_to_the_end(tmp_path):
    path = audio_file(tmp_path / "a.mp3", 1, seconds=6, rate=44100)
    path.write_bytes(path.read_bytes() * 2)
    samples, _ = heard(path)
    assert len(samples) / 22050 == pytest.approx(12, abs=0.2)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
@pytest.mark.parametrize("loud", ["first", "last"])
def test_mp3_of_changing_rate_without_a_count_is_read_to_the_end(tmp_path, loud):
    quiet, noisy = np.zeros(6 * 44100), np.random.default_rng(0).normal(size=6 * 44100) * 0.2
    both = (noisy, quiet) if loud == "first" else (quiet, noisy)
    soundfile.write(tmp_path / "a.wav", np.concatenate(both), 44100)
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-c:a", "libmp3lame", "-q:a", "2"]
    command += ["-write_xing", "0", "-id3v2_version", "0", tmp_path / "a.mp3"]
    subprocess.run(command, check=True)
    samples, said = heard(tmp_path / "a.mp3")
    assert len(samples) / 22050 == pytest.approx(12, abs=0.1)
    assert said == ()
