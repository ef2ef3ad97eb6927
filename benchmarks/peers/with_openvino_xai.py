"""OpenVINO XAI's RISE: at the precision it takes by itself, and in float32."""

from typing import Any

import numpy as np
import openvino
from openvino_xai.methods.black_box.rise import RISE

from benchmarks.peers.job import Array, answer, the_job


def main() -> None:
    """The mode is `rise-default` or `rise-f32`."""
    job, mode = the_job()
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": "f32"} if mode == "rise-f32" else {}
    model = core.read_model(job.model)
    compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1, **options})
    picture = np.ascontiguousarray(job.image[0].transpose(1, 2, 0))
    forwards = 0

    def preprocess(image: Array) -> Array:
        return np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1)[None])

    def postprocess(outputs: Any) -> Array:
        nonlocal forwards
        forwards += 1
        return np.asarray(outputs[0])

    method = RISE(model, postprocess_fn=postprocess, preprocess_fn=preprocess, device_name="CPU")
    if options:  # it has no option for the precision
        method._model_compiled = compiled  # noqa: SLF001

    def explain() -> Array:
        found = method.generate_saliency_map(
            picture,
            target_indices=[0],
            num_masks=job.masks,
            num_cells=job.cells,
            prob=job.keep,
            seed=job.seed,
            scale_output=False,
        )
        return np.asarray(found[0] if isinstance(found, dict) else np.squeeze(found))

    def bare(count: int) -> None:
        request = compiled.create_infer_request()
        for _ in range(count):
            request.infer({0: job.image})

    precision = str(compiled.get_property("INFERENCE_PRECISION_HINT"))
    answer("openvino-xai", explain, bare, lambda: forwards, precision=precision)


if __name__ == "__main__":
    main()
