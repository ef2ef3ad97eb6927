"""Predictions: what a model finds in an image, so that one of its objects can be chosen."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import Json

from misure_onnx.service.answers import Failure, Prediction, PredictionJob
from misure_onnx.service.asking import PredictionRequest
from misure_onnx.service.context import Owner, Service, ServiceParts
from misure_onnx.service.job import Job
from misure_onnx.service.problem import Problem
from misure_onnx.service.submitting import submit
from misure_onnx.service.worker import PREDICTION

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])

_WAIT_SECONDS = 20.0
_ANSWERS: dict[int | str, dict[str, Any]] = {202: {"model": PredictionJob, "description": "Not there yet"}}


@router.post("", response_model=Prediction, responses=_ANSWERS)
async def create(
    service: ServiceParts,
    owner: Owner,
    image: Annotated[UploadFile, File(description="PNG or JPEG")],
    spec: Annotated[Json[PredictionRequest], Form(description="which model", examples=['{"model": "triangle"}'])],
) -> Response:
    """Classes and objects that a model finds; 202 with a Location where that takes longer than a while."""
    request = {"model": service.model(spec.model).id}
    job = await asyncio.to_thread(submit, service, owner, "prediction", request, image=image)
    until = time.monotonic() + _WAIT_SECONDS
    while not job.ended and time.monotonic() < until and not service.stopping():
        count = service.changes.count
        job = await asyncio.to_thread(_found, service, owner, job.id)
        if not job.ended:
            await service.changes.after(count, 1.0)
    return _answered(service, job)


@router.get("/{job_id}", response_model=Prediction, responses=_ANSWERS)
def show(service: ServiceParts, owner: Owner, job_id: str) -> Response:
    """A prediction that was answered with 202."""
    return _answered(service, _found(service, owner, job_id))


def _found(service: Service, owner: str, job_id: str) -> Job:
    job = service.queue.find(job_id, owner, "prediction")
    if job is None:
        raise Problem(404, f"no prediction {job_id!r}")
    return job


def _answered(service: Service, job: Job) -> Response:
    """The prediction, why there is none, or when to ask again."""
    headers = {"Location": f"/v1/predictions/{job.id}"}
    if job.state == "succeeded":
        return FileResponse(service.folders.result(job) / PREDICTION, media_type="application/json", headers=headers)
    if job.error is not None:
        status = 500 if job.error["type"] == "InternalError" else 422
        raise Problem(status, f"{job.error['type']}: {job.error['detail']}")
    told = PredictionJob(id=job.id, state=job.state, error=Failure(**job.error) if job.error else None)
    return JSONResponse(told.model_dump(mode="json"), 202, {**headers, "Retry-After": "1"})
