"""What the XML files of the demo say: one tag per line, some missing, some as people write."""

from datetime import date, timedelta

import numpy as np

from birdml.dataset.sources.demo.plan import Planned

MISSING_SHARE = 0.06  # of each field of metadata
MESSY_SHARE = 0.25  # of times and elevations written as people write them


def xml(planned: Planned, rng: np.random.Generator) -> str:
    """What an XML file says of a recording: one tag per line, some missing, some empty."""
    moment = planned.moment
    day = date(int(rng.integers(2001, 2014)), 1, 1) + timedelta(int(moment.day))
    fields = {
        "MediaId": str(planned.media_id),
        "FileName": f"{planned.stem}.wav",
        "Date": day.isoformat(),
        "Time": _written_time(moment.hour, rng),
        "Locality": f"Estação {int(abs(moment.latitude))}-{int(abs(moment.longitude))} <b>demo</b>",
        "Latitude": f"{moment.latitude:.4f}",
        "Longitude": f"{moment.longitude:.4f}",
        "Elevation": _written_elevation(moment.elevation, rng),
        "Author": f"Recordist {rng.integers(1, 41)}",
        "Content": "song",
        "Comments": "",
        "Quality": str(rng.integers(1, 6)),
        "Year": str(planned.edition),
    }
    if not planned.hidden and planned.foreground:
        genus, species = planned.foreground.latin_name.split()
        # some heard a species that is no class here
        stranger = ["Ignota silens"] if rng.random() < 0.05 else []
        names = [other.latin_name for other in planned.background] + stranger
        fields |= {
            "ClassId": planned.foreground.class_id,
            "BackgroundSpecies": ",".join(names) if planned.names_background else "",
            "Order": "Passeriformes",
            "Family": "Demonidae",
            "Genus": genus,
            "Species": species,
            "Sub-species": "",
            "VernacularNames": "",
        }
    for name in ("Date", "Time", "Latitude", "Longitude", "Elevation"):
        if rng.random() < MISSING_SHARE:
            fields[name] = str(rng.choice(["", "", "?", "unknown"]))
    lines = [
        f"\t<{name}>{text}</{name}>" if text else f"\t<{name} />"
        for name, text in fields.items()
        if text or rng.random() < 0.5
    ]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<Audio>", *lines, "</Audio>", ""])


def _written_time(hour: float, rng: np.random.Generator) -> str:
    hours, minutes = int(hour), int(hour % 1 * 60)
    if rng.random() >= MESSY_SHARE:
        return f"{hours:02d}:{minutes:02d}"
    half = f"{hours % 12 or 12}:{minutes:02d} {'am' if hours < 12 else 'pm'}"
    forms = (
        half,
        f"{hours}.{minutes:02d}",
        f"{hours:02d}{minutes:02d}h",
        f"~{hours}:{minutes:02d}",
        f"{hours}-{minutes:02d}",
    )
    return forms[rng.integers(len(forms))]


def _written_elevation(metres: float, rng: np.random.Generator) -> str:
    rounded = round(metres)
    if rng.random() >= MESSY_SHARE:
        return str(rounded)
    forms = (
        f"ca. {rounded} m",
        f"{rounded} metros",
        f"&lt;b&gt;{rounded}&lt;/b&gt;",
        f"{max(0, rounded - 100)} a {rounded}",
        f"{max(0, rounded - 50)}-{rounded} m",
        f"{rounded}m?",
    )
    return forms[rng.integers(len(forms))]
