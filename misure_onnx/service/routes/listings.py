"""What there is to choose from: models and methods."""

from functools import cache
from typing import Any

from fastapi import APIRouter

from misure_onnx.service.answers import MethodList, ModelAnswer, ModelList
from misure_onnx.service.context import ServiceParts
from misure_onnx.service.method_listing import described_methods
from misure_onnx.service.problem import Problem
from misure_onnx.service.registry import ModelEntry, chosen
from misure_onnx.service.shelf import descriptions

router = APIRouter(prefix="/v1", tags=["models and methods"])


@router.get("/models")
def models(service: ServiceParts) -> ModelList:
    """Every model of the operator's registry."""
    known = descriptions(service.database)
    return ModelList(models=[_told(entry, known.get(entry.id)) for entry in service.registry.values()])


@router.get("/models/{model_id}")
def model(service: ServiceParts, model_id: str) -> ModelAnswer:
    """One model, by id or name."""
    entry = chosen(service.registry, model_id)
    if entry is None:
        raise Problem(404, f"no model {model_id!r}; GET /v1/models lists what there is")
    return _told(entry, descriptions(service.database).get(entry.id))


def _told(entry: ModelEntry, described: dict[str, Any] | None) -> ModelAnswer:
    facts = described or {}
    ready = bool(facts) and "error" not in facts
    return ModelAnswer.model_validate({"error": None, **facts, "id": entry.id, "name": entry.name, "ready": ready})


@router.get("/methods")
def methods() -> MethodList:
    """Every method, its parameters and presets."""
    return _methods()


@cache
def _methods() -> MethodList:
    return MethodList.model_validate({"methods": described_methods()})
