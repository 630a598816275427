"""All the sound that is in a WAV file, whatever its header says."""

import struct

import numpy as np
import pytest
import soundfile

from tests.dataset.made_up import audio_file, heard, sound


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


def test_a_chunk_that_tells_4_gb_costs_nothing(tmp_path):
    path = audio_file(tmp_path / "a.wav", 1)
    content = path.read_bytes()
    path.write_bytes(content[:12] + b"junk" + b"\xf0\xff\xff\xff" + content[12:])
    with pytest.raises(Exception, match="audio"):
        heard(path)
