"""The sections of `explanation.json`, read again: what `json.loads` gives -> records."""

from typing import Any

from misure_onnx.records import (
    Alternatives,
    Certificate,
    ChannelRecord,
    Channels,
    MetricRecord,
    Metrics,
    Minimality,
    Provenance,
    Rival,
    SamplingError,
    ServerRecord,
    Stability,
    SufficientRegionRecord,
    TargetRecord,
    YardstickRecord,
)


def read_target(document: dict[str, Any]) -> TargetRecord:
    """Section `target`."""
    against = Rival(**document["against"]) if document["against"] else None
    return TargetRecord(**{**document, "centroid_xy": tuple(document["centroid_xy"]), "against": against})


def read_metrics(document: dict[str, Any]) -> Metrics:
    """Section `metrics`."""
    stage_1, sampling = document["sufficient_region"], document["sampling_error"]
    return Metrics(
        **{
            **document,
            "sufficient_region": SufficientRegionRecord(**stage_1) if stage_1 else None,
            "predicted_mask": YardstickRecord(**document["predicted_mask"]),
            "random_mask": YardstickRecord(**document["random_mask"]),
            "sampling_error": SamplingError(**sampling) if sampling else None,
            "more": {name: MetricRecord(**record) for name, record in document["more"].items()},
        }
    )


def read_certificate(document: dict[str, Any]) -> Certificate:
    """Section `certificate`."""
    minimality = document["minimality"]
    return Certificate(
        **{
            **document,
            "required": tuple(document["required"]),
            "minimality": Minimality(**minimality) if minimality else None,
            "stability": Stability(**document["stability"]),
        }
    )


def read_alternatives(document: dict[str, Any] | None) -> Alternatives | None:
    """Section `alternatives`."""
    if document is None:
        return None
    return Alternatives(
        tuple(YardstickRecord(**region) for region in document["regions"]),
        tuple(tuple(row) for row in document["overlap"]),
    )


def read_channels(document: dict[str, Any] | None) -> Channels | None:
    """Section `channels`."""
    if document is None:
        return None
    return Channels(**{**document, "channels": tuple(ChannelRecord(**own) for own in document["channels"])})


def read_provenance(document: dict[str, Any]) -> Provenance:
    """Section `provenance`."""
    lists = ("providers_requested", "providers_used", "notes")
    # Explanations from before servers could be asked have no such key.
    server = ServerRecord(**document["server"]) if document.get("server") else None
    return Provenance(**{**document, **{name: tuple(document[name]) for name in lists}, "server": server})
