"""The best moment of a species as a sound and a picture that a page can hold."""

import base64
import io
import os
from collections.abc import Callable

import numpy as np
import soundfile
import soxr

from birdml.dataset.recording import SAMPLE_RATE
from birdml.figures.season import spectrogram_of
from birdml.season.counting import Best

SECONDS = 5.0


def png(figure) -> bytes:
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def data(kind: str, content: bytes) -> str:
    """An address that holds what it names."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def clip(best: Best) -> tuple[str, str] | None:
    """Addresses of sound (MP3) and spectrogram (PNG) of the beginning of a detection, 5 s at most;
    None where its file is gone or can't be read at this place."""
    try:
        with soundfile.SoundFile(os.fsencode(best.source)) as file:
            file.seek(min(int(best.start * file.samplerate), max(file.frames - 1, 0)))
            seconds = min(max(best.end - best.start, 1.0), SECONDS)
            block = file.read(int(seconds * file.samplerate), dtype="float32", always_2d=True)
            mono = soxr.resample(block.mean(axis=1), file.samplerate, SAMPLE_RATE)
    except (OSError, soundfile.LibsndfileError, ValueError):
        return None
    if len(mono) < SAMPLE_RATE // 10 or not np.isfinite(mono).all():
        return None
    mono = mono / max(float(np.abs(mono).max()), 1e-6) * 0.8
    sound = io.BytesIO()
    soundfile.write(sound, mono, SAMPLE_RATE, format="MP3")
    picture = png(spectrogram_of((mono * 32767).astype(np.int16)))
    return data("audio/mpeg", sound.getvalue()), data("image/png", picture)


Clips = Callable[[Best], tuple[str, str] | None]
