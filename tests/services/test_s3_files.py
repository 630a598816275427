"""Audio and results in S3: the bytes of a folder, by one process and by a cluster."""

import threading
import time

import pytest
import soundfile

from birdml.dataset.addresses import OUTAGES
from birdml.errors import UserError
from birdml.jobs import ray_files
from birdml.prediction.files import predict_files
from birdml.prediction.journal import JOURNAL
from birdml.prediction.listen import Asked
from birdml.prediction.side_by_side import SideBySide
from tests.prediction.small import noise
from tests.prediction.test_archives import contents
from tests.prediction.test_split import model
from tests.services.servers import BUCKET, free_port, object_store
from tests.services.test_ray import cluster  # noqa: F401 (a fixture)

KEYS = {"AWS_ACCESS_KEY_ID": "birdml", "AWS_SECRET_ACCESS_KEY": "secret"}
MEMBERS, ASKED, FORMS = [(model(), 1.0)], Asked("5s"), ("csv", "parquet")


@pytest.fixture
def s3(monkeypatch):
    """A port for a server, to which s3:// addresses lead."""
    module = pytest.importorskip("s3fs", reason="needs s3fs: pip install birdml[s3]")
    module.S3FileSystem.clear_instance_cache()
    port = free_port()
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    yield port
    module.S3FileSystem.clear_instance_cache()


@pytest.fixture
def season(tmp_path):
    for site in ("A", "B"):
        (tmp_path / "season" / site).mkdir(parents=True)
        for hour in range(5):
            path = tmp_path / "season" / site / f"20230512_0{hour}0010.wav"
            soundfile.write(path, noise(6, seed=hour), 22050)
    (tmp_path / "season" / "größe, 50 % #1?.wav").write_bytes(path.read_bytes())
    (tmp_path / "season" / "broken.wav").write_bytes(b"none")
    predict_files(MEMBERS, tmp_path / "season", tmp_path / "out", ASKED, FORMS)
    return tmp_path / "season"


def client():
    import boto3

    return boto3.client("s3")


def fill(season):
    for path in season.rglob("*.wav"):
        client().upload_file(str(path), BUCKET, f"season/{path.relative_to(season)}")


def objects(prefix):
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    return {
        key.removeprefix(f"{prefix}/"): client().get_object(Bucket=BUCKET, Key=key)["Body"].read()
        for key in keys
    }


def same(prefix, season):
    ours, theirs = contents(season.parent / "out"), objects(prefix)
    assert theirs.pop(JOURNAL) and ours.pop(JOURNAL)  # tell when files were changed
    assert ours == theirs


@pytest.mark.services
def test_results_in_s3_are_those_of_folders(s3, season):
    with object_store(KEYS, s3):
        fill(season)
        for jobs in (1, 3):
            asked = (MEMBERS, f"s3://{BUCKET}/season", f"s3://{BUCKET}/out{jobs}", ASKED, FORMS)
            run = {"run": SideBySide(jobs)} if jobs > 1 else {}
            assert len(predict_files(*asked, **run).predicted) == 11
            same(f"out{jobs}", season)
            assert len(predict_files(*asked, **run).there) == 11
            same(f"out{jobs}", season)
        with pytest.raises(UserError, match="there is no 's3://none/out': make the bucket first"):
            predict_files(MEMBERS, season, "s3://none/out", ASKED)
        with pytest.raises(UserError, match="'s3://none' is not there, or holds no audio"):
            predict_files(MEMBERS, "s3://none", season.parent / "x", ASKED)


@pytest.mark.services
def test_a_store_that_is_away_is_waited_for(s3, season, caplog):
    caplog.set_level("INFO", "birdml")
    stop = threading.Event()

    def come_late():
        deadline = time.monotonic() + 120
        while not OUTAGES.away and time.monotonic() < deadline:
            time.sleep(0.1)
        with object_store(KEYS, s3):
            stop.wait()

    server = threading.Thread(target=come_late)
    server.start()
    try:
        predict_files(MEMBERS, season, f"s3://{BUCKET}/out", ASKED, FORMS)
        same("out", season)
    finally:
        stop.set()
        server.join()
    assert caplog.text.count("does not answer") == caplog.text.count("answers again") == 1


@pytest.mark.services
def test_a_cluster_reads_from_s3_and_writes_there(s3, season, cluster, monkeypatch):  # noqa: F811
    import ray

    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    monkeypatch.setattr(ray_files, "FIRST", 15.0)
    with object_store(KEYS, s3):
        fill(season)
        place = f"s3://{BUCKET}"
        try:
            predict_files(
                *(MEMBERS, f"{place}/season", f"{place}/out", ASKED, FORMS), run=ray_files.on_ray
            )
        finally:
            ray.shutdown()
        same("out", season)
