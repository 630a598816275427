"""`ensemble`: from the runs of a dataset to one registered model, with cross-fitted scores."""

import hashlib
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from birdml.dataset.opening import open_dataset
from birdml.dataset.prepared import Dataset
from birdml.ensemble.objective import CRITERIA
from birdml.ensemble.search import STRATEGIES
from birdml.errors import UserError
from birdml.screen import figure, table_text
from birdml.steps.ensemble_run import log_found, log_settings, register
from birdml.steps.ensemble_search import EnsembleOptions, Found, find, load_candidates
from birdml.tracking import champions, experiments, own_runs, registry, runs, store
from birdml.tracking.claims import Claim, Claims
from birdml.tracking.dead_runs import mark_dead_runs
from birdml.tracking.runs import TrackedModel
from birdml.zoo.load import load_zoo

if TYPE_CHECKING:
    from birdml.tracking.client import Store

WAIT = 2.0  # seconds between looks at a search that runs elsewhere


def ensemble(options: EnsembleOptions) -> str:
    """Searches, scores, logs and registers; prints the result. Returns the run's id.

    Does nothing where the very same ensemble is there already. Raises UserError for a request that
    cannot be met.
    """
    if options.strategy not in STRATEGIES:
        raise UserError(f"strategy='{options.strategy}'; it can be {', '.join(STRATEGIES)}")
    if options.criterion not in CRITERIA:
        raise UserError(f"criterion='{options.criterion}'; it can be {', '.join(CRITERIA)}")
    if options.evaluations < 1:
        raise UserError(f"evaluations={options.evaluations}; it must be at least 1")
    for name in ("evaluations", "seed"):
        if getattr(options, name) >= 1 << 63:
            raise UserError(f"{name} has more than 64 bits")
    dataset = open_dataset(options.dataset)
    client = store.connect()
    models = champions.meant(client, dataset, options.models)
    _check_name(options.name)
    identity = _identity(options, dataset, models)
    experiments.check_place(client)
    mark_dead_runs(client)
    claim = _claim(client, dataset, identity)
    if claim is None:
        return _is_there(client, options, identity)
    how = "failed"
    try:
        if runs.finish_killed(client, identity):
            how = "finished"
            return _is_there(client, options, identity)
        run_id = _search_and_register(client, options, dataset, models, identity)
        how = "finished"
    finally:
        claim.end(how)
    return run_id


def _claim(client: "Store", dataset: Dataset, identity: str) -> Claim | None:
    """The right to search this very ensemble, or None where it is there; waits for whoever is
    searching it elsewhere."""
    claims, told = Claims(client, dataset.digest), False
    while runs.finished_run(client, identity) is None:
        claim = claims.claim(identity)
        if claim is None:
            if not told:
                print("another process searches this very ensemble: waiting for it", flush=True)
            told = True
            time.sleep(WAIT)
        elif runs.finished_run(client, identity) is None:
            return claim
        else:  # it was finished between our look and our claim
            claim.end("finished")
    return None


def _is_there(client: "Store", options: EnsembleOptions, identity: str) -> str:
    there = runs.finished_run(client, identity)
    assert there is not None
    note = f"{options.name} version {there.model_version} is this very ensemble: nothing to do"
    own_runs.describe_handed_run(f"{options.name} (done before)", f"{note}.", client)
    print(note)
    return there.run_id


def _search_and_register(
    client: "Store",
    options: EnsembleOptions,
    dataset: Dataset,
    models: list[TrackedModel],
    identity: str,
) -> str:
    candidates = load_candidates(client, dataset, models)
    tags = {
        "birdml.model": options.name,
        "birdml.family": "ensemble",
        "birdml.dataset": dataset.name,
        "birdml.dataset_digest": dataset.digest,
        "birdml.identity": identity,
    }
    with own_runs.own_run(client, options.name, tags) as run_id:
        log_settings(client, run_id, options, candidates)
        found = find(client, options, candidates)
        log_found(client, run_id, options, candidates, found)
        version = register(client, run_id, options, candidates, found)
        champion = registry.promote(client, options.name, version, found.scores)
        client.set_tag(run_id, "birdml.model_version", version)
    _print(options, found, version, champion)
    return run_id


def _check_name(name: str) -> None:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise UserError(f"name='{name}': letters, digits, '-' and '_' make a name")
    if name.removeprefix("birdml-") in load_zoo():
        raise UserError(f"name='{name}' is that of a single model; choose another")


def _identity(options: EnsembleOptions, dataset: Dataset, models: list[TrackedModel]) -> str:
    asked = asdict(options) | {"dataset": dataset.digest, "models": [m.run_id for m in models]}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _print(options: EnsembleOptions, found: Found, version: str, champion: bool) -> None:
    members = [
        (
            c.name,
            f"{c.weight:.4f}",
            f"{c.share:.1%}",
            *(f"{value:.4f}" for value in (c.alone, c.without, c.so_far)),
        )
        for c in found.contributions
    ]
    print(table_text(("member", "weight", "share", "alone", "without", "so far"), members))
    rows = [("ensemble", found.scores["map"], found.scores["map_bg"], "")]
    if found.crossfit is not None:
        other = "  weights found on other recordings"
        rows.append((other, found.crossfit.map, found.crossfit.map_bg, ""))
    rows += [(rival.name, rival.map, rival.map_bg, f"{rival.won} of 50") for rival in found.rivals]
    cells = [(name, figure(one), figure(with_bg), won) for name, one, with_bg, won in rows]
    print(f"\n{table_text(('', 'MAP', 'MAP-bg', 'tenths won'), cells)}")
    print(f"\nsearch: {len(found.trials.values)} steps in {found.seconds:.1f} s")
    holds = "champion" if champion else "no better than the champion, which stays"
    print(f"{options.name} version {version}: {holds}")
