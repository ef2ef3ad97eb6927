"""Options of models behind a server, the same for every command that takes a MODEL."""

import argparse
from typing import TYPE_CHECKING, Any

from misure_onnx.errors import ParameterError

if TYPE_CHECKING:  # it imports numpy and more
    from misure_onnx.backends.open_inference import RemoteOptions

MODEL_HELP = (
    "ONNX file, or the address of a model behind a server: http://HOST:PORT/v2/models/NAME, grpc://HOST:PORT/NAME"
)
_OPTIONS = (
    "protocol", "header", "header_from", "timeout", "ca_file", "server_input", "request_bytes", "concurrency",
)  # fmt: skip


def add_remote_arguments(parser: argparse.ArgumentParser) -> None:
    """How a server is asked."""
    group = parser.add_argument_group("server (where MODEL is an address)")
    group.add_argument("--protocol", choices=("auto", "binary", "json"), help="tensors over http (default: auto)")
    group.add_argument(
        "--header", action="append", metavar="NAME=VALUE", help="sent with every request; for nothing secret"
    )
    group.add_argument(
        "--header-from", action="append", metavar="NAME=SOURCE", help="a secret one, from env:VARIABLE or file:PATH"
    )
    group.add_argument("--timeout", type=float, metavar="SECONDS", help="for one answer (default: 60)")
    group.add_argument("--ca-file", metavar="FILE", help="certificates to trust (PEM), if not the system's")
    group.add_argument(
        "--server-input",
        metavar="NAME:TYPE:SHAPE",
        help="where the server says nothing about its input, or something wrong, e.g. image:FP32:-1,3,224,224",
    )
    group.add_argument("--request-bytes", type=int, metavar="N", help="most in one request (32 MB, by gRPC 4 MB)")
    group.add_argument("--concurrency", type=int, metavar="N", help="requests at the same time (2, or 4 of one image)")


def requested_remote(arguments: argparse.Namespace) -> "RemoteOptions | None":
    """The options that were given; None: none.

    Raises:
        ParameterError: one of them is ill-formed or out of range.
    """
    given: dict[str, Any] = {n: getattr(arguments, n) for n in _OPTIONS if getattr(arguments, n) is not None}
    if not given:
        return None
    from misure_onnx.backends.open_inference import RemoteOptions  # noqa: PLC0415 - `--help` must start fast

    return RemoteOptions(
        input=given.pop("server_input", None),
        headers=_pairs("--header", given.pop("header", [])),
        headers_from=_pairs("--header-from", given.pop("header_from", [])),
        **given,
    )


def _pairs(option: str, entries: list[str]) -> dict[str, str]:
    found = {}
    for entry in entries:
        name, separator, value = entry.partition("=")
        if not separator or not value:
            raise ParameterError(f"{option} expects NAME=VALUE")  # the entry itself may hold a secret
        found[name] = value
    return found
