"""Runs the application with uvicorn."""

import jinja2  # noqa: F401 - reports need it: better known now than with the first job
import python_multipart  # noqa: F401 - uploads need it, and FastAPI says so by an error that is no ImportError
import uvicorn

from misure_onnx.service.app import create_app
from misure_onnx.service.settings import ServiceSettings

_GRACE_SECONDS = 5
"""For requests in flight when the server stops."""


def serve(settings: ServiceSettings, host: str, port: int) -> None:
    """Until it is told to stop (SIGTERM, Ctrl-C).

    One process: jobs are done by others, and more servers would not share the rates.

    Args:
        settings: see there.
        host: address to listen on.
        port: 0: any that is free.

    Raises:
        InputError: as `create_app`.
    """
    holder: list[uvicorn.Server] = []
    application = create_app(settings, stopping=lambda: holder[0].should_exit)
    config = uvicorn.Config(
        application, host=host, port=port, server_header=False, timeout_graceful_shutdown=_GRACE_SECONDS
    )
    holder.append(uvicorn.Server(config))
    holder[0].run()
