"""Headers that every answer carries, so that a browser does nothing with it that was not meant."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from misure_onnx.service.gate import inner_path

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the static pages: nothing inline, nothing from elsewhere."""

DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Of everything that is no page."""

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""Of a report, which is one file: its own style and pictures, no script whatever it contains."""

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SafeHeaders:
    """ASGI middleware.

    Args:
        application: what is behind it.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_ALWAYS)
                data = inner_path(scope).startswith(("/v1/", "/health/", "/metrics", "/openapi.json"))
                headers.setdefault("Content-Security-Policy", DATA_POLICY if data else PAGE_POLICY)
                headers.setdefault("Cache-Control", "no-store" if data else "no-cache")
            await send(message)

        await self._application(scope, receive, sending)
