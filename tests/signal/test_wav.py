import os
import struct

import numpy as np
import pytest
import soundfile

from birdml.errors import UserError
from birdml.signal.wav import AudioReader


@pytest.fixture
def samples():
    return np.random.default_rng(1).integers(-32768, 32768, 3000, dtype=np.int16)


def write(path, samples, rate=22050, subtype="PCM_16", **options):
    soundfile.write(path, samples, rate, subtype=subtype, **options)
    return path


def test_reads_what_was_written_at_any_place(tmp_path, samples):
    paths = [write(tmp_path / f"{i}.wav", samples[: 1000 * i]) for i in (1, 2, 3)]
    reader = AudioReader(paths)
    np.testing.assert_array_equal(reader.lengths, [1000, 2000, 3000])
    np.testing.assert_array_equal(reader.read(2), samples)
    np.testing.assert_array_equal(reader.read(1, 17, 100), samples[17:117])
    np.testing.assert_array_equal(reader.read(1, 1990), samples[1990:2000])


def test_other_chunks_are_skipped(tmp_path, samples):
    body = samples.tobytes()
    fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 22050, 44100, 2, 16)
    note = b"LIST" + struct.pack("<I", 9001) + bytes(9002)  # an odd chunk is padded
    data = b"data" + struct.pack("<I", len(body)) + body
    for name, chunks in {"before": note + fmt + data, "after": fmt + note + data}.items():
        (tmp_path / name).write_bytes(
            b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks
        )
        reader = AudioReader([tmp_path / name])
        np.testing.assert_array_equal(reader.read(0), samples)


def test_a_file_without_the_pcm_format_number_is_read(tmp_path, samples):
    write(tmp_path / "a.wav", samples, format="WAVEX")
    np.testing.assert_array_equal(AudioReader([tmp_path / "a.wav"]).read(0), samples)


def test_a_file_that_is_cut_off_is_as_long_as_it_is(tmp_path, samples):
    path = write(tmp_path / "a.wav", samples)
    path.write_bytes(path.read_bytes()[:-100])
    np.testing.assert_array_equal(AudioReader([path]).read(0), samples[:-50])


def test_all_faulty_files_are_named(tmp_path, samples):
    good = write(tmp_path / "good.wav", samples)
    faulty = [
        write(tmp_path / "fast.wav", samples, rate=44100),
        write(tmp_path / "wide.wav", np.stack([samples, samples], 1)),
        write(tmp_path / "deep.wav", samples, subtype="PCM_24"),
        tmp_path / "text.wav",
        tmp_path / "absent.wav",
    ]
    faulty[3].write_text("no sound")
    with pytest.raises(UserError) as error:
        AudioReader([good, *faulty])
    assert "good.wav" not in str(error.value)
    assert all(path.name in str(error.value) for path in faulty)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [0, 4, 12, 20, 30, 40])
def test_a_header_that_is_cut_off_is_an_error(tmp_path, samples, size):
    path = write(tmp_path / "a.wav", samples)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(UserError, match=r"a\.wav"):
        AudioReader([path])


def test_a_file_that_has_shrunk_since_is_an_error(tmp_path, samples):
    path = write(tmp_path / "a.wav", samples)
    reader = AudioReader([path])
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"a\.wav"):
        reader.read(0)
    path.unlink()
    with pytest.raises(UserError, match=r"a\.wav"):
        reader.read(0)


def test_a_system_that_reads_in_small_steps_gives_the_same(tmp_path, samples, monkeypatch):
    reader = AudioReader([write(tmp_path / "a.wav", samples)])
    original = os.preadv

    def short(file, buffers, offset):
        return original(file, [buffers[0][:700]], offset)

    monkeypatch.setattr(os, "preadv", short)
    np.testing.assert_array_equal(reader.read(0), samples)
    np.testing.assert_array_equal(reader.read(0, 5, 0), samples[5:5])
