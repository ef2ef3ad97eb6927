"""What every route needs: the parts of the service, and whose request it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from misure_onnx.service.changes import Changes
from misure_onnx.service.crew import Crew
from misure_onnx.service.database import Database
from misure_onnx.service.job import Folders, Job
from misure_onnx.service.job_queue import JobQueue
from misure_onnx.service.problem import Problem
from misure_onnx.service.registry import ModelEntry, chosen
from misure_onnx.service.settings import ServiceSettings


def _never() -> bool:
    return False


@dataclass
class Service:
    """The parts.

    Attributes:
        settings, registry, database, folders, queue, crew, changes: see their types.
        stopping: whether the server was told to stop, so that streams end.
    """

    settings: ServiceSettings
    registry: Mapping[str, ModelEntry]
    database: Database
    folders: Folders
    queue: JobQueue
    crew: Crew
    changes: Changes
    stopping: Callable[[], bool] = field(default=_never)

    def model(self, name: str) -> ModelEntry:
        """A model that a client named.

        Raises:
            Problem: 403 of an address, 422 of an unknown model.
        """
        entry = chosen(self.registry, name)
        if entry is not None:
            return entry
        if "://" in name:
            raise Problem(
                403, "model: addresses are not taken from requests; the operator lists models, see /v1/models"
            )
        raise Problem(422, f"model: {name!r} is not known; GET /v1/models lists what is")

    def explanation(self, job_id: str, owner: str) -> Job:
        """A job of this owner.

        Raises:
            Problem: 404, also of another owner's.
        """
        job = self.queue.find(job_id, owner, "explanation")
        if job is None:
            raise Problem(404, f"no explanation {job_id!r}")
        return job


def service_of(request: Request) -> Service:
    """The service behind a request."""
    service: Service = request.app.state.service
    return service


def owner_of(request: Request) -> str:
    """As the gate noted it."""
    return str(request.state.owner)


ServiceParts = Annotated[Service, Depends(service_of)]
Owner = Annotated[str, Depends(owner_of)]
