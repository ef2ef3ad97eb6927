"""Where a model is served: the address as the user writes it."""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, quote, unquote, urlsplit

from misure_onnx.errors import InputError

Service = Literal["rest", "grpc", "mlflow"]

_SCHEMES: dict[str, tuple[Service, bool]] = {
    "http": ("rest", False),
    "https": ("rest", True),
    "grpc": ("grpc", False),
    "grpcs": ("grpc", True),
    "mlflow+http": ("mlflow", False),
    "mlflow+https": ("mlflow", True),
}
_REST_PATH = re.compile(r"(?P<prefix>.*)/v2/models/(?P<model>[^/]+)(/versions/(?P<version>[^/]+))?(/infer)?/?")
_GRPC_PATH = re.compile(r"(?P<prefix>)/(?P<model>[^/]+)(/(?P<version>[^/]+))?/?")
_MLFLOW_PATH = re.compile(r"(?P<prefix>.*?)(?P<model>)(?P<version>)(/invocations)?/?")
_PATHS: dict[Service, re.Pattern[str]] = {"rest": _REST_PATH, "grpc": _GRPC_PATH, "mlflow": _MLFLOW_PATH}

EXPECTED = (
    "http://HOST:PORT/v2/models/NAME (Open Inference Protocol; https too), grpc://HOST:PORT/NAME (grpcs) or "
    "mlflow+http://HOST:PORT (mlflow+https)"
)


@dataclass(frozen=True)
class Address:
    """A model's address, taken apart.

    Attributes:
        service: the protocol's family.
        secure: whether TLS is used.
        host, port: of the server.
        prefix: path before the protocol's own, for servers behind a gateway; empty: none.
        model: its name; empty where the server holds one alone.
        version: of the model; None: the server chooses.
    """

    service: Service
    secure: bool
    host: str
    port: int
    prefix: str
    model: str
    version: str | None

    @property
    def authority(self) -> str:
        """HOST:PORT as a URL has it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def model_path(self) -> str:
        """REST's path of the model."""
        version = f"/versions/{quote(self.version, safe='')}" if self.version else ""
        return f"/v2/models/{quote(self.model, safe='')}{version}"

    def __str__(self) -> str:
        """Without anything secret: an address holds no credentials."""
        scheme = next(name for name, known in _SCHEMES.items() if known == (self.service, self.secure))
        if self.service == "rest":
            path = self.prefix + self.model_path
        elif self.service == "grpc":
            path = "/" + "/".join(quote(part, safe="") for part in (self.model, self.version) if part)
        else:
            path = self.prefix
        return f"{scheme}://{self.authority}{path}"


def parse_address(text: str) -> Address:
    """Reads an address.

    Raises:
        InputError: another scheme or path, credentials, a query, or no port where there is no usual one.
    """
    parts, port = _split(text)
    if parts.scheme not in _SCHEMES:
        raise InputError(f"{text!r} is an address of an unknown kind; expected a file, or {EXPECTED}")
    if parts.username is not None or parts.password is not None:
        raise InputError("an address must hold no credentials: pass them by --header-from (RemoteOptions.headers_from)")
    if parts.query or parts.fragment or not parts.hostname:
        raise InputError(f"{text!r} is no address of a model; expected {EXPECTED}, without query and fragment")
    service, secure = _SCHEMES[parts.scheme]
    found = _PATHS[service].fullmatch(parts.path)
    if found is None:
        raise InputError(f"{text!r} does not name a model; expected {EXPECTED}")
    if port is None and service == "grpc":
        raise InputError(f"{text!r} has no port; expected grpc://HOST:PORT/NAME")
    version = found["version"]
    return Address(
        service=service,
        secure=secure,
        host=parts.hostname,
        port=port or (443 if secure else 80),
        prefix=found["prefix"].rstrip("/"),
        model=unquote(found["model"]),
        version=unquote(version) if version else None,
    )


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        return (parts := urlsplit(text)), parts.port
    except ValueError as error:
        raise InputError(f"{text!r} is no address: {error}; expected {EXPECTED}") from error
