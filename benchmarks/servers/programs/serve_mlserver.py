"""MLServer with a runtime of one ONNX file; the settings that it reads from files are written first."""

import json
import os
import sys
import tempfile
from pathlib import Path

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from served_model import ServedModel, arguments


class Served(MLModel):
    """One model."""

    async def load(self) -> bool:
        """Opens the session."""
        extra = self.settings.parameters.extra
        self._served = ServedModel(self.settings.parameters.uri, extra["threads"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One request."""
        image = NumpyCodec.decode_input(payload.inputs[0])
        outputs = [NumpyCodec.encode_output(name, value) for name, value in self._served(image).items()]
        return InferenceResponse(id=payload.id, model_name=self.name, model_version=self.version, outputs=outputs)


def main() -> None:
    """Writes the settings and becomes the server."""
    asked = arguments()
    served = ServedModel(asked.model, asked.threads)
    folder = Path(tempfile.mkdtemp(prefix="misure-mlserver-"))
    settings = {
        "host": "127.0.0.1",
        "http_port": asked.http_port,
        "grpc_port": asked.grpc_port,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "grpc_max_message_length": 64 * 2**20,
    }
    model = {
        "name": asked.name,
        "implementation": "serve_mlserver.Served",
        "inputs": served.inputs,
        "outputs": served.outputs,
        "parameters": {"uri": asked.model, "extra": {"threads": asked.threads}},
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    command = str(Path(sys.executable).parent / "mlserver")
    os.execv(command, [command, "start", str(folder)])  # noqa: S606 - the server takes this process over


if __name__ == "__main__":
    main()
