"""Triton, with a model in its Python backend."""

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from served_model import ServedModel, arguments

_DTYPES = {
    "FP32": np.float32,
    "FP16": np.float16,
    "FP64": np.float64,
    "UINT8": np.uint8,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
}

asked = arguments()
served = ServedModel(asked.model, asked.threads)


@batch
def infer(**inputs: np.ndarray) -> dict[str, np.ndarray]:
    """One batch."""
    return served(inputs[served.input_name])


def _tensors(described: list[dict]) -> list[Tensor]:
    return [
        Tensor(name=one["name"], dtype=_DTYPES[one["datatype"]], shape=tuple(one["shape"][1:])) for one in described
    ]


here = "127.0.0.1"
config = TritonConfig(
    http_address=here, http_port=asked.http_port, grpc_address=here, grpc_port=asked.grpc_port, allow_metrics=False
)
with Triton(config=config) as triton:
    triton.bind(
        model_name=asked.name,
        infer_func=infer,
        inputs=_tensors(served.inputs),
        outputs=_tensors(served.outputs),
        config=ModelConfig(max_batch_size=asked.max_batch),
    )
    triton.serve()
