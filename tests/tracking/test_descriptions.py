"""What people read of an experiment and of a version."""

from birdml.tracking.descriptions import EXPERIMENT_DESCRIPTION, describe_version


def test_experiment_description_names_metrics_and_filters_that_exist():
    for word in ("`map`", "`map_bg`", "`valid_map`", "`champion`", "birdml.family", "figures/"):
        assert word in EXPERIMENT_DESCRIPTION


def test_a_version_says_how_good_it_is_before_what_it_is():
    metrics = {"map": 0.5628, "map_bg": 0.6, "top1": 0.36, "top5": 0.8667}
    text = describe_version(metrics, "birds of here", "abc123", "80 mel bands")
    assert text.startswith("MAP 0.563, MAP-bg 0.600, top-1 36.0%, top-5 86.7%")
    assert text.index("birds of here") < text.index("mel bands") < text.index("`abc123`")
