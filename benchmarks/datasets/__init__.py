"""Data sets of the benchmarks: generated ones, and readers of files the user has."""
