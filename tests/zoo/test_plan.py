"""What a request trains: what was asked for as it was set, and what that needs."""

import pytest

from birdml.errors import UserError
from birdml.zoo.identity import identities
from birdml.zoo.load import load_zoo
from birdml.zoo.plan import plan


def test_what_a_model_needs_comes_first_and_once():
    zoo = load_zoo()
    assert list(plan("meta8,meta10", zoo)) == ["meta3", "meta8", "meta9", "meta10"]
    assert list(plan("combined1,audio10", zoo)) == ["audio10", "meta1", "combined1"]
    every = list(plan("all", zoo))
    assert sorted(every) == sorted(n for n in zoo if zoo[n].family != "head")
    for name in every:
        assert all(every.index(need) < every.index(name) for need in zoo[name].needs)


def test_settings_go_to_what_is_asked_for_and_not_to_what_it_needs():
    zoo = load_zoo()
    recipes = plan("combined1", zoo, settings="metadata_weight=0.5 epochs=7")
    assert recipes["combined1"].metadata_weight == 0.5 and recipes["combined1"].epochs == 7
    assert (recipes["audio10"], recipes["meta1"]) == (zoo["audio10"], zoo["meta1"])
    before = identities(plan("combined1", zoo), "digest", 0)
    after = identities(recipes, "digest", 0)
    assert [before[n] == after[n] for n in ("audio10", "meta1", "combined1")] == [True, True, False]


def test_a_profile_goes_to_all_of_them():
    recipes = plan("combined1", load_zoo(), "demo")
    assert all(recipe.epochs < 1000 for recipe in recipes.values())


def test_needs_follow_from_what_was_set():
    recipes = plan("meta3", load_zoo(), settings="teacher=meta9")
    assert list(recipes) == ["meta9", "meta3"]
    recipes = plan("combined1", load_zoo(), settings='start_from=["audio13","meta11"]')
    assert list(recipes) == ["audio13", "meta11", "combined1"]
    given = "audio10,meta1,combined1"
    assert plan(given, load_zoo(), settings="width=64 hidden=[8,8]")["audio10"].width == 64


@pytest.mark.parametrize(
    ("asked", "settings", "message"),
    [
        ("meta3", "teacher=meta99", "meta3 needs 'meta99'.*did you mean 'meta9'"),
        ("meta3", "teacher=meta3", "need each other: meta3 <- meta3"),
        ("meta3,meta5", "teacher=meta5", "need each other"),
        ("meta3", "mel_bands=40", "mel_bands is nothing that meta models read"),
        ("audio1", "hidden=[3,4]", "hidden is nothing that audio models read"),
        ("audio1", "melbands=40", "unknown setting 'melbands'; did you mean 'mel_bands'"),
        ("meta3", "teacher=audio1", "meta3 cannot learn from audio1: a teacher takes the same"),
        ("meta3", "teacher=meta1", "meta3 cannot learn from meta1"),
        ("combined1", 'start_from=["meta1","audio10"]', "start_from is an audio and a meta model"),
        ("combined1", 'start_from=["audio10"]', "start_from is an audio and a meta model"),
        ("combined1", 'start_from=["audio10","audio13"]', "start_from is an audio and a meta"),
        (
            "combined1",
            'start_from=["audio1","meta1"]',
            "from audio1: its trunk is plain, not",
        ),
        ("combined1", 'start_from=["audio10","meta3"]', "from meta3: its date_phases is 12, not 3"),
        ("combined1", "channels=[4,6]", r"from audio10: its channels is \[64, 128\], not \[4, 6\]"),
        ("meta3", "epochs=99999999999999999999999", "epochs has more than 64 bits"),
        ("meta3", "learning_rate=inf", "learning_rate is inf"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(asked, settings, message):
    with pytest.raises(UserError, match=message) as error:
        plan(asked, load_zoo(), settings=settings)
    assert "\n" not in str(error.value)


def test_a_setting_goes_to_those_asked_for_that_read_it():
    zoo = load_zoo()
    recipes = plan("audio1,meta3", zoo, settings="mel_bands=40 epochs=3")
    assert (recipes["audio1"].mel_bands, recipes["audio1"].epochs) == (40, 3)
    assert recipes["meta3"].epochs == 3 and not hasattr(recipes["meta3"], "mel_bands")


def test_a_zoo_file_with_a_setting_that_its_family_does_not_read_is_refused(tmp_path):
    path = tmp_path / "zoo.toml"
    path.write_text("[meta]\nmine = {mel_bands = 40}\n")
    with pytest.raises(UserError, match="line 2: mine: mel_bands is nothing that meta models read"):
        load_zoo(path)
