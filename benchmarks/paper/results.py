"""The results of one column: one JSON document, to which every finished explanation is added at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.paper.columns import Column
from benchmarks.paper.questions import Question
from benchmarks.results_file import write_results
from misure_onnx.file_hash import sha256_of
from misure_onnx.machine import describe_machine


@dataclass
class Results:
    """What was measured so far.

    Attributes:
        place: the file.
        header: the column, the model and how large the run is.
        questions: by name: class, size and truth of what was explained.
        rows: by "question | setting".
        machine: where the last one was measured.
    """

    place: Path
    header: dict[str, Any]
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=describe_machine)

    @classmethod
    def opened(cls, place: Path, column: Column, model: Path, *, small: bool) -> "Results":
        """The file as it is, or a new one.

        Raises:
            ValueError: it holds another column, model or size.
        """
        header = {
            "dataset": column.dataset,
            "model": column.model,
            "small": small,
            "model_sha256": sha256_of(model),
            "training": _training(model),
        }
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            return cls(place, header)
        results = cls.read(place)
        for name in ("dataset", "model", "small", "model_sha256"):
            if results.header[name] != header[name]:
                raise ValueError(
                    f"{place} holds results with {name} {results.header[name]}, asked for is {header[name]}: "
                    "choose another --out"
                )
        return results

    @classmethod
    def read(cls, place: Path) -> "Results":
        """From a file."""
        document = json.loads(place.read_text(encoding="utf-8"))
        return cls(place, document["header"], document["questions"], document["rows"], document["machine"])

    def has(self, question: Question, setting: str) -> bool:
        """Whether this was measured."""
        return f"{question.name} | {setting}" in self.rows

    def add(self, question: Question, setting: str, row: dict[str, Any]) -> None:
        """Keeps one row, and writes the file."""
        self.questions[question.name] = {
            "class": question.class_name,
            "group": question.item.group,
            "pixels": question.pixels,
            "image_pixels": question.image_pixels,
            "truth_dice": question.truth_dice,
        }
        self.rows[f"{question.name} | {setting}"] = row
        self.machine = describe_machine()
        self.write()

    def of(self, setting: str, *, one_object: bool = False) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """(question, row) of a setting, about whole classes, or about one object of Triangle."""
        for name, question in self.questions.items():
            row = self.rows.get(f"{name} | {setting}")
            if row is not None and name.endswith("one object") == one_object:
                yield question, row

    def write(self) -> None:
        """The whole document, replaced at once."""
        document = {
            "machine": self.machine,
            "header": self.header,
            "questions": self.questions,
            "rows": self.rows,
        }
        write_results(self.place, document)


def _training(model: Path) -> dict[str, Any] | None:
    """What the training recorded beside the model."""
    record = model.with_suffix(".json")
    if not record.exists():
        return None
    found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return found
