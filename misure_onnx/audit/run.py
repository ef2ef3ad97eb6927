"""A whole audit: workers, shards, table, record."""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misure_onnx.audit.arrow import parquet
from misure_onnx.audit.asking import load_model
from misure_onnx.audit.columns import Row
from misure_onnx.audit.datasets import Dataset
from misure_onnx.audit.engines import ENGINES
from misure_onnx.audit.engines.crew import Staff, dispatch
from misure_onnx.audit.record import RECORD, Tally, record
from misure_onnx.audit.settings import AuditSettings
from misure_onnx.audit.shards import Shards
from misure_onnx.audit.table import TABLE, write_table
from misure_onnx.audit.worker import Done, Job
from misure_onnx.classes import class_index
from misure_onnx.directory_lock import HeldError, held
from misure_onnx.errors import OutputError, ParameterError
from misure_onnx.execution_providers import CPU
from misure_onnx.files import check_directory, encode_json, write_whole
from misure_onnx.methods.progress import Progress, silent
from misure_onnx.processors import usable_cores
from misure_onnx.segmenter import Segmenter


@dataclass(frozen=True)
class Engine:
    """Where and how wide an audit runs.

    Attributes:
        name: in `ENGINES`.
        workers: None: one a usable processor (at most one an image); one where the model runs on a GPU.
        threads: a worker; None: the processors shared out evenly.
        gpus, address: see `Staff`.
    """

    name: str = "local"
    workers: int | None = None
    threads: int | None = None
    gpus: float = 0.0
    address: str | None = None

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise ParameterError(f"engine {self.name!r} is unknown; the known ones are {', '.join(ENGINES)}")
        for what, value in (("workers", self.workers), ("threads", self.threads)):
            if value is not None and value < 1:
                raise ParameterError(f"{what} must be at least 1, got {value}")
        if self.name == "inline" and ((self.workers or 1) > 1 or self.threads or self.gpus or self.address):
            raise ParameterError(
                "--engine inline is one worker with all threads this process may use (MISURE_THREADS bounds them); "
                "workers, threads, GPUs and addresses are for local and ray"
            )
        if self.gpus < 0:
            raise ParameterError(f"GPUs a worker must not be negative, got {self.gpus}")

    def staff(self, settings: AuditSettings, out: Path, images: int, segmenter: Segmenter) -> Staff:
        """Who works, with what was left open decided: no more threads than processors."""
        cores = usable_cores()
        alone = self.name == "inline" or segmenter.identity.providers_used != (CPU,)
        most = min(images, 1 if alone else cores)
        workers = self.workers or max(1, min(most, cores // (self.threads or 1)))
        threads = self.threads or max(1, cores // workers)
        return Staff(settings, out.resolve(), workers, threads, self.gpus, self.address)


@dataclass(frozen=True)
class AuditResult:
    """What an audit left.

    Attributes:
        table: its Parquet file.
        record: what `audit.json` holds.
    """

    table: Path
    record: dict[str, Any]


def run_audit(
    dataset: Dataset,
    settings: AuditSettings,
    out: str | Path,
    *,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> AuditResult:
    """Explains every image of a data set, or what is left of it, and writes the table.

    Args:
        dataset: the images.
        settings: what is asked about each.
        out: the audit's folder; what an earlier run left there is not computed again.
        engine: where it runs; None: processes of this machine.
        progress: called with ("images", done, total).

    Raises:
        ModelError, PreprocessingError, ProviderError, TargetError: the model or a class cannot be used.
        OutputError: the folder cannot be written, lies inside the data set or is another running audit's, or pyarrow
            is not installed.
        MisureError: workers cannot start.
    """
    place, chosen = Path(out), engine or Engine()
    check_directory(place)
    if dataset.path.is_dir() and place.resolve().is_relative_to(dataset.path.resolve()):
        raise OutputError(
            f"the audit's folder {str(place)!r} lies inside the data set {str(dataset.path)!r}: its maps would become "
            "images of the next run; choose another one (--out)"
        )
    parquet()
    shards = Shards(place)
    try:
        shards.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{str(place)!r} cannot be written: {error.strerror or error}") from error
    try:
        with held(shards.folder, wait=False):
            return _run(dataset, settings, place, chosen, progress)
    except HeldError as error:
        raise OutputError(
            f"an audit is running in {str(place)!r}: wait for it (the same command then finds everything done), or "
            "choose another directory (--out)"
        ) from error


def _run(dataset: Dataset, settings: AuditSettings, place: Path, chosen: Engine, progress: Progress) -> AuditResult:
    started, clock = dt.datetime.now(dt.UTC), time.perf_counter()
    segmenter = _checked(settings)
    staff = chosen.staff(settings, place, len(dataset.samples), segmenter)
    keys: list[tuple[str, ...]] = [()] * len(dataset.samples)
    tally = Tally()
    progress("images", 0, len(keys))
    with _working(chosen.name, staff, dataset) as ends:
        for number, done in enumerate(ends, start=1):
            keys[done.index] = done.keys
            tally.computed += done.computed
            progress("images", number, len(keys))
    shards = Shards(place)
    tally.interrupted = shards.remove_leftovers()
    write_table(_rows(shards, keys, tally), place / TABLE)
    ran = {
        "engine": chosen.name,
        "workers": staff.workers,
        "threads": staff.threads,
        "gpus": staff.gpus,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 3),
    }
    document = record(dataset, settings, segmenter.identity, tally, ran)
    write_whole(place / RECORD, encode_json(document))
    return AuditResult(place / TABLE, document)


def _checked(settings: AuditSettings) -> Segmenter:
    """The model, refused here rather than by every worker; and the classes asked for."""
    segmenter = load_model(settings)
    for one in settings.classes or ():
        class_index(segmenter.spec, one)
    return segmenter


@contextmanager
def _working(name: str, staff: Staff, dataset: Dataset) -> Iterator[Iterator[Done]]:
    crew = ENGINES[name](staff)
    try:
        yield dispatch(crew, (Job(index, sample) for index, sample in enumerate(dataset.samples)))
    finally:
        crew.close()


def _rows(shards: Shards, keys: list[tuple[str, ...]], tally: Tally) -> Iterator[Row]:
    """In the order of the data set, whoever was faster."""
    for of_image in keys:
        for key in of_image:
            for row in shards.read(key):
                tally.count(row)
                yield row
