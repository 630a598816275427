import io

import numpy as np

from birdml.figures.reliability import reliability_figure


def test_the_figure_shows_both_scores_and_what_is_left_of_their_error():
    rng = np.random.default_rng(0)
    after = rng.random((200, 5))
    present = rng.random((200, 5)) < after
    figure = reliability_figure(after**3, after, present)
    curves, counts = figure.axes
    said = [text.get_text() for text in curves.get_legend().get_texts()]
    errors = [float(text.split("error ")[1].rstrip(")")) for text in said]
    assert "softmax" in said[0] and "calibrated" in said[1] and errors[1] < 0.06 < errors[0]
    assert counts.get_yscale() == "log"
    figure.savefig(buffer := io.BytesIO(), format="png")
    assert buffer.getvalue()[:4] == b"\x89PNG"
