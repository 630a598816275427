"""The same request is the same anywhere, another one is not."""

from dataclasses import replace

from birdml.training.identity import identities, model_seed
from birdml.zoo.load import load_zoo


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
