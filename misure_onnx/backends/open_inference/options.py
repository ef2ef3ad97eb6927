"""How a server is asked: everything that a user may choose, without anything secret in it."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from misure_onnx.backends.open_inference.tensors import TensorSpec
from misure_onnx.errors import InputError, ParameterError

Protocol = Literal["auto", "binary", "json"]
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED = frozenset(
    {"host", "content-type", "content-length", "transfer-encoding", "inference-header-content-length"}
)


@dataclass(frozen=True)
class RemoteOptions:
    """How a model behind a server is asked.

    Attributes:
        protocol: of REST: `binary` or `json` tensors; `auto`: binary where the server takes it.
        headers: sent with every request. For nothing secret: they are kept in memory and in settings.
        headers_from: header -> `env:VARIABLE` or `file:PATH`, read when the connection is made; for credentials.
        timeout: seconds for one answer.
        ca_file: certificates to trust (PEM); None: the system's.
        allowed_hosts: hosts (HOST or HOST:PORT) that may be connected to; None: the one that the address names. A
            service that takes addresses from others must give a list.
        input: NAME:DATATYPE:SHAPE of the image input, where the server says nothing about it, or something wrong.
        request_bytes: most bytes of images, or of the scores that answer them, in one request; a single image is sent
            whatever its size. None: 32 MB by REST, 4 MB by gRPC, whose servers take no more unless told to.
        concurrency: most requests at the same time; None: 4 where every request holds one image, else 2.
        retries: how often a request is repeated, which happens only when the server says "later" (429 or 503 with
            Retry-After) or when no connection could be made.
        longest_wait: most seconds to wait because of one Retry-After.

    Raises:
        ParameterError: a value out of range.
    """

    protocol: Protocol = "auto"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers_from: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    ca_file: str | None = None
    allowed_hosts: tuple[str, ...] | None = None
    input: str | None = None
    request_bytes: int | None = None
    concurrency: int | None = None
    retries: int = 4
    longest_wait: float = 30.0

    def __post_init__(self) -> None:
        if self.protocol not in get_args(Protocol):
            raise ParameterError(f"protocol must be {', '.join(get_args(Protocol))}; got {self.protocol!r}")
        for name, least in (("request_bytes", 1), ("concurrency", 1), ("retries", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ParameterError(f"{name} must be at least {least}, got {value}")
        for name in ("timeout", "longest_wait"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ParameterError(f"{name} must be a number of seconds above 0, got {getattr(self, name)}")
        self._check_headers()
        if self.input is not None:
            TensorSpec.parse(self.input)

    def _check_headers(self) -> None:
        for name in (*self.headers, *self.headers_from):
            if not _HEADER_NAME.fullmatch(name) or name.lower() in _RESERVED:
                raise ParameterError(
                    f"header {name!r} cannot be set: not a header's name, or one of the protocol's own"
                )
        for name, source in self.headers_from.items():
            if source.partition(":")[0] not in ("env", "file"):
                raise ParameterError(
                    f"header {name!r} comes from env:VARIABLE or file:PATH, got another kind of source"
                )

    def all_headers(self) -> dict[str, str]:
        """Every header with its value, read now.

        Raises:
            InputError: a variable is not set, a file cannot be read, or a value is no header's.
        """
        read = {name: _read(name, source) for name, source in self.headers_from.items()}
        found = {**self.headers, **read}
        for name, value in found.items():
            if not value.isascii() or not value.isprintable():
                raise InputError(f"the value of header {name!r} holds a line break or a character that is not ASCII")
        return found


def _read(header: str, source: str) -> str:
    """A header's value; messages name the source, never the value."""
    kind, _, place = source.partition(":")
    if kind == "env":
        if not os.environ.get(place):
            raise InputError(f"header {header!r} comes from the environment variable {place!r}, which is not set")
        return os.environ[place].strip()
    try:
        return Path(place).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"header {header!r} comes from the file {place!r}, which cannot be read: {error}") from error
