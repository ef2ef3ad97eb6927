"""The model that `serve_mlflow.py` saves: MLflow keeps models as code."""

from typing import Any

import mlflow
from served_model import ServedModel


class Served(mlflow.pyfunc.PythonModel):
    """One model."""

    def load_context(self, context: Any) -> None:
        """Opens the session."""
        self._served = ServedModel(context.artifacts["onnx"], context.model_config["threads"])

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - hints would become a schema
        """One request."""
        del context, params
        return self._served(model_input[self._served.input_name])


mlflow.models.set_model(Served())
