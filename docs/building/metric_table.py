"""The table of metrics."""

from docs.building.markdown import table
from misure_onnx.cli.metrics import describe
from misure_onnx.metrics import METRICS


def metric_list(_: str = "") -> str:
    """Every metric, with what is good, its unit and what it looks at."""
    described = [describe(name, metric) for name, metric in METRICS.items()]
    rows = [
        (
            f"[`{one['name']}`](#{one['name']})",
            one["summary"],
            "large" if one["higher_is_better"] else "small",
            one["unit"],
            one["needs"],
        )
        for one in described
    ]
    return table(("metric", "what it says", "good", "unit", "looks at"), rows)
