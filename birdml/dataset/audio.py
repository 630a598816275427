"""The audio of a dataset: every raw file converted once, in parallel, and restartable.

Each finished file is one line of a journal in the dataset's working folder. A line counts as long
as the raw file has the size and time of change noted in it and the WAV has the hash noted in it;
whatever is killed at any moment, the next start does the rest.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from birdml.dataset import wav_files
from birdml.dataset.decoders.notes import UnreadableAudio
from birdml.dataset.decoding import silent_decoders
from birdml.dataset.raw import RawRecording
from birdml.dataset.recording import SAMPLE_RATE
from birdml.dataset.writing import Origin
from birdml.files import write_error, write_text

SHORTEST = 0.1  # seconds: what is shorter holds no frame worth learning from
SILENCE = SAMPLE_RATE // 10  # samples that stand for a broken file which must not be lost


@dataclass(frozen=True)
class Converted:
    """What became of one raw file; without `wav_hash` it was left out, and `remarks` say why."""

    file: str
    stamp: str  # size and time of change of the raw file; '' where only its hash is known
    source_hash: str
    wav_hash: str
    remarks: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        return int(self.wav_hash.split("-")[0]) if self.wav_hash else 0


def convert_all(
    recordings: Sequence[RawRecording],
    audio: Path,
    journal: Path,
    workers: int,
    import_as_is: bool = False,
    channel: str = "mean",
) -> dict[str, Converted]:
    """Converts the audio of all recordings into a folder; file name -> what became of it.

    With `import_as_is`, files that already are what a dataset holds are linked or copied.
    Raises UserError where nothing can be written; what is done stays done.
    """
    known = read_journal(journal)
    done: dict[str, Converted] = {}
    with (
        ThreadPoolExecutor(workers) as pool,
        open(journal, "ab", buffering=0) as lines,
        silent_decoders() as screen,
        tqdm(total=len(recordings), unit="files", desc="audio", disable=None, file=screen) as bar,
    ):
        tasks = {
            pool.submit(_convert_one, r, audio, known.get(r.file), import_as_is, channel): r.file
            for r in recordings
        }
        try:
            for task in as_completed(tasks):
                result = task.result()
                if result is not known.get(result.file):
                    lines.write(f"{json.dumps(asdict(result))}\n".encode())
                done[result.file] = result
                bar.update()
        except OSError as error:
            raise write_error(error, journal) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return done


def read_journal(journal: Path) -> dict[str, Converted]:
    """The last line of each file; a line cut short by a kill counts as none."""
    known = {}
    with suppress(FileNotFoundError), open(journal, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, TypeError):
                entry = json.loads(line)
                entry["remarks"] = tuple(entry["remarks"])
                known[entry["file"]] = Converted(**entry)
    return known


def write_journal(journal: Path, origins: Sequence[Origin]) -> None:
    """The journal of a finished dataset, so that only what was damaged since is done again."""
    entries = [
        Converted(
            o.file, "", o.source_hash, o.wav_hash, tuple(o.remarks.split("; ")) if o.remarks else ()
        )
        for o in origins
    ]
    write_text(journal, "".join(json.dumps(asdict(entry)) + "\n" for entry in entries))


def _convert_one(
    recording: RawRecording,
    audio: Path,
    known: Converted | None,
    import_as_is: bool,
    channel: str,
) -> Converted:
    source, target = recording.audio, audio / recording.file
    stamp = source_hash = ""
    try:
        if source is None:
            raise UnreadableAudio(recording.silent_for)
        status = source.stat()
        stamp = f"{status.st_size} {status.st_mtime_ns}"
        if known and known.stamp == stamp and _intact(known, target):
            return known
        source_hash = file_hash(source)
        from_table = known and not known.stamp and known.source_hash == source_hash
        if known and from_table and _intact(known, target):
            return known
        if import_as_is and (wav_hash := wav_files.wav_hash(source)):
            _link(source, target)
            return Converted(recording.file, stamp, source_hash, wav_hash)
        notes, wav_hash = wav_files.convert(source, target, channel)
    except OSError as error:
        why = f"unreadable ({error.strerror})"
        return _broken(recording, target, stamp, source_hash, why)
    except (UnreadableAudio, RuntimeError, ValueError) as error:
        return _broken(recording, target, stamp, source_hash, str(error))
    remarks = notes.said()
    fault = ""
    if notes.samples < SHORTEST * SAMPLE_RATE:
        fault = f"shorter than {SHORTEST} s"
    elif not notes.loudest:
        fault = "silent"
    if fault and (not recording.keep_broken or not notes.samples):
        target.unlink(missing_ok=True)
        return _broken(recording, target, stamp, source_hash, "; ".join((*remarks, fault)))
    if fault:
        remarks += (f"{fault}; kept",)
    return Converted(recording.file, stamp, source_hash, wav_hash, remarks)


def _broken(
    recording: RawRecording, target: Path, stamp: str, source_hash: str, why: str
) -> Converted:
    if not recording.keep_broken:
        return Converted(recording.file, stamp, source_hash, "", (f"left out: {why}",))
    wav_hash = wav_files.write_wav(target, np.zeros(SILENCE, np.int16))
    return Converted(recording.file, stamp, source_hash, wav_hash, (f"0.1 s of silence: {why}",))


def _intact(known: Converted, target: Path) -> bool:
    if not known.wav_hash:
        return True
    return wav_files.wav_hash(target) == known.wav_hash


def _link(source: Path, target: Path) -> None:
    """Puts a file in its place without copying it where that is possible."""
    beside = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        try:
            os.link(source.resolve(), beside)
        except OSError:  # another disk, or one without links
            shutil.copyfile(source, beside)
        os.replace(beside, target)
        beside.unlink(missing_ok=True)  # renaming one link over another to the same file keeps both
    except OSError as error:
        raise write_error(error, target) from error


def file_hash(path: Path) -> str:
    """Of a file's bytes."""
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
