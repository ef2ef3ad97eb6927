"""What goes wrong, as RFC 9457 has it: application/problem+json, whoever noticed it."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """An answer that says no.

    Args:
        status: of HTTP.
        detail: what was expected, what came and what to do.
        headers: to send with it.
        more: further members of the document.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, headers, more

    def response(self) -> Response:
        """The document; `type` is about:blank, since the status says which kind of problem it is."""
        document = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        return Response(json.dumps(document), self.status, dict(self.headers or {}), MEDIA_TYPE)


def busy(detail: str, seconds: int) -> Problem:
    """503 with the time after which to try again."""
    return Problem(503, detail, {"Retry-After": str(seconds)})


def install(application: FastAPI) -> None:
    """Makes every error of the application a problem document."""
    application.add_exception_handler(Problem, _own)
    application.add_exception_handler(HTTPException, _of_framework)
    application.add_exception_handler(RequestValidationError, _of_validation)
    application.add_exception_handler(Exception, _unexpected)


async def _own(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, Problem):
        raise error
    return error.response()


async def _of_framework(request: Request, error: Exception) -> Response:
    """No such path, no such method on it, a body that is no form."""
    if not isinstance(error, HTTPException):
        raise error
    cause: BaseException | None = error.__cause__ or error.__context__
    while cause is not None:  # a body that the limit cut off is not an ill-formed one
        if isinstance(cause, Problem):
            return cause.response()
        cause = cause.__cause__ or cause.__context__
    detail = f"{request.method} {request.url.path}: {error.detail}"
    return Problem(error.status_code, detail, error.headers).response()


async def _of_validation(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [{"loc": [str(part) for part in one["loc"]], "msg": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{'.'.join(one['loc'])}: {one['msg']}" for one in errors)
    return Problem(422, f"the request is not valid: {detail}", errors=errors).response()


async def _unexpected(request: Request, error: Exception) -> Response:
    """The log has the traceback; the client learns nothing about the server."""
    del request
    return Problem(500, f"internal error: {type(error).__name__}").response()
