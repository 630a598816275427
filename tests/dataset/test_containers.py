"""All the sound that is in a file, whatever its header says; what is missing is said."""

import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile

from birdml.dataset.convert import Notes, decode
from tests.dataset.made_up import audio_file, sound


def heard(path):
    notes = Notes()
    samples = np.concatenate(list(decode(path, notes)))
    return samples, notes.said()


def with_length(path, length, rf64=False):
    """The file with another length of its data chunk."""
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    if rf64:
        at, form = content.index(b"ds64") + 16, "<Q"
    else:
        form = "<I"
    content[at : at + struct.calcsize(form)] = struct.pack(form, length)
    path.write_bytes(content)


@pytest.mark.parametrize("length", [0, 512, 22050, 44099])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8"])
def test_a_wav_header_that_tells_too_little_hides_nothing(tmp_path, length, subtype):
    path = audio_file(tmp_path / "a.wav", 1, seconds=3, subtype=subtype)
    whole, said = heard(path)
    assert said == ()
    with_length(path, length)
    samples, said = heard(path)
    np.testing.assert_array_equal(samples, whole)
    assert "of 3.0 s: all was read" in said[0]


def test_a_64_bit_header_of_zero_hides_nothing(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, sound(1), 22050, format="RF64")
    whole, _ = heard(path)
    with_length(path, 0, rf64=True)
    samples, said = heard(path)
    np.testing.assert_array_equal(samples, whole)
    assert "all was read" in said[0]


@pytest.mark.parametrize(
    "behind",
    [b"LIST\x04\0\0\0INFO", b"TAG" + b"x" * 125, b"ID3\x04\0\0\0\0\0\0" + b"y" * 9000, b"\0"],
)
def test_what_stands_behind_the_sound_is_no_sound(tmp_path, behind):
    path = audio_file(tmp_path / "a.wav", 1)
    whole, _ = heard(path)
    path.write_bytes(path.read_bytes() + behind)
    samples, said = heard(path)
    np.testing.assert_array_equal(samples, whole)
    assert said == ()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.wav", {}),
        ("a.rf64", {"format": "RF64"}),
        ("a.w64", {"format": "W64"}),
        ("a.au", {"format": "AU"}),
        ("a.aiff", {}),
        ("a.flac", {}),
        ("a.ogg", {}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", {}),
    ],
)
def test_a_file_cut_short_is_said_with_its_seconds(tmp_path, name, form):
    path = audio_file(tmp_path / name, 1, seconds=8, rate=24000, **form)
    assert heard(path)[1] == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 1])
    samples, said = heard(path)
    assert 2 < len(samples) / 22050 < 6
    assert any("cut short" in text and " s" in text for text in said)


def test_joined_ogg_files_are_read_to_the_end(tmp_path):
    one = audio_file(tmp_path / "a.ogg", 1, seconds=2)
    two = audio_file(tmp_path / "b.ogg", 2, seconds=3, rate=44100)
    expected = np.concatenate([heard(one)[0], heard(two)[0]])
    (tmp_path / "c.ogg").write_bytes(one.read_bytes() + two.read_bytes())
    samples, said = heard(tmp_path / "c.ogg")
    np.testing.assert_array_equal(samples, expected)
    assert said == ("2 recordings joined in one file: all were read",)


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


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_a_flac_stream_without_a_length_is_read_exactly(tmp_path):
    audio_file(tmp_path / "a.wav", 1, seconds=3)
    with open(tmp_path / "a.flac", "wb") as out:
        command = ["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", "-f", "flac", "-"]
        subprocess.run(command, stdout=out, check=True)
    samples, said = heard(tmp_path / "a.flac")
    np.testing.assert_array_equal(samples, heard(tmp_path / "a.wav")[0])
    assert said == ()


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
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


def test_a_chunk_that_tells_4_gb_costs_nothing(tmp_path):
    path = audio_file(tmp_path / "a.wav", 1)
    content = path.read_bytes()
    path.write_bytes(content[:12] + b"junk" + b"\xf0\xff\xff\xff" + content[12:])
    with pytest.raises(Exception, match="audio"):
        heard(path)
