"""The paper's tables and figures, one command each.

    python -m benchmarks.paper table1 --dataset triangle --data DIR --onnx out/triangle_unet.onnx
    python -m benchmarks.paper figure4 --data DIR --onnx out/synapse_unet.onnx
    python -m benchmarks.paper page

`--small` is the version for two processor cores: fewer samples, fewer RISE masks, and networks trained with `--small`.
Finished explanations are kept in --out, which all commands of a column share; a command measures what is missing there.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.paper.columns import COLUMNS, find_column
from benchmarks.paper.experiments import EXPERIMENTS, Run, run
from benchmarks.paper.page import write_page

RESULTS = Path("benchmarks/results")


def main(arguments: list[str] | None = None) -> int:
    """Runs one experiment, or writes the page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paper", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=[*EXPERIMENTS, "page"], help="a table or figure; page: docs/paper.md")
    parser.add_argument("--dataset", choices=sorted({data for data, _ in COLUMNS}), help="instead of the figure's own")
    parser.add_argument("--model", choices=sorted({model for _, model in COLUMNS}), help="instead of the figure's own")
    parser.add_argument("--data", type=Path, help="directory of the data set's files")
    parser.add_argument("--onnx", type=Path, help="the model: benchmarks.paper.train or benchmarks.paper.deeplab")
    parser.add_argument("--out", type=Path, help="JSON of results (benchmarks/results/paper_COLUMN.json)")
    parser.add_argument("--figure", type=Path, help="picture to write (beside --out)")
    parser.add_argument("--samples", type=int, help="objects to explain, instead of the paper's or the small number")
    parser.add_argument("--layer", default="", help="tensor for Seg-Grad-CAM (the bottleneck; DeepLabV3: its ASPP)")
    parser.add_argument("--small", action="store_true", help="the version for two processor cores")
    options = parser.parse_args(arguments)
    if options.what == "page":
        write_page(RESULTS, options.out or Path("docs/paper.md"))
        return 0
    if options.onnx is None:
        parser.error("--onnx: which model? python -m benchmarks.paper.train makes one")
    experiment = EXPERIMENTS[options.what]
    column = find_column(options.dataset or experiment.dataset, options.model or experiment.model)
    size = "_small" if options.small else ""
    out = options.out or RESULTS / f"paper_{column.name}{size}.json"
    figure = options.figure or out.with_name(f"{out.stem}_{options.what}.png")
    samples = options.samples or (column.small if options.small else column.samples)
    request = Run(options.what, column, options.data, options.onnx, out, figure, samples, options.layer, options.small)
    try:
        print(run(request))
    except (ValueError, FileNotFoundError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
