"""The paper's figures from the rows of a column; qualitative ones explain their few samples anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.datasets.labelled import Dataset
from benchmarks.paper.questions import Question, questions
from benchmarks.paper.reliability import judged_classes
from benchmarks.paper.results import Results
from benchmarks.paper.settings import GRID, PAPER, TABLE_1, Setting
from benchmarks.paper.tables import method_label, number, summaries
from misure_onnx.explanation import Explanation
from misure_onnx.images import load_image
from misure_onnx.segmenter import Segmenter

mpl.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False})

EXAMPLES = 3
"""Rows of a qualitative figure, one a class where there are more."""

MOST_CLASSES = 8


@dataclass(frozen=True, eq=False)
class Source:
    """What a qualitative figure explains.

    Attributes:
        dataset: the validation part.
        segmenter: the model.
        settings: by name.
    """

    dataset: Dataset
    segmenter: Segmenter
    settings: dict[str, Setting]


def draw_scatter(results: Results, source: Source, place: Path) -> None:
    """Dice explained against perturbation ratio, a point an object: what Table 1 takes means of."""
    del source  # everything is in the rows
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for setting in TABLE_1:
        for threshold in summaries(results, setting):
            regions = [row["regions"][threshold] for _, row in results.of(setting)]
            axes.scatter(
                [region["ratio"] for region in regions],
                [region["dice"] for region in regions],
                s=12,
                label=method_label(setting, threshold),
            )
    others = [row["regions"][""] for setting in GRID if setting != PAPER for _, row in results.of(setting)]
    axes.scatter([r["ratio"] for r in others], [r["dice"] for r in others], s=4, color="black", label="eq. 1, Table 2")
    ratios = np.geomspace(0.05, 1, 100)
    axes.plot(ratios, 2 * ratios / (1 + ratios), color="grey", linewidth=1, label="found is what is seen: 2r / (1 + r)")
    axes.set(xscale="log", xlabel="perturbation ratio", ylabel="Dice explained", ylim=(0, 1.02))
    axes.legend(fontsize=6)
    _save(figure, place)


def draw_sizes(results: Results, source: Source, place: Path) -> None:
    """Figures 4 to 7: dilations and perturbation ratio against the size of the prediction, a row a class."""
    del source
    pairs = list(results.of(PAPER))
    classes = sorted({question["class"] for question, _ in pairs})
    figure = Figure(figsize=(7, 2.2 * max(1, len(classes))), layout="constrained")
    for line, name in enumerate(classes):
        mine = [(question, row) for question, row in pairs if question["class"] == name]
        sizes = [question["pixels"] / question["image_pixels"] for question, _ in mine]
        for column, (label, values) in enumerate(
            (
                ("dilations", [row["dilations"] for _, row in mine]),
                ("perturbation ratio", [row["regions"][""]["ratio"] for _, row in mine]),
            )
        ):
            axes = figure.add_subplot(len(classes), 2, 2 * line + column + 1)
            axes.scatter(sizes, values, s=10)
            axes.set(xlabel="prediction, share of the image", ylabel=label, title=name)
            axes.set_ylim(0, max(1, 1.1 * max(values)))
    _save(figure, place)


def draw_rows(results: Results, source: Source, place: Path) -> None:
    """Figures 1 to 3: image, prediction, X_SR, M_MSR, RISE and Seg-Grad-CAM, a row an object."""
    del results
    chosen = _examples(source)
    figure = Figure(figsize=(9, 1.6 * max(1, len(chosen))), layout="constrained")
    titles = ("image", "prediction", "dilation (X_SR)", "MSR, `paper`", "MSR, our default", "RISE", "SG-CAM")
    for line, question in enumerate(chosen):
        for column, (title, picture, colours) in enumerate(zip(titles, *_pictures(source, question), strict=True)):
            axes = figure.add_subplot(len(chosen), len(titles), line * len(titles) + column + 1)
            axes.imshow(picture, cmap=colours)
            axes.set_xticks([])
            axes.set_yticks([])
            if line == 0:
                axes.set_title(title)
            if column == 0:
                axes.set_ylabel(question.class_name)
    _save(figure, place)


def _examples(source: Source) -> list[Question]:
    """Three of an only class, one of each where there are more."""
    classes = len(source.dataset.class_names) - 1
    return list(questions(source.segmenter, source.dataset, EXAMPLES if classes == 1 else min(classes, MOST_CLASSES)))


def _pictures(source: Source, question: Question) -> tuple[list[Any], list[str]]:
    """Pictures and colour maps of one row."""
    image = load_image(question.item.image).rgb

    def explained(name: str) -> Explanation:
        return source.settings[name].method.explain(source.segmenter, question.item.image, question.target)

    paper, smooth, rise, cam = (explained(name) for name in (PAPER, "smooth", "rise", "seg_grad_cam"))
    sufficient = np.zeros(image.shape[:2], bool) if paper.sufficient_region is None else paper.sufficient_region
    pictures = [image, paper.prediction, image * sufficient[..., None], paper.saliency, smooth.saliency]
    pictures += [rise.saliency, cam.saliency]
    return pictures, ["gray", "gray", "gray", "gray", "gray", "jet", "jet"]


def draw_roc(results: Results, source: Source, place: Path) -> None:
    """Figure 8: a ROC curve a class; what has none is named with the reason."""
    del source
    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for name, judged in judged_classes(results):
        curve = judged.curve()
        if curve is None:
            axes.plot([], [], " ", label=f"{name}: too few good or bad predictions")
        else:
            axes.plot(*curve, label=f"{name}: AUC {number(judged.auc)}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    axes.legend(fontsize=6)
    _save(figure, place)


def draw_reliability(results: Results, source: Source, place: Path) -> None:
    """Figure 9: image, prediction, truth and M_MSR with the probability that the prediction is good."""
    shown = [(names[0], 0.0 if p is None else float(p[0])) for names, p in _judged(results)][:EXAMPLES]
    found = {q.name: q for q in questions(source.segmenter, source.dataset, len(results.questions) or 1)}
    chosen = [(found[name], probability) for name, probability in shown if name in found]
    figure = Figure(figsize=(6, 1.7 * max(1, len(chosen))), layout="constrained")
    for line, (question, probability) in enumerate(chosen):
        made = source.settings[PAPER].method.explain(source.segmenter, question.item.image, question.target)
        truth = question.item.labels == source.dataset.class_names.index(question.class_name)
        image = load_image(question.item.image).rgb
        for column, picture in enumerate((image, made.prediction, truth, made.saliency)):
            axes = figure.add_subplot(len(chosen), 4, 4 * line + column + 1)
            axes.imshow(picture, cmap="gray")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_title(("image", "prediction", "truth", "M_MSR")[column] if line == 0 else "")
            if column == 0:
                dice = f"Dice {question.truth_dice:.2f}\nP(good) {probability:.2f}"
                axes.set_ylabel(f"{question.class_name}\n{dice}", fontsize=6)
    _save(figure, place)


def _judged(results: Results) -> Sequence[tuple[tuple[str, ...], Any]]:
    return [(judged.names, judged.probability) for _, judged in judged_classes(results)]


def _save(figure: Figure, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, dpi=120)
