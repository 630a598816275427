import io

import numpy as np
import pytest

from birdml.figures.detections import detection_figure
from birdml.prediction.curves import LONGEST, curves
from birdml.prediction.listen import Asked
from tests.prediction.small import noise
from tests.prediction.test_split import model


@pytest.mark.parametrize("seconds", [0.4, 3.3, 70.0])
def test_curves_lie_in_the_stretch_that_is_shown(seconds):
    samples = noise(seconds)
    shown = curves([(model(pooling="att4"), 1.0)], samples, Asked(), also=[6])
    assert 0 <= shown.first < shown.last <= seconds + 1e-6
    assert shown.last - shown.first == pytest.approx(min(seconds, LONGEST), abs=1e-6)
    assert shown.first <= shown.times.min() and shown.times.max() <= shown.last
    assert shown.shares.shape == (len(shown.times), len(shown.labels))
    assert 6 in shown.labels and len(set(shown.labels)) == len(shown.labels)
    assert shown.attention.shape == shown.times.shape


def test_a_figure_has_seconds_kilohertz_names_and_attention():
    times = np.linspace(10.7, 14.3, 50)
    shares = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    figure = detection_figure(
        noise(5),
        times,
        shares,
        ["Avis alba", "Avis nigra", "Avis rara"],
        "a.wav",
        first=10.0,
        attention=shares[:, 0],
        saliency=(np.ones((347, 80)), np.geomspace(50, 9900, 80), "Avis alba"),
        truth=["Avis nigra"],
    )
    picture, lines, attention = figure.axes
    assert picture.get_ylabel() == "kHz" and attention.get_xlabel() == "seconds"
    assert picture.get_xlim() == (10.0, 15.0)
    assert "4" in [label.get_text() for label in picture.get_yticklabels()]
    labels = [text.get_text() for text in lines.get_legend().get_texts()]
    assert labels == ["Avis alba", "Avis nigra ✓", "Avis rara"]
    content = io.BytesIO()
    figure.savefig(content, format="png")
    assert len(content.getvalue()) > 10_000
