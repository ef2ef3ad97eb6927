"""Whether the service lives, whether it is ready, and its numbers for Prometheus."""

import sqlite3
import time

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from misure_onnx.service.answers import Live, Ready
from misure_onnx.service.context import Service, ServiceParts
from misure_onnx.service.shelf import descriptions

router = APIRouter(tags=["operation"])

_LATELY_SECONDS = 10.0


@router.get("/health/live")
async def live() -> Live:
    """The process answers."""
    return Live(live=True)


@router.get("/health/ready", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready"}})
def ready(service: ServiceParts) -> Response:
    """The database can be written, a worker lives, and every model was looked at."""
    found = _readiness(service)
    headers = {} if found.ready else {"Retry-After": "1"}
    return JSONResponse(found.model_dump(), 200 if found.ready else 503, headers)


def _readiness(service: Service) -> Ready:
    try:
        with service.database.writing() as connection:
            since = time.time() - _LATELY_SECONDS
            connection.execute("DELETE FROM worker WHERE beat < ?", (since,))
            workers = int(connection.execute("SELECT count(*) FROM worker WHERE ready").fetchone()[0])
        models = set(service.registry) <= set(descriptions(service.database))
    except sqlite3.Error:
        return Ready(ready=False, database=False, models=False, workers=0)
    return Ready(
        ready=bool(workers) and models and not service.stopping(), database=True, models=models, workers=workers
    )


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Numbers for Prometheus."""
    return Response(generate_latest(request.app.state.measures.registry), media_type=CONTENT_TYPE_LATEST)
