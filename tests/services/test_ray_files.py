"""Files heard by a Ray cluster of two nodes, one of them lost in the middle: the same bytes."""

import threading
import time

import pytest
import soundfile

from birdml.jobs import ray_files
from birdml.prediction.files import predict_files
from birdml.prediction.journal import JOURNAL
from birdml.prediction.listen import Asked
from tests.prediction.small import noise
from tests.prediction.test_archives import contents
from tests.prediction.test_split import model
from tests.services.test_ray import SMALL, cluster  # noqa: F401 (a fixture)

FILES, SECONDS = 40, 20


@pytest.mark.services
def test_a_lost_node_loses_no_file_and_hears_none_twice(cluster, tmp_path, monkeypatch):  # noqa: F811
    import ray

    source = tmp_path / "birds"
    source.mkdir()
    for number in range(FILES):
        soundfile.write(source / f"{number:02d}.wav", noise(SECONDS, seed=number), 22050)
    (source / "broken.wav").write_bytes(b"none")
    members, asked = [(model(), 1.0)], Asked("5s", hop=0.1)
    predict_files(members, source, tmp_path / "one", asked)

    second = cluster.add_node(**SMALL)
    cluster.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    monkeypatch.setattr(ray_files, "FIRST", 2.0 * SECONDS)
    monkeypatch.setattr(ray_files, "COMPUTING", 0.0)
    journal = tmp_path / "two" / JOURNAL
    lost = []

    def lose() -> None:
        while not journal.exists() or journal.read_bytes().count(b"\n") < 4:
            time.sleep(0.02)
        cluster.remove_node(second, allow_graceful=False)
        lost.append(journal.read_bytes().count(b"\n"))

    threading.Thread(target=lose, daemon=True).start()
    try:
        outcome = predict_files(members, source, tmp_path / "two", asked, run=ray_files.on_ray)
    finally:
        ray.shutdown()
    assert lost and lost[0] < FILES + 1, "the node was lost in the middle"
    assert len(outcome.predicted) == FILES and list(outcome.faulty) == ["broken.wav"]
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
