"""The application: parts, routes, pages, and what happens at the start and the end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from misure_onnx.service import openapi, problem
from misure_onnx.service.changes import Changes
from misure_onnx.service.context import Service
from misure_onnx.service.crew import Crew
from misure_onnx.service.database import DATABASE, Database
from misure_onnx.service.gate import Gate
from misure_onnx.service.job import Folders
from misure_onnx.service.job_queue import JobQueue
from misure_onnx.service.keys import Keys
from misure_onnx.service.measures import Measures, Observed
from misure_onnx.service.only_one import only_one
from misure_onnx.service.registry import read_registry
from misure_onnx.service.routes import ROUTERS
from misure_onnx.service.safe_headers import SafeHeaders
from misure_onnx.service.settings import ServiceSettings

_HERE = Path(__file__).parent


def create_app(settings: ServiceSettings, stopping: Callable[[], bool] | None = None) -> FastAPI:
    """The service as an ASGI application; workers start with its lifespan.

    Args:
        settings: see there.
        stopping: whether the server was told to stop, so that event streams end and it need not wait for them.

    Raises:
        InputError: no models, or no keys in the file of keys.
    """
    keys = None if settings.keys is None else Keys.read(settings.keys)
    service = _parts(settings)
    if stopping is not None:
        service.stopping = stopping
    application = FastAPI(
        lifespan=_life,
        docs_url=None,
        redoc_url=None,
        form_limits={"max_files": 1, "max_fields": 4},
        redirect_slashes=False,
    )
    application.state.service = service
    application.state.measures = Measures(service.queue, service.crew)
    for router in ROUTERS:
        application.include_router(router)
    application.mount("/docs", StaticFiles(directory=_HERE / "reference", html=True))
    application.mount("/", StaticFiles(directory=_HERE / "page", html=True))
    problem.install(application)
    _describe(application)
    application.add_middleware(Gate, hosts=settings.hosts, keys=keys, limits=settings.limits)
    application.add_middleware(Observed, measures=application.state.measures)
    application.add_middleware(SafeHeaders)
    return application


def _parts(settings: ServiceSettings) -> Service:
    registry = read_registry(settings.models)
    database, folders = Database(settings.data / DATABASE), Folders(settings.data)
    queue = JobQueue(database, folders, settings.limits.queue)
    crew = Crew(settings, registry, queue)
    return Service(settings, registry, database, folders, queue, crew, Changes(database))


def _describe(application: FastAPI) -> None:
    def described() -> dict[str, Any]:
        if application.openapi_schema is None:
            application.openapi_schema = openapi.document(application)
        return application.openapi_schema

    application.openapi = described  # type: ignore[method-assign]


@contextlib.asynccontextmanager
async def _life(application: FastAPI) -> AsyncIterator[None]:
    """What an earlier server left is put in order before the first request is taken."""
    service: Service = application.state.service
    service.settings.data.mkdir(parents=True, exist_ok=True)
    with only_one(service.settings.data):
        service.database.create()
        service.queue.put_back_all()
        service.queue.remove_strays()
        tasks = [asyncio.create_task(service.changes.run()), asyncio.create_task(service.crew.run())]
        try:
            yield
        finally:
            for task in tasks[1:]:
                task.cancel()
            await service.crew.stop()
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            service.database.close()
