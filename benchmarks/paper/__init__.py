"""The experiments of the paper (Hasany et al., MiSuRe, hal-05370304), one command a table or figure.

`python -m benchmarks.paper.train` makes the networks, `python -m benchmarks.paper table1` and so on measure,
`python -m benchmarks.paper page` writes docs/paper.md from what was measured.
"""
