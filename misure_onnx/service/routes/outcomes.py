"""What becomes of an explanation: its events while it is made, then its result, files and report."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import FileResponse, StreamingResponse

from misure_onnx.service.context import Owner, Service, ServiceParts
from misure_onnx.service.events import Event, events_of
from misure_onnx.service.job import Job
from misure_onnx.service.problem import Problem
from misure_onnx.service.safe_headers import REPORT_POLICY

router = APIRouter(prefix="/v1/explanations/{job_id}", tags=["explanations"])

_TYPES = {
    ".json": "application/json",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".html": "text/html",
    ".npy": "application/octet-stream",
}
_ALIVE_SECONDS = 15
"""A comment is sent so often, so that nothing on the way takes the stream for dead."""


def _file(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": {media_type: {}}}}


@router.get(
    "/events", response_class=StreamingResponse, responses=_file("text/event-stream", "`state` and `progress` events")
)
def events(
    service: ServiceParts,
    owner: Owner,
    job_id: str,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
    after: Annotated[int, Query(ge=0, le=2**62, description="as Last-Event-ID, for those who cannot set it")] = 0,
) -> StreamingResponse:
    """Server-sent events from the first, or from the one after Last-Event-ID, until the job has ended."""
    service.explanation(job_id, owner)
    stream = _stream(service, owner, job_id, last_event_id or after)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _stream(service: Service, owner: str, job_id: str, last: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    while True:
        count, silent = service.changes.count, 0
        job, happened = await asyncio.to_thread(_since, service, owner, job_id, last)
        for event in happened:
            last = event.seq
            yield _as_text(event)
        if job is None or job.ended:
            return
        while service.changes.count == count and silent < _ALIVE_SECONDS:
            if service.stopping():
                return
            await service.changes.after(count, 1.0)
            silent += 1
        if silent == _ALIVE_SECONDS:
            yield ": alive\n\n"


def _since(service: Service, owner: str, job_id: str, last: int) -> tuple[Job | None, list[Event]]:
    """The job first, then what happened to it: of a job that has ended none is missed."""
    return service.queue.find(job_id, owner, "explanation"), events_of(service.database, job_id, last)


def _as_text(event: Event) -> str:
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {event.data}\n\n"


@router.get("/result", response_class=FileResponse, responses=_file("application/json", "explanation.json"))
def result(service: ServiceParts, owner: Owner, job_id: str) -> FileResponse:
    """The explanation as JSON, as `misure explain --json` gives it."""
    return FileResponse(_place(service, owner, job_id, "explanation.json"), media_type="application/json")


@router.get("/report", response_class=FileResponse, responses=_file("text/html", "one page, nothing fetched"))
def report(service: ServiceParts, owner: Owner, job_id: str) -> FileResponse:
    """The explanation as a page of its own."""
    place = _place(service, owner, job_id, "report.html")
    headers = {"Content-Security-Policy": REPORT_POLICY}
    return FileResponse(place, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/artifacts/{name}", response_class=FileResponse, responses=_file("*/*", "the file"))
def artifact(service: ServiceParts, owner: Owner, job_id: str, name: str) -> FileResponse:
    """A file of the explanation by its name, as the job lists them; `view.json` says what a page needs."""
    place = _place(service, owner, job_id, name)
    headers = {"Content-Security-Policy": REPORT_POLICY} if place.suffix == ".html" else {}
    return FileResponse(place, media_type=_TYPES.get(place.suffix, "application/octet-stream"), headers=headers)


def _place(service: Service, owner: str, job_id: str, name: str) -> Path:
    """A file of a job that succeeded: one that lies there by exactly this name.

    Raises:
        Problem: 404, or 409 where the job has not succeeded.
    """
    job = service.explanation(job_id, owner)
    if not job.ended:
        raise Problem(
            409, f"explanation {job_id} is {job.state}; its files come when it has ended", {"Retry-After": "1"}
        )
    if job.state != "succeeded":
        why = f": {job.error['detail']}" if job.error else ""
        raise Problem(409, f"explanation {job_id} is {job.state}{why}")
    folder = service.folders.result(job)
    found = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    if name not in found:
        raise Problem(404, f"explanation {job_id} has no file {name!r}")
    return found[name]
