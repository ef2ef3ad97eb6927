"""What an operator decides about a service."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from misure_onnx.errors import ParameterError


@dataclass(frozen=True)
class Limits:
    """What a client may ask of a service.

    Attributes:
        upload_bytes: of one request's body.
        pixels: of an image, told from its header before it is decoded.
        queue: jobs that wait or run; further ones are refused.
        jobs_per_minute: that a key may submit.
        requests_per_minute: of a key, submissions included.
        job_seconds: after which an attempt at a job is given up.
        keep_hours: after which an ended job is removed with its image and results.
    """

    upload_bytes: int = 20 * 2**20
    pixels: int = 40_000_000
    queue: int = 200
    jobs_per_minute: int = 120
    requests_per_minute: int = 3000
    job_seconds: float = 3600.0
    keep_hours: float = 24.0

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            if not getattr(self, one.name) > 0:
                raise ParameterError(f"the service's {one.name} must be above 0, got {getattr(self, one.name)}")


@dataclass(frozen=True)
class ServiceSettings:
    """One service.

    Attributes:
        data: folder of the database, the uploaded images and the results; one service at a time.
        models: folder of ONNX files; None: the bundled model.
        keys: file of API keys; None: no key is asked for, and everybody sees every job.
        devices: one worker process each: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        hosts: names under which the service is called (`Host` header); `*`: any.
        limits: see there.
        models_in_memory: that a worker keeps loaded.
        lease_seconds: for which a worker holds a job without a sign of life.
    """

    data: Path
    models: Path | None = None
    keys: Path | None = None
    devices: tuple[str, ...] = ("auto",)
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    limits: Limits = field(default_factory=Limits)
    models_in_memory: int = 4
    lease_seconds: float = 15.0

    def to_json(self) -> str:
        """For a worker's process."""
        return json.dumps(dataclasses.asdict(self), default=str)

    @classmethod
    def from_texts(cls, given: Mapping[str, str]) -> "ServiceSettings":
        """From texts by name: `data`, and optionally `models`, `keys`, `devices` and `hosts` (lists with commas).

        Raises:
            ParameterError: no folder of data, or another name.
        """
        places, lists = ("data", "models", "keys"), ("devices", "hosts")
        if "data" not in given or set(given) - {*places, *lists}:
            raise ParameterError(
                f"expected data=FOLDER, and of {', '.join((*places[1:], *lists))}; got {', '.join(given) or 'nothing'}"
            )
        read = {name: Path(text) if name in places else tuple(text.split(",")) for name, text in given.items()}
        return cls(**read)  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, text: str) -> "ServiceSettings":
        """What `to_json` gave."""
        read = json.loads(text)
        places = {name: None if read[name] is None else Path(read[name]) for name in ("models", "keys")}
        lists = {name: tuple(read[name]) for name in ("devices", "hosts")}
        return cls(**{**read, **places, **lists, "data": Path(read["data"]), "limits": Limits(**read["limits"])})
