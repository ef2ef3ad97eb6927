"""`misure serve`: the HTTP service."""

import argparse
import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

from misure_onnx.cli.output import write_line
from misure_onnx.errors import InputError, ParameterError

if TYPE_CHECKING:
    from misure_onnx.service.settings import Limits, ServiceSettings

HELP = "explain over HTTP, with a web page: see docs/service.md"

_LIMITS = {
    "upload_bytes": "bytes of one request (default: 20 MiB)",
    "pixels": "of an image, told from its header (default: 40 million)",
    "queue": "jobs that wait or run (default: 200)",
    "jobs_per_minute": "that a key may submit (default: 120)",
    "requests_per_minute": "of a key, submissions left out (default: 3000)",
    "job_seconds": "after which a job is given up (default: 3600)",
    "keep_hours": "after which an ended job is removed (default: 24)",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000")
    parser.add_argument(
        "--models", type=Path, metavar="DIR", help="folder of ONNX files, NAME.yaml beside each with its preprocessing "
        "where it needs one (default: the bundled model)"
    )  # fmt: skip
    parser.add_argument(
        "--data", type=Path, default=Path("misure-service"), metavar="DIR",
        help="jobs and results (default: misure-service)",
    )  # fmt: skip
    parser.add_argument(
        "--device", default="auto", metavar="NAME[,NAME…]", help="one worker process each: auto, cpu, cuda, cuda:1, …"
    )
    parser.add_argument(
        "--host-name", action="append", default=[], metavar="NAME",
        help="a name under which clients call this service (Host header); '*': any, for behind a proxy that checks it",
    )  # fmt: skip
    group = parser.add_argument_group("API keys")
    group.add_argument("--keys", type=Path, metavar="FILE", help="without it nobody needs a key: for this machine only")
    group.add_argument("--new-key", metavar="NAME", help="add a key to the file of --keys, print it, and end")
    group = parser.add_argument_group("limits")
    for name, text in _LIMITS.items():
        kind = float if name in ("job_seconds", "keep_hours") else int
        group.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=text)


def run(arguments: argparse.Namespace) -> int:
    """Serves until it is stopped."""
    if arguments.new_key is not None:
        return _new_key(arguments)
    if arguments.keys is None and not _is_here(arguments.host):
        raise ParameterError(
            f"--host {arguments.host} is open to other machines: give --keys FILE, so that not everybody can use it"
        )
    try:
        from misure_onnx.service.server import serve  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(f"the service needs its extra: pip install 'misure-onnx[service]' ({error})") from error
    serve(_settings(arguments), arguments.host, arguments.port)
    return 0


def _new_key(arguments: argparse.Namespace) -> int:
    from misure_onnx.service.keys import new_key  # noqa: PLC0415 - `--help` must start fast

    if arguments.keys is None:
        raise ParameterError("--new-key needs the file to add it to: --keys FILE")
    write_line(new_key(arguments.keys, arguments.new_key))
    return 0


def _settings(arguments: argparse.Namespace) -> "ServiceSettings":
    from misure_onnx.service.settings import ServiceSettings  # noqa: PLC0415 - `--help` must start fast

    names = ("localhost", "127.0.0.1", "[::1]", *(name.lower() for name in arguments.host_name))
    return ServiceSettings(
        data=arguments.data,
        models=arguments.models,
        keys=arguments.keys,
        devices=tuple(arguments.device.split(",")),
        hosts=names if arguments.host in names or _is_any(arguments.host) else (*names, arguments.host),
        limits=_limits(arguments),
    )


def _limits(arguments: argparse.Namespace) -> "Limits":
    from misure_onnx.service.settings import Limits  # noqa: PLC0415 - `--help` must start fast

    return Limits(**{name: value for name in _LIMITS if (value := getattr(arguments, name)) is not None})


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
