"""What the service answers, as JSON."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from misure_onnx.service.job import Job, State


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = None


class Progress(BaseModel):
    """How far a running job is; `total` may change while a stage runs."""

    stage: str
    done: int
    total: int


class Failure(BaseModel):
    """Why a job failed: the library's error and its text."""

    type: str
    detail: str


class Links(BaseModel):
    """Where to go from here."""

    self_: str = Field(alias="self")
    events: str
    result: str
    report: str


class ExplanationJob(BaseModel):
    """One explanation, whether it is there or not."""

    id: str
    state: State
    progress: Progress | None
    attempt: int = Field(description="how often it was begun; more than 1 where a worker died")
    request: dict[str, Any] = Field(description="as validated, the model by its id")
    error: Failure | None
    created: datetime
    started: datetime | None
    finished: datetime | None
    artifacts: list[str] = Field(description="names for .../artifacts/{name}")
    links: Links

    @classmethod
    def of(cls, job: Job, artifacts: list[str]) -> Self:
        """A row, told to its owner."""
        here = f"/v1/explanations/{job.id}"
        links = {"self": here, **{name: f"{here}/{name}" for name in ("events", "result", "report")}}
        progress = None
        if job.state == "running" and job.stage is not None:
            progress = Progress(stage=job.stage, done=job.done or 0, total=job.total or 0)
        return cls(
            id=job.id,
            state=job.state,
            progress=progress,
            attempt=job.attempt,
            request=job.request,
            error=None if job.error is None else Failure(**job.error),
            created=_time(job.created),
            started=None if job.started is None else _time(job.started),
            finished=None if job.finished is None else _time(job.finished),
            artifacts=artifacts,
            links=Links.model_validate(links),
        )


class ExplanationList(BaseModel):
    """A page of jobs, the newest first."""

    explanations: list[ExplanationJob]
    next: str | None = Field(description="path of the next page")


class PredictionJob(BaseModel):
    """A prediction that is not there yet."""

    id: str
    state: State
    error: Failure | None


class FoundClass(BaseModel):
    """A class that was predicted; pixels at the network's size."""

    index: int
    name: str | None
    pixels: int


class FoundObject(BaseModel):
    """A connected object; its number is what `target.component` takes."""

    number: int
    class_index: int
    class_name: str | None
    label: str
    pixels: int = Field(description="of the image")
    network_pixels: int
    score: float = Field(description="mean probability of its class over its pixels")
    box: list[int] | None = Field(description="x, y, width, height in pixels of the image")
    point: list[int] | None = Field(description="x, y of a pixel inside, for target.point")


class Prediction(BaseModel):
    """What a model finds in an image."""

    model: str
    image_size: list[int] = Field(description="height, width")
    network_size: list[int] = Field(description="height, width of the two pictures below")
    classes: list[FoundClass]
    objects: list[FoundObject] = Field(description="the largest first")
    labels: str = Field(description="PNG as data URI; a pixel's class is R + 256 G, 65535: none")
    objects_map: str = Field(description="PNG as data URI; a pixel's object is R + 256 G, 0: none")


class ClassName(BaseModel):
    """One class."""

    index: int
    name: str | None


class ModelAnswer(BaseModel):
    """One model of the registry; what a worker has not looked at yet is null."""

    id: str = Field(description="SHA-256 of its file")
    name: str
    ready: bool = Field(description="whether it can be asked")
    error: str | None
    classes: list[ClassName] | None = None
    background: int | None = None
    output: str | None = None
    channels: int | None = None
    size: list[int] | None = Field(default=None, description="height, width of the network; null: any")
    volume: bool | None = None
    opset: int | None = None
    providers_used: list[str] | None = None
    source: str | None = None
    licence: str | None = None
    notes: list[str] | None = None


class ModelList(BaseModel):
    """All models."""

    models: list[ModelAnswer]


class Parameter(BaseModel):
    """One parameter of a method."""

    name: str
    type: str = Field(description="integer, number, boolean or string")
    default: bool | int | float | str
    summary: str | None


class MethodAnswer(BaseModel):
    """One method of the registry."""

    name: str
    summary: str
    needs: str
    parameters: list[Parameter]
    presets: dict[str, dict[str, Any]]
    default_preset: str | None
    routes: list[str]


class MethodList(BaseModel):
    """All methods."""

    methods: list[MethodAnswer]


class Live(BaseModel):
    """The process answers."""

    live: bool


class Ready(BaseModel):
    """Whether jobs are taken and done."""

    ready: bool
    database: bool
    models: bool
    workers: int = Field(description="that gave a sign of life lately")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
