"""The option --seed."""

import argparse

from misure_onnx.errors import ParameterError


def add_seed_argument(parser: "argparse.ArgumentParser | argparse._ArgumentGroup", of: str) -> None:
    """Of what the seed is, in a few words."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=f"of {of} (default: 0)")


def check_seed(arguments: argparse.Namespace) -> None:
    """Refuses what no generator takes.

    Raises:
        ParameterError: it is negative.
    """
    if arguments.seed < 0:
        raise ParameterError(f"--seed must not be negative, got {arguments.seed}")
