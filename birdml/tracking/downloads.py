"""Files of a store on this machine: where they lie, or fetched once into the user's cache.

Invariant: what a finished run or a version holds is written once. So a place in the store, with the
names and sizes of its files, stands for their content.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from birdml.errors import UserError
from birdml.files import cache_folder
from birdml.tracking.retry import retry

if TYPE_CHECKING:
    from birdml.tracking.client import Store

LIMIT_GB = 20.0
AT_WORK = 3600.0  # seconds in which somebody may still read what was asked for
UNFINISHED = "fetching-"
MOVED = "is not there: the store, or a part of it, was moved"


def fetch(client: "Store", uri: str, path: str = "") -> Path:
    """A file or folder of a store on this machine; nobody may write there.

    `uri` is `runs:/<run id>` or `models:/<name>/<version>`, `path` lies in it. A local store's
    files are named where they are. Others are fetched into the cache, which keeps to
    BIRDML_CACHE_GB (20): the longest unused go first. Raises FileNotFoundError where the store has
    no such files, UserError where the cache can't be written.
    """
    import mlflow
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

    mlflow.set_tracking_uri(client.tracking_uri)  # what models:/ is looked up in
    repository = retry(lambda: get_artifact_repository(uri, tracking_uri=client.tracking_uri))
    inner = getattr(repository, "repo", repository)
    if isinstance(inner, LocalArtifactRepository):
        place = Path(inner.artifact_dir) / path
        if not place.exists():
            raise FileNotFoundError(f"{place} {MOVED}")
        return place
    files = retry(lambda: sorted(_files(repository, path)))
    if not files:
        raise FileNotFoundError(f"{uri} has no files at '{path}'")
    said = json.dumps([client.tracking_uri, uri, path, files])
    target = cache_folder() / hashlib.sha256(said.encode()).hexdigest()[:32]
    try:
        if not target.exists():
            retry(lambda: _download(repository, path, target))
        os.utime(target)
    except OSError as error:
        raise UserError(
            f"can't keep downloads in '{target.parent}' ({error.strerror or error}); name a folder "
            "that can be written in BIRDML_CACHE"
        ) from None
    return target / path


def lost_folder(client: "Store", run_id: str) -> Path | None:
    """Where the files of a run should lie on this machine, if nothing is there any more."""
    parts = urlsplit(client.get_run(run_id).info.artifact_uri)
    folder = Path(unquote(parts.path))
    return folder if parts.scheme in ("", "file") and not folder.exists() else None


def _files(repository: Any, path: str) -> Iterator[tuple[str, int]]:
    """Names and sizes of all files at a path of a repository."""
    listed = repository.list_artifacts(path or None)
    for info in listed:
        if info.is_dir:
            yield from _files(repository, info.path)
        else:
            yield info.path, info.file_size or 0


def _download(repository: Any, path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=target.parent))
    try:
        repository.download_artifacts(path, str(beside))
        with contextlib.suppress(FileExistsError, NotADirectoryError):
            if not target.exists():  # another process may have been faster
                beside.rename(target)
        make_room(target.parent, target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def make_room(folder: Path, kept: Path | None = None) -> None:
    """Removes the longest unused downloads until the rest keeps to the limit, and what killed
    downloads left; nothing that was asked for within the hour."""
    limit = float(os.environ.get("BIRDML_CACHE_GB") or LIMIT_GB) * 1e9
    entries = [(entry.stat().st_mtime, entry) for entry in folder.iterdir() if entry.is_dir()]
    sizes = {
        entry: sum(file.stat().st_size for file in entry.rglob("*") if file.is_file())
        for _, entry in entries
    }
    total = sum(sizes.values())
    for used, entry in sorted(entries):
        if time.time() - used < AT_WORK or entry == kept:
            continue
        if total > limit or entry.name.startswith(UNFINISHED):
            shutil.rmtree(entry, ignore_errors=True)
            total -= sizes[entry]
