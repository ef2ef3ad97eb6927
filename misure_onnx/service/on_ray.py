"""The same application on Ray Serve, which places it on a machine of a cluster and restarts it there.

    pip install 'misure-onnx[service]' 'ray[serve]'

One replica: jobs live in its folder of data, so that a second one would not find them. Where the folder is on a disk
that all machines see, and locks work there, Ray may move the replica; else pin it to a machine (`ray_actor_options`).
"""

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from misure_onnx.errors import ParameterError
from misure_onnx.service.app import create_app
from misure_onnx.service.settings import ServiceSettings

_ONGOING = 1000
"""Requests at the same time; most of them are event streams, which wait."""


def build(arguments: Mapping[str, str]) -> Application:
    """For `serve run`.

    Args:
        arguments: `data`, and optionally `models`, `keys`, `devices` and `hosts` (lists with commas), as
            `ServiceSettings` has them.

    Raises:
        ParameterError: no folder of data, or something else.
    """
    known = {"data", "models", "keys", "devices", "hosts"}
    if "data" not in arguments or set(arguments) - known:
        raise ParameterError(f"expected data=FOLDER, and of {', '.join(sorted(known))}; got {', '.join(arguments)}")
    places = {name: Path(arguments[name]) for name in ("models", "keys") if name in arguments}
    lists = {name: tuple(arguments[name].split(",")) for name in ("devices", "hosts") if name in arguments}
    settings = ServiceSettings(data=Path(arguments["data"]), **places, **lists)  # type: ignore[arg-type]

    def application() -> FastAPI:
        return create_app(settings)

    deployment = serve.deployment(serve.ingress(application)())
    return deployment.options(name="misure", num_replicas=1, max_ongoing_requests=_ONGOING).bind()
