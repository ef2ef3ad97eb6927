"""Where the workers of an audit run. One file an engine, one line in `ENGINES`."""

from collections.abc import Callable

from misure_onnx.audit.engines import inline, local, ray_core
from misure_onnx.audit.engines.crew import Crew, Staff

ENGINES: dict[str, Callable[[Staff], Crew]] = {
    "local": local.LocalCrew,
    "ray": ray_core.RayCrew,
    "inline": inline.InlineCrew,
}
"""By name: how a crew is made for a staff."""
