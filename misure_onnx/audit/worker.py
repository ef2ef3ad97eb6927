"""What every worker does, on one machine or many: take an image, write its shards."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from misure_onnx.audit.asking import Question, load_model, load_sample, questions, size_of_crop
from misure_onnx.audit.columns import Row
from misure_onnx.audit.maps import save_map
from misure_onnx.audit.rows import asked_columns, explained_row, failed_row, image_columns
from misure_onnx.audit.sample import Sample, files_digest
from misure_onnx.audit.settings import AuditSettings, shard_key
from misure_onnx.audit.shards import Shards
from misure_onnx.errors import MisureError
from misure_onnx.methods.base import Method
from misure_onnx.metrics.base import TruthMetric
from misure_onnx.segmenter import LoadedInput


@dataclass(frozen=True)
class Job:
    """One image.

    Attributes:
        index: its place in the data set.
        sample: the image.
        fatal: why it must not be tried again: its rows say so instead.
    """

    index: int
    sample: Sample
    fatal: str | None = None


@dataclass(frozen=True)
class Done:
    """One image whose shards are there.

    Attributes:
        index: its place in the data set.
        keys: of its shards, one a method.
        computed: how many of them were written now.
    """

    index: int
    keys: tuple[str, ...]
    computed: int


class Worker:
    """Holds the model and works on one image after the other.

    Args:
        settings: of the audit.
        out: its folder.

    Raises:
        MisureError: the model cannot be loaded.
    """

    def __init__(self, settings: AuditSettings, out: Path) -> None:
        self.settings, self.shards = settings, Shards(out)
        self.segmenter = load_model(settings)

    def work(self, job: Job) -> Done:
        """Writes the shards that are missing.

        Raises:
            OutputError: they cannot be written; any other failure becomes a row.
        """
        sample = job.sample
        record = {
            "name": sample.name,
            "image_sha256": files_digest(sample.files),
            "truth": sample.truth.digest() if sample.truth else None,
            "group": sample.group,
            "class": sample.class_spec,
            "number": sample.number,
        }
        question = self.settings.question()
        keys = [shard_key(question, self.segmenter.identity, method, record) for method in self.settings.methods]
        retry = self.settings.retry_failed
        missing = [
            (key, method)
            for key, method in zip(keys, self.settings.methods, strict=True)
            if not self.shards.finished(key, retry_failed=retry)
        ]
        if missing:
            self._compute(job, image_columns(record), missing)
        return Done(job.index, tuple(keys), len(missing))

    def _compute(self, job: Job, image: Row, missing: Sequence[tuple[str, Method]]) -> None:
        loaded: LoadedInput | None = None
        asked: list[Question] = []
        failure = job.fatal
        if failure is None:
            try:
                loaded = load_sample(job.sample, self.settings.crop, size_of_crop(self.segmenter.spec))
                image = {**image, "size": list(loaded.size)}
                asked = questions(self.settings, self.segmenter, job.sample, loaded)
            except Exception as error:  # noqa: BLE001 - whatever one image does, the others are explained
                failure = _sentence(error)
        for key, method in missing:
            with self.shards.begun(key) as rows:
                if failure is not None or loaded is None:
                    rows.append(failed_row(image, method, self.settings.seed, failure or "unknown"))
                elif not asked:
                    reason = f"the model predicts nothing but background on {self.settings.min_pixels} pixels or more"
                    rows.append(failed_row(image, method, self.settings.seed, reason, status="nothing_predicted"))
                else:
                    rows.extend(self._rows(image, loaded, asked, method, key))

    def _rows(self, image: Row, loaded: LoadedInput, asked: Sequence[Question], method: Method, key: str) -> list[Row]:
        """One row a class or object."""
        rows, spent, budget = list[Row](), 0, self.settings.image_budget
        for number, question in enumerate(asked):
            if question.target is not None and budget is not None and spent >= budget:
                rows.append(
                    self._without(image, method, question, f"image budget of {budget} forwards is spent", "over_budget")
                )
                continue
            row = self._row(image, loaded, question, method, f"{key}-{number}")
            spent += row.get("forwards") or 0
            rows.append(row)
        return rows

    def _row(self, image: Row, loaded: LoadedInput, question: Question, method: Method, stem: str) -> Row:
        if question.target is None:
            return self._without(image, method, question, question.reason or "", "not_predicted")
        needs_truth = any(isinstance(metric, TruthMetric) for metric in self.settings.metrics.values())
        try:
            found = method.explain(
                self.segmenter,
                loaded,
                question.target,
                seed=self.settings.seed,
                batch_size=self.settings.batch_size,
                scoring=self.settings.scoring,
                metrics=self.settings.metrics,
                truth=question.asked.truth if needs_truth else None,
            )
            row = explained_row(image, method, question.asked, found)
        except Exception as error:  # noqa: BLE001 - as above
            return self._without(image, method, question, _sentence(error), "failed")
        return row | save_map(found.saliency, self.settings.maps, self.shards.out, stem)

    def _without(self, image: Row, method: Method, question: Question, error: str, status: str) -> Row:
        row = failed_row(image, method, self.settings.seed, error, status=status)
        if question.target is None:
            return row | asked_columns(question.asked)
        known = asked_columns(question.asked)
        known.pop("dice_truth", None)  # of a prediction at the image's size, which was not made
        return row | known


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, MisureError) else f"{type(error).__name__}: {error}"
