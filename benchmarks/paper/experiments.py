"""From a table's or figure's name to what is measured, printed and drawn."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from benchmarks.datasets.registry import open_dataset
from benchmarks.paper import figures, tables
from benchmarks.paper.columns import Column
from benchmarks.paper.measuring import Models, measured
from benchmarks.paper.questions import Question, about_one_object, questions
from benchmarks.paper.results import Results
from benchmarks.paper.settings import GRID, OBJECTS, PAPER, READINGS, SIZES, TABLE_1, Setting, settings
from misure_onnx.api import load_segmenter


@dataclass(frozen=True)
class Experiment:
    """One table or figure.

    Attributes:
        dataset, model: of the paper's version; None: the data set's first model.
        settings: what has to be measured.
        table: results -> what is printed.
        draw: results, data set and model's directory -> picture.
        one_object: asked about one of Triangle's objects.
    """

    dataset: str
    model: str | None
    settings: tuple[str, ...]
    table: Callable[[Results], str]
    draw: Callable[[Results, figures.Source, Path], None]
    one_object: bool = False


_ROWS = ("seg_grad_cam", "rise", PAPER)


def _table(
    settings: tuple[str, ...], table: Callable[[Results], str], dataset: str = "triangle", model: str | None = None
) -> Experiment:
    return Experiment(dataset, model, settings, table, figures.draw_scatter)


def _figure(
    dataset: str, model: str | None, draw: Callable[[Results, figures.Source, Path], None], *names: str
) -> Experiment:
    return Experiment(dataset, model, names, tables.table_1, draw)


EXPERIMENTS: Mapping[str, Experiment] = {
    "table1": _table(TABLE_1, tables.table_1),
    "table2": _table(GRID, tables.grid),
    "table3": _table(GRID, tables.grid, "synapse", "unet"),
    "table4": _table(GRID, tables.grid, "synapse", "transunet"),
    "table5": _table(GRID, tables.grid, "coco"),
    "table6": _table(SIZES, tables.mask_sizes),
    "table7": Experiment("synapse", "unet", (PAPER,), tables.reliability, figures.draw_roc),
    "figure1": _figure("triangle", "unet", figures.draw_rows, *_ROWS),
    "figure2": _figure("synapse", None, figures.draw_rows, *_ROWS),
    "figure3": _figure("coco", None, figures.draw_rows, *_ROWS),
    "figure4": _figure("synapse", "unet", figures.draw_sizes, PAPER),
    "figure5": _figure("synapse", "transunet", figures.draw_sizes, PAPER),
    "figure6": _figure("triangle", "unet", figures.draw_sizes, PAPER),
    "figure7": _figure("coco", None, figures.draw_sizes, PAPER),
    "figure8": Experiment("synapse", "unet", (PAPER,), tables.reliability, figures.draw_roc),
    "figure9": Experiment("synapse", "unet", (PAPER,), tables.reliability, figures.draw_reliability),
    "readings": _table((PAPER, *READINGS), tables.readings),
    "objects": Experiment("triangle", "unet", OBJECTS, tables.objects, figures.draw_scatter, one_object=True),
}
"""The paper's, then ours: how the method can be read, and whether regions hold what is known to matter."""


@dataclass(frozen=True)
class Run:
    """One command; the fields are its options."""

    what: str
    column: Column
    data: Path | None
    model: Path
    out: Path
    figure: Path
    samples: int
    layer: str
    small: bool


def run(request: Run) -> str:
    """Measures what is missing, draws the figure, and gives the table."""
    experiment = EXPERIMENTS[request.what]
    results = Results.opened(request.out, request.column, request.model, small=request.small)
    dataset = open_dataset(request.column.dataset, request.data, "validation")
    segmenter = load_segmenter(request.model)
    known = settings(small=request.small, layer=request.layer)
    with tempfile.TemporaryDirectory() as place:
        models = Models(segmenter, request.model, Path(place))
        asked = questions(segmenter, dataset, request.samples)
        for question in tqdm(asked, desc=request.what, total=request.samples, mininterval=2):
            chosen = about_one_object(question) if experiment.one_object else question
            if chosen is not None:
                _complete(results, models, chosen, {name: known[name] for name in experiment.settings})
    results.write()
    experiment.draw(results, figures.Source(dataset, segmenter, known), request.figure)
    size = f"small version: {request.samples} samples, a smaller network; " if request.small else ""
    return f"{size}{request.out}, {request.figure}\n\n{experiment.table(results)}"


def _complete(results: Results, models: Models, question: Question, wanted: Mapping[str, Setting]) -> None:
    for name, setting in wanted.items():
        if not results.has(question, name):
            results.add(question, name, measured(models, question, setting))
