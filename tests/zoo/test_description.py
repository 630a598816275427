"""Descriptions of runs name what tells models apart."""

from birdml.zoo.description import describe_run
from birdml.zoo.load import load_zoo
from birdml.zoo.recipe import AudioRecipe, CombinedRecipe, MetaRecipe


def test_metadata_run_names_fields_blur_teacher_and_what_is_left_out():
    recipe = MetaRecipe(
        "mine",
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
    text = describe_run(AudioRecipe("mine", trunk="residual", pooling="att64"), "here", "0" * 64)
    assert "residual" in text and "64 attention channels" in text
    assert "Teacher" not in text and "Date, time" not in text and "Options" not in text


def test_options_and_losses_are_named_where_they_are_on():
    recipe = AudioRecipe("mine", mixup=0.2, mixup_labels=True, loss="binary", layer_pooling="lme2")
    text = describe_run(recipe, "here", "0" * 64)
    assert "`layer_pooling = lme2`, `mixup = 0.2` and `mixup_labels = True`" in text
    assert "binary cross-entropy" in text and "max_shift" not in text


def test_combined_run_names_both_inputs_and_where_it_starts():
    recipe = CombinedRecipe("mine", start_from=("audio10", "meta1"))
    text = describe_run(recipe, "here", "0" * 64)
    assert "mel bands" in text and "latitude" in text
    assert "`audio10` and `meta1`" in text


def test_place_runs_name_features_noise_and_how_they_are_trained():
    zoo = load_zoo()
    place, kernel, both = (describe_run(zoo[f"place{i}"], "here", "0" * 64) for i in (1, 2, 3))
    assert "harmonics" in place and "10 days, 30 minutes" in place and "in one cycle" in place
    assert "keeps date, time, place, elevation and species" in kernel and "70 steps" in kernel
    assert "`place1` and `place2`" in both and "0.4 x kernel logits" in both
    assert "Training" not in both, "it is put together, not trained"
