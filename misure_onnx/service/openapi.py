"""The OpenAPI document: what FastAPI finds, with the keys and the problem documents that the gate and we add."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from misure_onnx import __version__
from misure_onnx.service.answers import ProblemDocument
from misure_onnx.service.gate import GUARDED
from misure_onnx.service.problem import MEDIA_TYPE

_PROBLEM = "#/components/schemas/ProblemDocument"
_OWN_422 = ("HTTPValidationError", "ValidationError")


def document(application: FastAPI) -> dict[str, Any]:
    """OpenAPI 3.1."""
    found = get_openapi(
        title="misure",
        version=__version__,
        summary="What does a segmentation model need to see?",
        description="Explains image segmentation models as they are deployed. Explanations are jobs: POST, follow the "
        "Location, fetch the result. Every error is application/problem+json (RFC 9457).",
        routes=application.routes,
    )
    schemas = found["components"]["schemas"]
    schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
    for name in _OWN_422:
        schemas.pop(name, None)
    found["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    for path, operations in found["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {
                "description": "Problem",
                "content": {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}}},
            }
            if path.startswith(GUARDED):
                operation["security"] = [{"key": []}, {"bearer": []}]
    return found
