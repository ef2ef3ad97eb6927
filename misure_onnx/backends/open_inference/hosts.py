"""Which machines may be connected to: an address may come from somebody else.

A host is resolved once, what came is looked at, and only that is connected to afterwards, so that a name that means
another machine the second time changes nothing.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Callable

from misure_onnx.backends.open_inference.address import Address
from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.patience import Later, patiently
from misure_onnx.errors import InputError, ServerError

_PATIENCE = 10.0


def admitted(address: Address, options: RemoteOptions, note_retry: Callable[[], None]) -> str:
    """The IP address to connect to, once the host is allowed and listens; waits a little for one that does not yet.

    Raises:
        InputError, ServerError: as `check_allowed` and `reach`.
    """
    check_allowed(address, options.allowed_hosts)

    def attempt() -> str:
        try:
            return reach(address, options.timeout)
        except ConnectionRefusedError as error:
            raise Later(f"nothing listens at {address.authority}: start the server, or correct the port") from error

    return patiently(attempt, options, note_retry)


def check_allowed(address: Address, allowed: tuple[str, ...] | None) -> None:
    """Refuses a host that is not on the list; without a list the address's own is allowed.

    Raises:
        InputError: it is not.
    """
    if allowed is None:
        return
    names = {address.host.lower(), address.authority.lower()}
    if not names & {entry.lower() for entry in allowed}:
        raise InputError(
            f"the host {address.authority} is not allowed; allowed are {', '.join(allowed) or 'none'} "
            "(RemoteOptions.allowed_hosts)"
        )


def reach(address: Address, timeout: float) -> str:
    """The IP address of the host that accepts a connection.

    Raises:
        ConnectionRefusedError: nothing listens there (yet).
        ServerError: the name is unknown, means a machine that no server has, or does not answer.
    """
    found = _resolved(address)
    problem: OSError | None = None
    for ip in found:
        try:
            with contextlib.closing(socket.create_connection((ip, address.port), min(timeout, _PATIENCE))):
                return ip
        except OSError as error:
            problem = error
    if isinstance(problem, ConnectionRefusedError):
        raise problem
    raise ServerError(f"{address.authority} cannot be reached: {problem}") from problem


def _resolved(address: Address) -> list[str]:
    try:
        entries = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServerError(f"the host {address.host!r} is unknown: {error}") from error
    found = [str(entry[4][0]) for entry in entries]
    for ip in found:
        known = ipaddress.ip_address(ip.partition("%")[0])
        if ip != address.host and (known.is_link_local or known.is_multicast or known.is_unspecified):
            raise InputError(
                f"the host {address.host!r} means {ip}, where no inference server lives (cloud metadata, multicast): "
                "refused; write the number itself if it is meant"
            )
    return found
