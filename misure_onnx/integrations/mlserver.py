"""misure as a runtime of MLServer (Seldon): an explainer is a model whose prediction is an explanation.

`model-settings.json`:

    {"name": "unet-explainer", "implementation": "misure_onnx.integrations.mlserver.MisureExplainer",
     "parameters": {"uri": "http://HOST:PORT/v2/models/unet", "extra": {"preprocess": "unet.yaml", "method": "misure"}}}

`uri` is an ONNX file or the address of the model that is explained; `extra` holds `preprocess`, `server_input` and
what a request may say too (`method`, `preset`, `settings`, `class`, `seed`, `files`). A request's pictures are one
UINT8 tensor (N, H, W, 3) or (H, W, 3), or BYTES (files in base64); `explain_parameters` among its parameters replaces
single wishes. The answer is one BYTES
tensor `explanation` with a JSON document a picture, as `instances.explain_instances` has it.

Needs `pip install 'misure-onnx[mlserver]'`, and the extra `remote` where `uri` is an address.
"""

import asyncio
import json
from typing import Any

import numpy as np

try:
    from mlserver import MLModel
    from mlserver.codecs import NumpyCodec, StringCodec
    from mlserver.errors import InferenceError, ModelParametersMissing
    from mlserver.types import InferenceRequest, InferenceResponse, RequestInput
except ImportError as missing:
    raise ImportError(f"needs MLServer: pip install 'misure-onnx[mlserver]' ({missing})") from missing

from misure_onnx.api import load_segmenter
from misure_onnx.backends.open_inference import RemoteOptions
from misure_onnx.errors import ImageError, MisureError, ParameterError
from misure_onnx.integrations.instances import Wishes, explain_instances

OUTPUT = "explanation"
_OF_THE_MODEL = ("preprocess", "server_input")


class MisureExplainer(MLModel):
    """MLServer's interface: load once, then one request after the other."""

    async def load(self) -> bool:
        """Opens the file or connects to the address.

        Raises:
            ModelParametersMissing: there is no uri.
            MisureError: as `load_segmenter`, or a wish in `extra` is none.
        """
        parameters = self.settings.parameters
        if parameters is None or not parameters.uri:
            raise ModelParametersMissing(self.settings.name, "uri")
        extra = dict(parameters.extra or {})
        self._wishes = Wishes().replaced({name: value for name, value in extra.items() if name not in _OF_THE_MODEL})
        remote = RemoteOptions(input=extra.get("server_input")) if "://" in parameters.uri else None
        preprocess = extra.get("preprocess")
        self._segmenter = await asyncio.to_thread(load_segmenter, parameters.uri, preprocess, remote=remote)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Explains every picture of a request.

        Raises:
            InferenceError: what `explain_instances` refuses.
        """
        try:
            document = {"instances": _instances(payload), "parameters": _parameters(payload)}
            answer = await asyncio.to_thread(explain_instances, self._segmenter, document, self._wishes)
        except MisureError as error:
            raise InferenceError(str(error)) from error
        texts = [json.dumps(explanation) for explanation in answer["explanations"]]
        output = StringCodec.encode_output(OUTPUT, texts)
        return InferenceResponse(id=payload.id, model_name=self.name, model_version=self.version, outputs=[output])


def _instances(payload: InferenceRequest) -> list[Any]:
    if len(payload.inputs) != 1:
        raise ParameterError(f"expected one input with pictures, got {len(payload.inputs)}")
    return _pictures(payload.inputs[0])


def _pictures(given: RequestInput) -> list[Any]:
    if given.datatype == "BYTES":
        return [{"b64": text} for text in StringCodec.decode_input(given)]
    array = np.asarray(NumpyCodec.decode_input(given))
    if array.ndim not in (3, 4):
        raise ImageError(f"expected pictures (N, H, W, 3) or one (H, W, 3), got shape {list(array.shape)}")
    return list(array if array.ndim == 4 else array[None])


def _parameters(payload: InferenceRequest) -> Any:
    found = payload.parameters
    return {} if found is None else getattr(found, "explain_parameters", None) or {}
