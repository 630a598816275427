"""Which channels carry the sound."""

import numpy as np
import pytest
import soundfile

from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import attempts, read_any_audio
from birdml.errors import UserError
from tests.dataset.made_up import sound


def heard(tmp_path, channels, channel="mean"):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack(channels, 1), 22050, subtype="FLOAT")
    for notes, blocks in attempts(path, channel):  # noqa: B007
        samples = np.concatenate(list(blocks))
    return samples / 32768, notes.said()


def close(samples, expected):
    return np.abs(samples - expected).max() < 1e-3


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_channels_of_opposite_phase_do_not_cancel(tmp_path, share):
    own = sound(1)
    samples, said = heard(tmp_path, [own, -share * own])
    assert close(samples, own)
    assert said == ("the channels cancel each other: channel 1 of 2 was taken",)


@pytest.mark.parametrize("dead", [0.0, 0.3, 1e-4])  # silence, an offset, faint noise
def test_a_channel_that_holds_nothing_is_left_out(tmp_path, dead):
    own = sound(1)
    rng = np.random.default_rng(0)
    other = np.full_like(own, dead) if dead != 1e-4 else dead * rng.normal(size=len(own))
    samples, said = heard(tmp_path, [other, own])
    assert close(samples, own)
    assert "channel 1 is silent" in said[0] and "channel 2 of 2 was taken" in said[0]


def test_a_channel_of_values_that_are_no_numbers_is_left_out(tmp_path):
    own = sound(1)
    samples, said = heard(tmp_path, [np.full_like(own, np.nan), own])
    assert close(samples, own)
    assert "no numbers" in said[0]


def test_other_channels_are_averaged_without_a_word(tmp_path):
    one, two = sound(1), sound(2)
    samples, said = heard(tmp_path, [one, 0.3 * two])
    assert close(samples, (one + 0.3 * two) / 2)
    assert said == ()


def test_silence_in_all_channels_stays_what_it_is(tmp_path):
    samples, said = heard(tmp_path, [np.zeros(9000), np.zeros(9000)])
    assert not samples.any() and said == ()


@pytest.mark.parametrize(("name", "number"), [("left", 0), ("right", 1), ("1", 0), ("2", 1)])
def test_a_channel_may_be_named(tmp_path, name, number):
    both = [sound(1), -sound(1)]
    samples, said = heard(tmp_path, both, name)
    assert close(samples, both[number]) and said == ()


def test_channels_that_are_not_there_are_said(tmp_path):
    with pytest.raises(UserError, match="channel='middle'"):
        heard(tmp_path, [sound(1), sound(2)], "middle")
    with pytest.raises(UnreadableAudio, match="no channel 3: it has 2"):
        heard(tmp_path, [sound(1), sound(2)], "3")


def test_a_whole_file_is_read_in_the_same_way(tmp_path):
    heard(tmp_path, [sound(1), -sound(1)])
    assert close(read_any_audio(tmp_path / "a.wav") / 32768, sound(1))
