"""What is measured: models with a picture and an object in it."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from benchmarks.shared_data import data_directory, triples
from misure_onnx.api import load_segmenter
from misure_onnx.methods.progress import silent
from misure_onnx.methods.task import Task
from misure_onnx.network_input import size_in_network_axes
from misure_onnx.preprocessing import Preprocessing
from misure_onnx.segmenter import CountingSegmenter, Segmenter, load_input
from misure_onnx.target import Target

DATA_TRIPLES = ("D12", "D13", "D01", "D06", "D14", "D15")


@dataclass(frozen=True)
class Case:
    """A model file, a picture and what is explained in it."""

    model: Path
    picture: Path
    preprocessing: Preprocessing | None
    asked: Target


def cases() -> dict[str, Case]:
    """The bundled model, and some of the data directory's."""
    bundled = Path(str(files("misure_onnx") / "demo"))
    scene = (bundled / "triangle.onnx", bundled / "triangle.png", None)
    found = {"bundled": Case(*scene, Target()), "bundled object": Case(*scene, Target.at(67, 124))}
    if data_directory() is not None:
        found |= {
            t.name: Case(t.model, t.image, t.preprocessing, Target.from_class(t.class_index))
            for t in triples()
            if t.name in DATA_TRIPLES
        }
    return found


def loaded(case: Case, provider: str = "cpu") -> Segmenter:
    """The model, just loaded."""
    return load_segmenter(case.model, case.preprocessing, provider=provider)


def task_of(case: Case, segmenter: Segmenter) -> Task:
    """What a method would be asked."""
    counting, picture = CountingSegmenter(segmenter), load_input(case.picture)
    image = counting.prepare(picture)
    size = size_in_network_axes(picture.size, counting.spec.preprocessing)
    target = case.asked.resolve(counting.spec, counting.predict(image), size)
    return Task(counting, image, target, 0, counting.spec.batch_size, silent)
