"""MLflow's scoring server with a Python model that runs an ONNX file."""

import tempfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import uvicorn
from mlflow.models import ModelSignature
from mlflow.pyfunc import scoring_server
from mlflow.types import Schema, TensorSpec
from served_model import ServedModel, arguments

_DTYPES = {"FP32": np.float32, "FP64": np.float64, "UINT8": np.uint8, "INT64": np.int64, "BOOL": np.bool_}


def _schema(described: list[dict[str, Any]]) -> Schema:
    return Schema(
        [TensorSpec(np.dtype(_DTYPES[one["datatype"]]), tuple(one["shape"]), name=one["name"]) for one in described]
    )


asked = arguments()
with tempfile.TemporaryDirectory(prefix="misure-mlflow-") as folder:
    place = str(Path(folder) / "model")
    mlflow.pyfunc.save_model(
        place,
        python_model=str(Path(__file__).with_name("mlflow_model.py")),
        artifacts={"onnx": asked.model},
        model_config={"threads": asked.threads},
        signature=ModelSignature(inputs=_schema(ServedModel(asked.model, asked.threads).inputs)),
        pip_requirements=[],
    )
    app = scoring_server.init(mlflow.pyfunc.load_model(place))
    uvicorn.run(app, host="127.0.0.1", port=asked.http_port, log_level="warning")
