"""The same request is the same anywhere, another one is not."""

from dataclasses import replace

from birdml.zoo.identity import identities, model_seed
from birdml.zoo.load import load_zoo
from birdml.zoo.recipe import MetaRecipe
from birdml.zoo.settings import part


def test_settings_dataset_seed_name_and_needs_make_the_identity():
    zoo = load_zoo()
    recipes = {name: zoo[name] for name in ("meta3", "meta8", "meta9")}
    found = identities(recipes, "digest", 0)
    assert found == identities(dict(reversed(recipes.items())), "digest", 0)
    assert len(set(found.values())) == 3, "meta3 and meta9 have equal settings and are two models"
    assert not set(found.values()) & set(identities(recipes, "other", 0).values())
    assert not set(found.values()) & set(identities(recipes, "digest", 1).values())
    changed = identities(recipes | {"meta3": replace(zoo["meta3"], epochs=3)}, "digest", 0)
    assert changed["meta8"] != found["meta8"], "its teacher is another one"
    assert changed["meta9"] == found["meta9"]
    assert model_seed(0, "meta3") != model_seed(0, "meta9")


def test_saved_predictions_count_by_their_content(tmp_path):
    def identity(folder: str) -> str:
        recipe = replace(load_zoo()["meta3"], pseudo_labels=str(tmp_path / folder))
        return identities({"meta3": recipe}, "digest", 0)["meta3"]

    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "logits.npy").write_bytes(b"1")
    before = identity("here")
    assert identity("there") == before
    (tmp_path / "here" / "logits.npy").write_bytes(b"2")
    assert identity("here") != before


def test_an_option_that_is_added_and_off_is_no_other_request():
    before = identities(load_zoo(), "digest", 0)

    @part
    class Longer(MetaRecipe):
        whistle: float = 0.0

    zoo = load_zoo()
    settings = {key: getattr(zoo["meta3"], key) for key in MetaRecipe.setting_names()}
    longer = zoo | {"meta3": Longer("meta3", **settings)}
    assert identities(longer, "digest", 0) == before
    on = zoo | {"meta3": Longer("meta3", **settings, whistle=0.5)}
    assert identities(on, "digest", 0)["meta3"] != before["meta3"]


def test_results_that_change_are_another_request(monkeypatch):
    before = identities(load_zoo(), "digest", 0)
    monkeypatch.setattr(MetaRecipe, "results", 2)
    after = identities(load_zoo(), "digest", 0)
    assert after["audio1"] == before["audio1"]
    assert after["meta3"] != before["meta3"]
    assert after["combined1"] != before["combined1"], "it starts from a metadata model"


def test_precision_counts_where_it_matters():
    cpu, gpu = (identities(load_zoo(), "digest", 0, device) for device in ("cpu", "cuda:1"))
    assert cpu["meta3"] == gpu["meta3"], "metadata networks stay in single precision"
    assert cpu["audio1"] != gpu["audio1"]


def test_the_37_identities_stay():
    """They are in the stores of users: one that changes trains the model anew for all of them."""
    found = identities(load_zoo(), "0123456789abcdef", 0)
    assert {name: found[name] for name in PINNED} == PINNED


PINNED = {
    "audio1": "35d0ded1401646b9",
    "audio2": "68c398058a302ed1",
    "audio3": "521e0998408ccd6c",
    "audio4": "4ef8f8bea54148c3",
    "audio5": "319d1fa8c13b9578",
    "audio6": "ee2db886cf14825a",
    "audio7": "8c90ca27aac3fdb9",
    "audio8": "286a1069ff4e0f90",
    "audio9": "4dbd6dc167054229",
    "audio10": "12c1389bc75e4426",
    "audio11": "d0358183c7d174ea",
    "audio13": "e88a8bbf24c82a23",
    "audio12": "6c48de715f09fa9e",
    "audio14": "a3ebe05a11e30bdc",
    "audio15": "5424e03634d65a91",
    "audio16": "73a683b0969dcc6d",
    "audio17": "8cb8f37270a8b1a0",
    "meta1": "08db532bcdc4d4fe",
    "meta2": "ce9009bc3740e4c7",
    "meta3": "1605300801ec46bb",
    "meta4": "e7aec61214555332",
    "meta5": "3e25aa2eb3e0547a",
    "meta6": "2018ddfbc9eea575",
    "meta7": "c9f920cbf6e51245",
    "meta8": "68242bd563f01361",
    "meta9": "dda1af85fe547a70",
    "meta10": "8dd969bd27a7c7b4",
    "meta11": "08b78098fc9a55d2",
    "meta12": "866548afe2853385",
    "meta13": "2b52da408af31fd1",
    "meta14": "10ae77ec9c5484a3",
    "meta15": "3c108749b0f09e8f",
    "meta16": "2a921c6e761c3292",
    "meta17": "bda45815bdde1b96",
    "meta18": "79f316f28595b9ba",
    "meta19": "aa5f19072fe5c285",
    "combined1": "8affdea3a52db8a7",
}
