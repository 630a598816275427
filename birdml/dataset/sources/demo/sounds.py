"""Sounds of the demo: songs, and the noise that they are heard in.

Signals are float32 in -1..1 at 44.1 kHz; every one is drawn with a generator that is handed in.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfftfreq

from birdml.dataset.sources.demo.species import Song

RATE = 44100  # Hz, of the raw recordings
# How recordings of a species differ: deviations of the logarithm.
PITCH_SPREAD = 0.1
TEMPO_SPREAD = 0.2
PHRASE_PITCH_SPREAD = 0.03  # from phrase to phrase of one bird
# What songs are heard in, in decibels below full scale.
NOISE_LEVEL = (-48.0, -28.0)
SONG_LEVEL = (-46.0, -20.0)  # peak, of the foreground species
BACKGROUND_BELOW = (2.0, 14.0)  # how much quieter background species are


@dataclass(frozen=True)
class Bird:
    """One individual: its species' song, at its own pitch and tempo."""

    song: Song
    pitch: float
    tempo: float


def individual(song: Song, rng: np.random.Generator) -> Bird:
    pitch, tempo = np.exp(rng.standard_normal(2) * (PITCH_SPREAD, TEMPO_SPREAD))
    return Bird(song, pitch, tempo)


def amplitude(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def note(bird: Bird, pitch: float, length: float) -> np.ndarray:
    """One note at `pitch` times the frequencies of the song, float32 [S]."""
    song = bird.song
    samples = int(length * RATE)
    position = np.linspace(0, 1, samples, dtype=np.float32)
    frequency = song.start * pitch * (song.end / song.start) ** position
    if song.vibrato[1]:
        rate, depth = song.vibrato
        frequency *= 1 + depth * np.sin(2 * np.pi * rate * length * position)
    phase = np.cumsum(frequency, dtype=np.float64) * (2 * np.pi / RATE)
    signal = np.zeros(samples, np.float32)
    for partial, strength in enumerate(song.partials, start=1):
        signal += np.float32(strength) * np.sin((partial * phase).astype(np.float32))
    signal *= np.minimum(1, 6 * np.minimum(position, 1 - position))  # no clicks
    if song.tremolo:
        signal *= 0.5 - 0.5 * np.cos(2 * np.pi * song.tremolo * length * position)
    return signal / np.float32(sum(song.partials))


def phrase(bird: Bird, rng: np.random.Generator) -> np.ndarray:
    """One phrase, float32 [S], with a peak of about 1."""
    song = bird.song
    pitch = bird.pitch * np.exp(PHRASE_PITCH_SPREAD * rng.standard_normal())
    pieces = []
    gap = song.gap / bird.tempo
    for i in range(rng.integers(song.notes[0], song.notes[1], endpoint=True)):
        tone = song.tones[i % len(song.tones)]
        pieces.append(note(bird, pitch * tone, song.length / bird.tempo))
        pieces.append(np.zeros(int(gap * RATE), np.float32))
        gap *= song.hastening
    return np.concatenate(pieces[:-1])


def singing(
    bird: Bird, samples: int, rng: np.random.Generator, first: float | None = None
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """A bird that sings phrase after phrase, float32 [samples], and when: (begin, end) in seconds.

    It begins within the first pause, or at `first` seconds.
    """
    signal = np.zeros(samples, np.float32)
    times = []
    at = int(RATE * (rng.uniform(0, bird.song.pause) if first is None else first))
    while at < samples:
        sound = phrase(bird, rng)[: samples - at]
        signal[at : at + len(sound)] += sound * np.float32(rng.uniform(0.6, 1.0))
        times.append((at / RATE, (at + len(sound)) / RATE))
        at += len(sound) + int(RATE * bird.song.pause * rng.uniform(0.5, 1.8))
    return signal, times


def noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Pink noise, gusts of wind and sometimes insects, float32 [samples], at a realistic level."""
    size = next_fast_len(samples, real=True)
    frequency = rfftfreq(size, 1 / RATE).astype(np.float32)
    pink = 1 / np.sqrt(np.maximum(frequency, 20))
    signal = _shaped(pink, size, rng)[:samples]
    wind = _shaped(np.maximum(frequency, 20) ** -1.5, size, rng)[:samples]
    gusts = np.interp(
        np.arange(samples, dtype=np.float32),
        np.linspace(0, samples, 3 + samples // RATE),
        rng.uniform(0, 1, 3 + samples // RATE) ** 2,
    )
    signal += np.float32(rng.uniform(0, 3)) * wind * gusts.astype(np.float32)
    if rng.random() < 0.4:
        signal += np.float32(rng.uniform(0.2, 1.0)) * _insects(samples, rng)
    level = amplitude(rng.uniform(*NOISE_LEVEL))
    return signal * np.float32(level / np.sqrt(np.mean(signal**2)))


def nothing(samples: int, rng: np.random.Generator) -> np.ndarray:
    """A recording without any bird, float32 [samples]: a place's noise, and often something else.

    That is hiss as of rain, the hum of a mains or an engine, or clicks.
    """
    signal = noise(samples, rng)
    kind = rng.integers(4)
    level = np.float32(amplitude(rng.uniform(*NOISE_LEVEL)))
    time = np.arange(samples, dtype=np.float32) / np.float32(RATE)
    if kind == 1:
        signal += level * rng.standard_normal(samples, dtype=np.float32)
    elif kind == 2:
        pitch = np.float32(rng.uniform(40, 120))
        for partial in range(1, 13):
            signal += level / np.float32(partial) * np.sin(2 * np.pi * partial * pitch * time)
    elif kind == 3:
        for at in rng.integers(samples, size=int(rng.uniform(2, 20) * samples / RATE)):
            length = min(samples - int(at), int(RATE * rng.uniform(0.001, 0.01)))
            click = rng.standard_normal(length, dtype=np.float32)
            signal[at : at + length] += 4 * level * click * np.linspace(1, 0, length, dtype="f4")
    return signal


def _shaped(spectrum: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of the given magnitudes [size // 2 + 1], float32 [size], deviation 1."""
    shape = (len(spectrum), 2)
    bins = rng.standard_normal(shape, dtype=np.float32).view(np.complex64)[:, 0] * spectrum
    signal = irfft(bins, size)
    return signal / np.float32(signal.std())


def _insects(samples: int, rng: np.random.Generator) -> np.ndarray:
    """A cicada's whine that pulses, float32 [samples], deviation about 0.5."""
    time = np.arange(samples, dtype=np.float32) / np.float32(RATE)
    pulse = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(4, 30) * time)
    wander = rng.uniform(5000, 9000) * time + 20 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * time)
    return (pulse * np.sin(2 * np.pi * (wander % 1))).astype(np.float32)
