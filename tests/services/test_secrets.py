"""No password of anybody is in the database, in an artifact or in a log. Runs after the others."""

import pytest

from tests.services.servers import BUCKET

boto3 = pytest.importorskip("boto3", reason="`make services` installs it")
psycopg = pytest.importorskip("psycopg", reason="`make services` installs it")


@pytest.mark.services
def test_nothing_secret_stays_behind(team):
    secrets = [word for name, word in team.passwords.items() if name != "session"]
    with psycopg.connect(
        host="127.0.0.1",
        port=team.postgres_port,
        user="birdml",
        dbname="birdml",
        password=team.passwords["database"],
    ) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
        ).fetchall()
        assert ("tags",) in tables and ("params",) in tables
        for (table,) in tables:
            rows = connection.execute(f'select * from "{table}"').fetchall()
            text = repr(rows)
            assert not any(secret in text for secret in secrets), table

    store = boto3.resource(
        "s3",
        endpoint_url=team.store,
        region_name="us-east-1",
        aws_access_key_id="birdml",
        aws_secret_access_key=team.passwords["store"],
    )
    objects = list(store.Bucket(BUCKET).objects.all())
    assert objects
    for one in objects:
        content = one.get()["Body"].read()
        assert not any(secret.encode() in content for secret in secrets), one.key

    log = (team.folder / "server.log").read_text()
    assert not any(secret in log for secret in secrets)
