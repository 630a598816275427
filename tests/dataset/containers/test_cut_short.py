"""What is missing of a file is said, whatever its container."""

import pytest

from tests.dataset.made_up import audio_file, heard


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
