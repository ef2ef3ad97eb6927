"""The same application on Ray Serve, which places it on a machine of a cluster and restarts it there.

    pip install 'misure-onnx[service]' 'ray[serve]'
    serve run misure_onnx.service.on_ray:build data=/var/lib/misure models=/srv/models keys=/srv/keys.txt

One replica: jobs live in its folder of data, so that a second one would not find them. Where the folder is on a disk
that all machines see, and locks work there, Ray may move the replica; else pin it to a machine (`ray_actor_options`).
"""

from collections.abc import Mapping
from typing import Any

try:
    from fastapi import FastAPI
    from ray import serve
    from ray.serve import Application
except ImportError as missing:
    raise ImportError(f"needs: pip install 'misure-onnx[service]' 'ray[serve]' ({missing})") from missing

from misure_onnx.service.app import create_app
from misure_onnx.service.settings import ServiceSettings

_ONGOING = 1000
"""Requests at the same time; most of them are event streams, which wait."""


def build(arguments: Mapping[str, str]) -> Application:
    """For `serve run`.

    Args:
        arguments: as for `ServiceSettings.from_texts`.

    Raises:
        ParameterError: see there.
    """
    settings = ServiceSettings.from_texts(arguments)

    def application() -> FastAPI:
        return create_app(settings)

    deployment: Any = serve.deployment(serve.ingress(application)())
    bound: Application = deployment.options(name="misure", num_replicas=1, max_ongoing_requests=_ONGOING).bind()
    return bound
