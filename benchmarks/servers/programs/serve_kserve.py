"""KServe's model server, as a predictor in a cluster runs."""

import sys

from served_model import ServedModel, arguments

asked = arguments()
sys.argv = sys.argv[:1]  # kserve reads the command line when it is imported

from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer  # noqa: E402 - see above

served = ServedModel(asked.model, asked.threads)


class Served(Model):
    """One model."""

    def __init__(self) -> None:
        super().__init__(asked.name)
        self.ready = True

    async def get_input_types(self) -> list[dict]:
        """For the metadata."""
        return served.inputs

    async def get_output_types(self) -> list[dict]:
        """For the metadata."""
        return served.outputs

    def predict(self, payload: InferRequest, headers: dict[str, str] | None = None) -> InferResponse:
        """One request."""
        del headers
        outputs = []
        for described, value in zip(served.outputs, served(payload.inputs[0].as_numpy()).values(), strict=True):
            output = InferOutput(name=described["name"], shape=list(value.shape), datatype=described["datatype"])
            output.set_data_from_numpy(value, binary_data=payload.from_grpc or payload.use_binary_outputs)
            outputs.append(output)
        return InferResponse(
            response_id=payload.id,
            model_name=self.name,
            infer_outputs=outputs,
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )


if __name__ == "__main__":
    ModelServer(http_port=asked.http_port, grpc_port=asked.grpc_port, workers=1).start([Served()])
