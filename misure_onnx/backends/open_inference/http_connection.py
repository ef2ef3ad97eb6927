"""HTTP as a careful client speaks it: no redirects, no proxies, no compression, answers bounded in size and time."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from misure_onnx.backends.open_inference.address import Address
from misure_onnx.backends.open_inference.hosts import admitted
from misure_onnx.backends.open_inference.meter import Meter
from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.patience import Later, patiently
from misure_onnx.backends.open_inference.wire import BrokenOff
from misure_onnx.errors import InputError, ServerError

if TYPE_CHECKING:
    import httpx2

MOST_BYTES = 2**30
"""Of one answer."""
_SAID = 300
_IDLE = 2.0
"""Seconds that an unused connection is kept; servers close theirs after 5 or more, be a request under way or not."""
_NOT_NOW = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Response:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> str:
        """The beginning of the body, safe to print."""
        text = self.body[: 4 * _SAID].decode("utf-8", "replace")
        return printable(text) or "nothing"


def printable(text: str) -> str:
    """A server's words without control characters, on one line, not too many."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= _SAID else plain[:_SAID] + " ..."


class HttpConnection:
    """Requests to one host.

    Args:
        address: of the model.
        options: see there.
        meter: counts.

    Raises:
        InputError: httpx2 is not installed, the host is not allowed, or a header or certificate file cannot be read.
        ServerError: the host cannot be reached.
    """

    def __init__(self, address: Address, options: RemoteOptions, meter: Meter) -> None:
        self._httpx = _httpx2()
        self._address, self._options, self._meter = address, options, meter
        ip = admitted(address, options, meter.repeated)
        scheme = "https" if address.secure else "http"
        host = f"[{ip}]" if ":" in ip else ip
        self._base = f"{scheme}://{host}:{address.port}{address.prefix}"
        seconds = min(options.timeout, 10.0)
        self._client = self._httpx.Client(
            headers={**options.all_headers(), "Host": address.authority, "Accept-Encoding": "identity"},
            verify=_context(options.ca_file) if address.secure else False,
            timeout=self._httpx.Timeout(options.timeout, connect=seconds),
            limits=self._httpx.Limits(keepalive_expiry=_IDLE),
            follow_redirects=False,
            trust_env=False,
        )

    def get(self, path: str) -> Response:
        """GET of a path below the address's prefix; raises as `post`."""
        return patiently(lambda: self._ask("GET", path, b"", {}), self._options, self._meter.repeated)

    def post(self, path: str, content: bytes, headers: Mapping[str, str]) -> Response:
        """POST of a body.

        Raises:
            ServerError: no answer, too large an answer, a redirect, wrong credentials, or "later" once too often.
        """
        return patiently(lambda: self._ask("POST", path, content, headers), self._options, self._meter.repeated)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def _ask(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> Response:
        started = time.perf_counter()
        response = self._exchange(method, path, content, headers, started + self._options.timeout)
        self._meter.asked(len(content), len(response.body), time.perf_counter() - started)
        return self._checked(response)

    def _exchange(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str], deadline: float
    ) -> Response:
        httpx, where = self._httpx, self._address.authority
        extensions = {"sni_hostname": self._address.host} if self._address.secure else {}
        try:
            with self._client.stream(
                method, self._base + path, content=content, headers=dict(headers), extensions=extensions
            ) as stream:
                return Response(stream.status_code, dict(stream.headers), self._body(stream, deadline))
        except httpx.ConnectError as error:
            if "CERTIFICATE" in str(error) or "SSL" in str(error):
                raise ServerError(f"{where}: TLS failed: {error}; --ca-file names certificates to trust") from error
            raise Later(f"no connection to {where}: {error}") from error
        except httpx.TimeoutException as error:
            raise self._too_slow() from error
        except httpx.TransportError as error:
            raise BrokenOff(f"{where} broke off before it had answered: {error}") from error

    def _body(self, stream: "httpx2.Response", deadline: float) -> bytes:
        if stream.headers.get("content-encoding", "identity") != "identity":
            raise ServerError(f"{self._address.authority} compressed its answer, which was not asked for")
        pieces, total = [], 0
        for piece in stream.iter_raw():
            pieces.append(piece)
            total += len(piece)
            if total > MOST_BYTES:
                raise ServerError(f"{self._address.authority} answers with more than {MOST_BYTES >> 20} MiB")
            if time.perf_counter() > deadline:
                raise self._too_slow()
        return b"".join(pieces)

    def _checked(self, response: Response) -> Response:
        where, status = self._address.authority, response.status
        if 300 <= status < 400:
            place = printable(response.headers.get("location", "nowhere"))
            raise ServerError(
                f"{where} redirects to {place}: redirects are not followed; name that address if it is meant"
            )
        if status in (401, 403):
            raise ServerError(
                f"{where} refused the credentials (status {status}: {response.said}): --header-from brings a header "
                "from a variable or file"
            )
        if status in (429, 503) and "retry-after" in response.headers:
            later = f"{where} is busy (status {status}: {response.said})"
            raise Later(later, _seconds(response.headers["retry-after"]))
        if status in _NOT_NOW:
            raise ServerError(
                f"{where} does not answer now (status {status}: {response.said}) and does not say when (Retry-After), "
                "so it was not asked again"
            )
        return response

    def _too_slow(self) -> ServerError:
        return ServerError(
            f"{self._address.authority} did not answer within {self._options.timeout:g} s: --timeout allows more"
        )


def _seconds(text: str) -> float:
    """Of a Retry-After: a number, or (RFC 9110, section 10.2.3) a date, which needs both clocks to agree."""
    if text.strip().isdecimal():
        return float(text)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - only here

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 1.0


def _context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # a missing file, or one that holds no certificate
        raise InputError(f"--ca-file {ca_file!r} holds no certificates: {error}") from error


def _httpx2() -> ModuleType:
    try:
        import httpx2  # noqa: PLC0415 - optional
    except ImportError as error:
        raise InputError("models behind a server need httpx2: pip install 'misure-onnx[remote]'") from error
    return httpx2
