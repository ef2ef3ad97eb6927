"""Who may come in: decided before a byte of the body is read."""

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from misure_onnx.service.keys import Keys
from misure_onnx.service.problem import Problem
from misure_onnx.service.rate_limit import RateLimit
from misure_onnx.service.settings import Limits

GUARDED = "/v1/"
_PROBED = ("/health/", "/metrics")
"""Probes call a service by its address, whatever its name; there is nothing to steal."""

_CHANGING = ("POST", "PUT", "PATCH", "DELETE")


class Gate:
    """ASGI middleware: the host's name, the page that asks, the key, the rates, the size of the body.

    A host of another name is refused so that no web page can reach a service on its reader's machine by renaming
    itself to it; a request that changes something and comes from another site's page, for the same reason.

    Args:
        application: what is behind it.
        hosts: names of this service; `*`: any.
        keys: None: nobody needs one.
        limits: of requests and bodies.
    """

    def __init__(self, application: ASGIApp, hosts: tuple[str, ...], keys: Keys | None, limits: Limits) -> None:
        self._application, self._hosts, self._keys, self._most_bytes = application, hosts, keys, limits.upload_bytes
        self._requests, self._jobs = RateLimit(limits.requests_per_minute), RateLimit(limits.jobs_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers, path = Headers(scope=scope), inner_path(scope)
        try:
            if not path.startswith(_PROBED):
                self._check_host(headers)
            told = self._admit(scope, headers) if path.startswith(GUARDED) else {}
            self._check_length(headers)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        await self._application(scope, self._counted(receive), _with_headers(send, told))

    def _check_host(self, headers: Headers) -> None:
        name = headers.get("host", "")
        if not name.endswith("]"):
            name = name.rpartition(":")[0] or name
        if "*" not in self._hosts and name.lower() not in self._hosts:
            raise Problem(421, f"this service is not called {name!r}; its operator can add the name with --host-name")

    def _admit(self, scope: Scope, headers: Headers) -> Mapping[str, str]:
        """Notes whose request it is, and gives the headers that tell what is left of the rate."""
        origin = headers.get("origin")
        if scope["method"] in _CHANGING and origin is not None and origin.rpartition("//")[2] != headers.get("host"):
            raise Problem(403, f"a page of {origin!r} cannot use this service: only its own pages can")
        owner = self._owner(headers)
        scope.setdefault("state", {})["owner"] = owner
        submits = scope["method"] == "POST"
        policy, limit = ("jobs", self._jobs) if submits else ("requests", self._requests)
        allowance = limit.take(owner)
        told = allowance.headers(policy)
        if not allowance.allowed:
            detail = f"more than {allowance.limit} {policy} a minute; try again in {allowance.reset} seconds"
            raise Problem(429, detail, told)
        return told

    def _owner(self, headers: Headers) -> str:
        if self._keys is None:
            return ""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        presented = headers.get("x-api-key") or (bearer.strip() if scheme.lower() == "bearer" else "")
        owner = self._keys.owner(presented) if presented else None
        if owner is None:
            what = "is not known here" if presented else "is missing"
            challenge = {"WWW-Authenticate": 'Bearer realm="misure"'}
            raise Problem(401, f"the API key {what}: send it as X-API-Key, or as Authorization: Bearer", challenge)
        return owner

    def _check_length(self, headers: Headers) -> None:
        announced = headers.get("content-length", "0")
        if headers.get("content-encoding", "identity") != "identity":
            raise Problem(415, "compressed request bodies are not taken")
        if not announced.isascii() or not announced.isdecimal():
            raise Problem(400, f"Content-Length expects a number of bytes, got {announced!r}")
        if len(announced) > 18 or int(announced) > self._most_bytes:
            raise self._too_large()

    def _too_large(self) -> Problem:
        return Problem(413, f"the body is larger than the {self._most_bytes:,} bytes that this service takes")

    def _counted(self, receive: Receive) -> Receive:
        """A body that does not say how long it is, or lies, is cut off."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most_bytes:
                raise self._too_large()
            return message

        return counted


def inner_path(scope: Scope) -> str:
    """The path as the routes know it, without what a proxy or another application put before it."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _with_headers(send: Send, told: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(told)
        await send(message)

    return sending
