"""Explanations: asked for, looked at, listed, cancelled."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Header, Query, Response, UploadFile
from pydantic import Json

from misure_onnx.errors import MisureError
from misure_onnx.service.answers import ExplanationJob, ExplanationList
from misure_onnx.service.asking import ExplanationRequest
from misure_onnx.service.context import Owner, Service, ServiceParts
from misure_onnx.service.explaining import requested_method, requested_metrics
from misure_onnx.service.job import Job
from misure_onnx.service.problem import Problem
from misure_onnx.service.submitting import submit

router = APIRouter(prefix="/v1/explanations", tags=["explanations"])

_EXAMPLE = '{"model": "triangle", "method": "sufficient_region", "target": {"class": 1}}'


@router.post("", status_code=202)
def create(
    *,
    service: ServiceParts,
    owner: Owner,
    response: Response,
    image: Annotated[UploadFile, File(description="PNG or JPEG")],
    spec: Annotated[Json[ExplanationRequest], Form(description="what to explain", examples=[_EXAMPLE])],
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> ExplanationJob:
    """Takes an explanation into the queue.

    A request with an Idempotency-Key that came before gives the job that it made then, whatever became of it.
    """
    entry = service.model(spec.model)
    try:
        requested_method(spec)
        requested_metrics(spec)
    except MisureError as error:
        raise Problem(422, f"spec: {error}") from error
    request = {**spec.model_dump(mode="json", by_alias=True), "model": entry.id}
    job = submit(service, owner, "explanation", request, image=image, key=idempotency_key)
    response.headers["Location"] = f"/v1/explanations/{job.id}"
    response.headers["Retry-After"] = "1"
    return _told(service, job)


@router.get("")
def listed(
    service: ServiceParts,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="from `next` of the page before")] = None,
) -> ExplanationList:
    """This key's explanations, the newest first."""
    jobs = service.queue.listed(owner, "explanation", before, limit + 1)
    more = len(jobs) > limit
    path = f"/v1/explanations?limit={limit}&before={jobs[limit - 1].number}" if more else None
    return ExplanationList(explanations=[_told(service, job) for job in jobs[:limit]], next=path)


@router.get("/{job_id}")
def show(service: ServiceParts, owner: Owner, job_id: str, response: Response) -> ExplanationJob:
    """State and progress of one."""
    job = service.explanation(job_id, owner)
    if not job.ended:
        response.headers["Retry-After"] = "1"
    return _told(service, job)


@router.delete("/{job_id}", status_code=202, response_model=ExplanationJob, responses={204: {"description": "Removed"}})
def end(service: ServiceParts, owner: Owner, job_id: str) -> Response | ExplanationJob:
    """Cancels an explanation that waits or runs; removes one that has ended, with its image and results."""
    job = service.explanation(job_id, owner)
    if job.ended:
        service.queue.remove(job)
        return Response(status_code=204)
    service.queue.cancel(job)
    return _told(service, service.explanation(job_id, owner))


def _told(service: Service, job: Job) -> ExplanationJob:
    names: list[str] = []
    if job.state == "succeeded":
        folder = service.folders.result(job)
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return ExplanationJob.of(job, names)
