"""Which exported segmentation graphs the gradient routes convert, how faithfully, and how fast.

    python -m benchmarks.coverage --out benchmarks/results/coverage.json    measures what is missing there
    python -m benchmarks.coverage --table docs/coverage.md                  writes the table from the results

Measuring needs the libraries of `requirements.txt` beside this file; nothing is downloaded, weights are random.
"""
