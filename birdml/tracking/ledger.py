"""Who has trained what, by the tracking store."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from birdml.tracking import runs
from birdml.tracking.claims import Claim, Claims

if TYPE_CHECKING:
    from birdml.tracking.client import Store


class StoreLedger:
    """The ledger of `training.zoo_run` in a tracking store, for models of one dataset by name.

    Waits where the store is away for a while.
    """

    def __init__(self, client: "Store", dataset_digest: str, identities: Mapping[str, str]):
        self.identities = identities
        self.claims = Claims(client, dataset_digest)
        self.attempts_before = {
            name: self.claims.outcome(identity)[0] for name, identity in identities.items()
        }
        self._runs = runs.FinishedRuns(client, dataset_digest, identities.values())
        self._finished: set[str] = set()
        self._asked = float("-inf")

    def finished(self, name: str) -> bool:
        """Whether the store holds a finished run of this request (asked again every second)."""
        if time.monotonic() - self._asked > 1:
            there = self._runs.by_identity()
            self._finished = {i for i, r in there.items() if "birdml.model_version" in r.data.tags}
            self._asked = time.monotonic()
        return self.identities[name] in self._finished

    def failed(self, name: str) -> str:
        """Why a model failed in other hands since this process began."""
        attempt, how = self.claims.outcome(self.identities[name])
        if how != "failed" or attempt <= self.attempts_before[name]:
            return ""
        return "failed in another process"

    def claim(self, name: str) -> Claim | None:
        """The right to train a model, or None while somebody else has it or it is done."""
        claim = self.claims.claim(self.identities[name])
        if claim is not None:
            self._asked = float("-inf")  # it may have been finished just before it was free
            if self.finished(name):
                claim.end("finished")
                return None
        return claim
