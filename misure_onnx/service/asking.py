"""What a client may ask, as JSON: validated before a job is made of it."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(min_length=1, max_length=200)]
ClassSpec = Annotated[int, Field(ge=0, le=2**31)] | Name
Coordinate = Annotated[int, Field(ge=0, le=2**31)]
Setting = bool | int | float | Annotated[str, Field(max_length=200)]


class Strict(BaseModel):
    """Nothing that is not known."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class TargetRequest(Strict):
    """What is explained; empty: the largest predicted class that is not background."""

    class_: ClassSpec | None = Field(default=None, alias="class", description="a class, by index or declared name")
    point: tuple[Coordinate, Coordinate] | None = Field(
        default=None, description="(x, y) in pixels of the upright image: the one object there"
    )
    component: int | None = Field(
        default=None, ge=1, le=2**31, description="the object with this number, as POST /v1/predictions gives it"
    )
    against: ClassSpec | None = Field(
        default=None, description="why this class and not that one? Only the two are compared"
    )
    border: int | None = Field(
        default=None, ge=1, le=2**31, description="only pixels so near to the target's border: why does it end there?"
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        others = (self.class_, self.point, self.against, self.border)
        if self.component is not None and any(value is not None for value in others):
            raise ValueError("component stands alone: it already names one object of one class")
        return self


class ExplanationRequest(Strict):
    """One explanation of one target by one method."""

    model: Name = Field(description="a model's id (SHA-256) or name, see GET /v1/models")
    method: Name = Field(default="misure", description="see GET /v1/methods")
    preset: Name | None = Field(default=None, description="of the method; none: its defaults")
    settings: dict[Name, Setting] = Field(
        default_factory=dict, max_length=64, description='parameters of the method, e.g. {"tau": 0.95}'
    )
    target: TargetRequest = TargetRequest()
    metrics: list[Name] = Field(
        default_factory=list, max_length=32, description="further metrics; standard or all stand for several"
    )
    seed: int = Field(default=0, ge=0, le=2**63 - 1, description="of every random choice")


class PredictionRequest(Strict):
    """What a model finds in an image."""

    model: Name = Field(description="a model's id (SHA-256) or name, see GET /v1/models")
