"""Charts: what stands beside what."""

import re

import numpy as np

from birdml.comparison.charts import _overlap, _text_box, scatter


def test_no_name_in_a_crowd_covers_a_point_or_another_name():
    rng = np.random.default_rng(0)
    points = [
        (float(10 ** rng.uniform(0, 1.2)), float(rng.uniform(0.2, 0.33)), f"meta{n}", "meta")
        for n in range(1, 20)
    ]
    svg = scatter(points, "minutes", "MAP", "cost")
    circles = [
        (float(x), float(y))
        for x, y in re.findall(r'<circle class="meta" cx="(.*?)" cy="(.*?)"', svg)
    ]
    names = re.findall(
        r'<text class="" x="(.*?)" y="(.*?)" text-anchor="(.*?)">(meta\d+)</text>', svg
    )
    assert len(circles) == 19 and 10 <= len(names) <= 19
    boxes = [_text_box(float(x), float(y), name, anchor) for x, y, anchor, name in names]
    for n, box in enumerate(boxes):
        assert not any(_overlap(box, other) for other in boxes[:n])
        assert not any(_overlap(box, (x - 3, y - 3, x + 3, y + 3)) for x, y in circles)
    assert all(f"<title>{name}: " in svg for _, _, name, _ in points), "a touch tells every name"
