"""From an upload to a job."""

import hashlib
import json
from typing import Any

from fastapi import UploadFile

from misure_onnx.service.context import Service
from misure_onnx.service.job import Job, Kind
from misure_onnx.service.job_queue import KeyReused, QueueFull, Submission
from misure_onnx.service.problem import Problem, busy
from misure_onnx.service.uploads import check_picture

_RETRY_SECONDS = 10


def submit(
    service: Service, owner: str, kind: Kind, request: dict[str, Any], *, image: UploadFile, key: str | None = None
) -> Job:
    """Takes a job, or finds the one that the same key made before.

    Raises:
        Problem: 413 or 415 of the image, 422 of a key that was used for something else, 503 of a full queue.
    """
    content = image.file.read()
    check_picture(content, service.settings.limits.pixels)
    fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode() + b"\0" + content).hexdigest()
    try:
        return service.queue.submit(Submission(owner, kind, request, content, fingerprint, key))
    except KeyReused:
        raise Problem(422, "Idempotency-Key: it was used for another request; take a new one") from None
    except QueueFull:
        most = service.settings.limits.queue
        raise busy(f"{most} jobs wait already; try again in a while", _RETRY_SECONDS) from None
