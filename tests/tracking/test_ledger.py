"""Who has trained what: what is finished in the store, what others failed at, what is free."""

import pytest

from birdml.tracking.claims import Claims
from birdml.tracking.ledger import StoreLedger

IDENTITIES = {"meta3": "i3", "meta8": "i8"}


@pytest.fixture
def ledger(client):
    return StoreLedger(client, "d1", IDENTITIES)


def finish(client, identity, registered=True):
    """A finished run of a request on the dataset, with a version in the registry."""
    experiment = client.get_experiment_by_name("e")
    experiment_id = experiment.experiment_id if experiment else client.create_experiment("e")
    tags = {"birdml.identity": identity, "birdml.dataset_digest": "d1", "birdml.model": "meta3"}
    run = client.create_run(experiment_id, tags=tags)
    if registered:
        client.create_registered_model("birdml-meta3")
        source = client.create_logged_model(experiment_id, source_run_id=run.info.run_id)
        client.create_model_version("birdml-meta3", source.model_uri, run_id=run.info.run_id)
        client.set_tag(run.info.run_id, "birdml.model_version", "1")
    client.set_terminated(run.info.run_id, "FINISHED")


def test_what_is_finished_and_registered_is_there_for_every_process(client, ledger):
    assert not ledger.finished("meta3")
    finish(client, "i8", registered=False)
    finish(client, "i3")
    ledger._asked = float("-inf")  # a second has passed
    assert ledger.finished("meta3") and not ledger.finished("meta8")
    assert StoreLedger(client, "d1", IDENTITIES).finished("meta3")
    assert not StoreLedger(client, "another", IDENTITIES).finished("meta3")


def test_a_model_is_claimed_once_and_not_where_it_was_finished_meanwhile(client, ledger):
    claim = ledger.claim("meta8")
    assert claim is not None and StoreLedger(client, "d1", IDENTITIES).claim("meta8") is None
    claim.end("interrupted")
    again = StoreLedger(client, "d1", IDENTITIES).claim("meta8")
    assert again is not None
    again.end("finished")
    assert not ledger.finished("meta3")
    finish(client, "i3")  # just before the claim is free
    assert ledger.claim("meta3") is None


def test_a_failure_in_other_hands_counts_from_when_this_process_began(client):
    other = Claims(client, "d1")
    other.claim("i3").end("failed")
    ledger = StoreLedger(client, "d1", IDENTITIES)
    assert ledger.failed("meta3") == ""
    other.claim("i3").end("failed")
    ledger.claims.forget()
    assert ledger.failed("meta3") == "failed in another process"
    assert ledger.failed("meta8") == ""
