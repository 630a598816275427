"""Descriptions of runs name what tells models apart."""

from birdml.tracking.descriptions import EXPERIMENT_DESCRIPTION, describe_run, describe_version
from birdml.zoo.recipe import Recipe


def test_metadata_run_names_fields_blur_teacher_and_what_is_left_out():
    recipe = Recipe(
        "mine",
        family="meta",
        fields=("time", "latitude", "longitude", "elevation"),
        time_phases=3,
        blur="none",
        background=True,
        teacher="meta3",
    )
    text = describe_run(recipe, "birds of here", "0123456789abcdef")
    assert "Left out: **date**" in text
    assert "3 phases of the day" in text and "phases of the year" not in text
    assert "without noise" in text
    assert "`meta3`" in text
    assert "background species" in text
    assert "birds of here (digest `0123456789ab`)" in text
    assert "mel bands" not in text


def test_audio_run_names_trunk_and_pooling_and_no_teacher():
    text = describe_run(Recipe("mine", trunk="residual", pooling="att64"), "here", "0" * 64)
    assert "residual" in text and "64 attention channels" in text
    assert "Teacher" not in text and "Date, time" not in text and "Options" not in text


def test_options_and_losses_are_named_where_they_are_on():
    recipe = Recipe("mine", mixup=0.2, mixup_labels=True, loss="binary", layer_pooling="lme2")
    text = describe_run(recipe, "here", "0" * 64)
    assert "`layer_pooling = lme2`, `mixup = 0.2` and `mixup_labels = True`" in text
    assert "binary cross-entropy" in text and "max_shift" not in text


def test_combined_run_names_both_inputs_and_where_it_starts():
    recipe = Recipe("mine", family="combined", start_from=("audio10", "meta1"))
    text = describe_run(recipe, "here", "0" * 64)
    assert "mel bands" in text and "latitude" in text
    assert "`audio10` and `meta1`" in text


def test_experiment_description_names_metrics_and_filters_that_exist():
    for word in ("`map`", "`map_bg`", "`valid_map`", "`champion`", "birdml.family", "figures/"):
        assert word in EXPERIMENT_DESCRIPTION


def test_a_version_says_how_good_it_is_before_what_it_is():
    metrics = {"map": 0.5628, "map_bg": 0.6, "top1": 0.36, "top5": 0.8667}
    text = describe_version(metrics, "birds of here", "abc123", describe_run(Recipe("a"), "h", "d"))
    assert text.startswith("MAP 0.563, MAP-bg 0.600, top-1 36.0%, top-5 86.7%")
    assert text.index("birds of here") < text.index("mel bands") < text.index("`abc123`")
