"""The length of a file by its header."""

import pytest
import soundfile

from birdml.dataset.decoders.libsndfile import seconds_by_header
from tests.dataset.made_up import audio_file, sound


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_the_header_tells_the_seconds(tmp_path, name):
    path = audio_file(tmp_path / name, 1, seconds=2, rate=44100, channels=2)
    assert seconds_by_header(path) == 2


def test_a_file_without_sound_is_0_s_long(tmp_path):
    soundfile.write(tmp_path / "a.wav", sound(1)[:0], 22050)
    assert seconds_by_header(tmp_path / "a.wav") == 0


@pytest.mark.parametrize("content", [None, b"", b"RIFF", b"no audio at all" * 1000])
def test_nothing_is_told_of_what_cannot_be_read(tmp_path, content):
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    assert seconds_by_header(path) is None
    assert seconds_by_header(tmp_path) is None
