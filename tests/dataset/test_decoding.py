"""Any audio file becomes mono 16-bit sound at 22 050 Hz."""

import numpy as np
import pytest
import soundfile

from birdml.dataset.decoders.notes import Notes, UnreadableAudio
from birdml.dataset.decoding import decode, read_any_audio
from tests.dataset.made_up import audio_file, sound


def test_16_bit_sound_at_our_rate_comes_through_unchanged(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32768, 50_000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 22050)
    assert np.array_equal(read_any_audio(tmp_path / "a.wav"), samples)


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 44100, 48000, 96000])
def test_a_tone_keeps_its_pitch_length_and_level(tmp_path, rate):
    time = np.arange(2 * rate) / rate
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * time), rate)
    samples = read_any_audio(tmp_path / "a.wav")
    assert abs(len(samples) - 2 * 22050) <= 2
    expected = 16384 * np.sin(2 * np.pi * 1000 * np.arange(len(samples)) / 22050)
    middle = slice(2000, -2000)
    assert np.abs(samples[middle] - expected[middle]).max() < 40


def test_what_lies_above_the_new_rate_is_removed(tmp_path):
    time = np.arange(44100) / 44100
    soundfile.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 15000 * time), 44100)
    assert np.abs(read_any_audio(tmp_path / "a.wav")[2000:-2000].astype(int)).max() <= 2


def test_channels_are_averaged(tmp_path):
    left, right = sound(1), sound(2)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), 22050, subtype="FLOAT")
    expected = (left + right) / 2 * 32768
    assert np.abs(read_any_audio(tmp_path / "a.wav") - expected).max() <= 0.51


def test_the_same_file_gives_the_same_bytes_and_silence_stays_silent(tmp_path):
    path = audio_file(tmp_path / "a.wav", 3, rate=44100, channels=2)
    assert np.array_equal(read_any_audio(path), read_any_audio(path))
    soundfile.write(tmp_path / "silent.wav", np.zeros(44100), 44100)
    assert not read_any_audio(tmp_path / "silent.wav").any()


def test_beyond_full_scale_is_cut_and_not_wrapped(tmp_path):
    loud = 10 * sound(1)
    soundfile.write(tmp_path / "a.wav", loud, 22050, subtype="FLOAT")
    notes = Notes()
    samples = np.concatenate(list(decode(tmp_path / "a.wav", notes)))
    assert samples.max() == 32767 and samples.min() == -32768
    assert notes.clipped > 0.3 * len(samples)
    assert np.array_equal(np.sign(samples), np.sign(np.rint(loud * 32768)))


def test_values_that_are_no_numbers_become_zero(tmp_path):
    samples = sound(1)
    samples[100:110], samples[200] = np.nan, np.inf
    soundfile.write(tmp_path / "a.wav", samples, 22050, subtype="FLOAT")
    notes = Notes()
    decoded = np.concatenate(list(decode(tmp_path / "a.wav", notes)))
    assert notes.bad_values == 11
    assert not decoded[100:110].any() and decoded[110:].any()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.flac", {}),
        ("a.ogg", {}),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("a.mp3", {}),
        ("a.aiff", {}),
        ("a.wav", {"subtype": "PCM_24"}),
    ],
)
def test_formats(tmp_path, name, form):
    path = audio_file(tmp_path / name, 1, seconds=2, rate=48000, channels=2, **form)
    samples = read_any_audio(path)
    assert abs(len(samples) - 2 * 22050) < 3000
    assert 5000 < np.abs(samples[4000:-4000].astype(int)).max() < 20_000


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all" * 1000, b"\0" * 5000])
def test_what_is_no_audio_is_refused(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(UnreadableAudio):
        read_any_audio(tmp_path / "a.wav")


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "none.wav", tmp_path):
        with pytest.raises(UnreadableAudio):
            read_any_audio(path)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
def test_a_file_cut_short_gives_what_is_there(tmp_path, name):
    path = audio_file(tmp_path / name, 1, seconds=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    notes = Notes()
    samples = np.concatenate(list(decode(path, notes)))
    assert 2 * 22050 < len(samples) < 8 * 22050
    if name != "a.ogg":  # an OGG file does not tell its length
        assert notes.remarks
