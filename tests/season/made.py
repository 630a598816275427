"""Results of a season that never was: sites, days and minutes, with birds that keep hours."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import soundfile

from birdml.calibration.events import Event
from birdml.dataset.circumstances import Circumstances
from birdml.dataset.recording import Species
from birdml.prediction.journal import Entry, Writer, keep_settings
from birdml.prediction.tables import write
from birdml.prediction.tables.rows import Made, NamedRecording

SPECIES = (
    Species("turmer", "Turdus merula"),
    Species("eriru", "Erithacus rubecula"),
    Species("strix", "Strix aluco"),
    Species("<b>x</b>", "Avis <script> & Co"),
)
HOURS = ((4, 5, 20), (4, 6, 18), (0, 2, 22), (12,))  # when each is heard
MADE = Made("audio1", "1", SPECIES)
SUMMER = timezone(timedelta(hours=2))


def season(folder: Path, sites: int = 20, days: int = 30, at=(0, 2, 5, 6, 12, 20)) -> Path:
    """A folder of results: a minute at each of six hours a day; the third site fails for a week."""
    rng = np.random.default_rng(0)
    keep_settings(folder, {"scores": "presence"})
    writer = Writer(folder)
    (folder / "audio").mkdir()
    time = np.arange(22050 * 60) / 22050
    chirp = 0.3 * np.sin(2 * np.pi * (3000 * time + 900 * np.sin(9 * time)))
    sound = folder / "audio" / "song.wav"
    soundfile.write(sound, chirp + 0.01 * rng.standard_normal(len(chirp)), 22050)
    for site in range(sites):
        place = (48 + 0.02 * (site // 5), 16 + 0.03 * (site % 5))
        for day in range(days):
            for hour in at:
                if site == 2 and 10 <= day < 17:
                    continue
                begin = datetime(2023, 5, 1, hour, 0, 0, tzinfo=SUMMER) + timedelta(days=day)
                name = f"S{site:02d}/{begin:%Y%m%d_%H%M%S}.wav"
                field = Circumstances(f"{begin:%Y-%m-%d}", f"{begin:%H:%M}", begin, *place,
                                      site=f"S{site:02d}")  # fmt: skip
                events = [
                    Event(5.0 * n, 5.0 * n + 5, label, float(rng.uniform(0.1, 1)), 1, 0.0)
                    for label in range(len(SPECIES))
                    for n in range(12)
                    if rng.random() < _chance(label, hour, day, site)
                ]
                heard = NamedRecording(name, name, str(sound), field.date, field.time, 22050, field)
                write("csv", folder, sorted(events, key=lambda e: e.start), heard, MADE)
                writer.add(
                    Entry(name, str(sound), "1 1", seconds=60.0, at=begin.isoformat(),
                          site=field.site, latitude=place[0], longitude=place[1])
                )  # fmt: skip
    return folder


def _chance(label: int, hour: int, day: int, site: int) -> float:
    near = min(min(abs(hour - h), 24 - abs(hour - h)) for h in HOURS[label])
    return 0.6 * np.exp(-near) * (1 - abs(day - 8 * label) / 40) * (site % (label + 1) == 0)
