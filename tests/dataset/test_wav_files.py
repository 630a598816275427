"""The WAV files of a dataset: plain, whole or not there, and told from damaged ones."""

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import read_any_audio
from birdml.dataset.wav_files import convert, wav_hash, wav_header
from tests.dataset.made_up import audio_file, sound


def test_the_written_file_is_a_plain_wav(tmp_path):
    source = audio_file(tmp_path / "a.flac", 1, rate=44100, channels=2)
    notes, digest = convert(source, tmp_path / "out" / "a.wav")
    with wave.open(str(tmp_path / "out" / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22050)
        assert file.getnframes() == notes.samples
        samples = np.frombuffer(file.readframes(notes.samples), "<i2")
    assert np.array_equal(samples, read_any_audio(source))
    assert wav_hash(tmp_path / "out" / "a.wav") == digest
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.wav"]


def test_nothing_is_left_of_a_failed_conversion(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"nonsense")
    (tmp_path / "out").mkdir()
    with pytest.raises(UnreadableAudio):
        convert(tmp_path / "a.wav", tmp_path / "out" / "a.wav")
    assert not list((tmp_path / "out").iterdir())


def test_the_hash_tells_damage(tmp_path):
    _, digest = convert(audio_file(tmp_path / "a.wav", 1), tmp_path / "b.wav")
    content = (tmp_path / "b.wav").read_bytes()
    flipped = content[:500] + bytes([content[500] ^ 1]) + content[501:]
    for damaged in (content[:-2], content[:30], flipped, b""):
        (tmp_path / "b.wav").write_bytes(damaged)
        assert wav_hash(tmp_path / "b.wav") != digest


MEASURE = """
import re, sys
from pathlib import Path
from birdml.dataset.wav_files import convert
for name in ("short.wav", "long.wav"):
    convert(Path(sys.argv[1], name), Path(sys.argv[1], "out.wav"))
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to measure memory by")
def test_memory_does_not_grow_with_the_length_of_a_file(tmp_path):
    """20 minutes of 44.1 kHz stereo are 200 MB of samples; what holds for them holds for 12 h."""
    block = (sound(1, 10, 44100, 2) * 32767).astype("<i2").tobytes()
    for name, blocks in (("short.wav", 6), ("long.wav", 120)):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(44100)
            for _ in range(blocks):
                file.writeframesraw(block)
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    before, after = (int(text) / 1024 for text in output.split())
    assert after < 300 and after - before < 30, f"{before:.0f} MB, then {after:.0f} MB"


def test_header_counts_the_samples():
    header = wav_header(1000)
    assert len(header) == 44
    assert int.from_bytes(header[40:44], "little") == 2000
