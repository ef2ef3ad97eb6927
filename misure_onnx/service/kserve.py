"""misure as KServe's explainer: a container that takes the flags of KServe's controller.

    python -m misure_onnx.service.kserve --model_name unet --predictor_host unet-predictor.default --http_port 8080

KServe sends `POST /v1/models/NAME:explain` here and everything else to the predictor, which is asked by the Open
Inference Protocol. Source of flags and paths: KServe's model server (`kserve.model_server`) and its custom explainers.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from misure_onnx.api import load_segmenter
from misure_onnx.backends.open_inference import RemoteOptions
from misure_onnx.errors import MisureError, ParameterError
from misure_onnx.integrations.instances import Wishes
from misure_onnx.segmenter import Segmenter

PROTOCOLS = ("v2", "grpc-v2")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until it is told to end.

    Returns:
        Exit status: 0 ended as told, 2 a flag is wrong or the extra `service` is not installed.
    """
    asked = parser().parse_args(arguments)
    try:
        import uvicorn  # noqa: PLC0415 - an optional extra

        from misure_onnx.service.kserve_app import Predictor, application  # noqa: PLC0415 - needs an optional extra
    except ImportError as error:
        needs = "the explainer needs its extras: pip install 'misure-onnx[service,remote]'"
        sys.stderr.write(f"misure: error: {needs} ({error})\n")
        return 2
    try:
        wishes = requested_wishes(asked)
        address = predictor_address(asked)
    except MisureError as error:
        sys.stderr.write(f"misure: error: {error}\n")
        return 2
    predictor = Predictor(lambda: load_predictor(asked, address))
    app = application(asked.model_name, predictor, wishes, at_once=max(1, asked.workers))
    uvicorn.run(app, host=asked.host, port=asked.http_port, log_level="info")
    return 0


def parser() -> argparse.ArgumentParser:
    """The controller's flags, with KServe's underscores, and our own."""
    made = argparse.ArgumentParser(
        prog="python -m misure_onnx.service.kserve", description="misure as KServe's explainer"
    )
    made.add_argument("--model_name", required=True, help="of the InferenceService")
    made.add_argument("--predictor_host", required=True, metavar="HOST[:PORT]", help="the predictor's service")
    made.add_argument("--http_port", type=int, default=8080)
    made.add_argument("--workers", type=int, default=1, help="explanations at the same time (containerConcurrency)")
    made.add_argument(
        "--predictor_protocol", default="v2", help="v2 (REST; the default) or grpc-v2; v1 cannot carry what is needed"
    )
    made.add_argument("--predictor_use_ssl", type=_truth, default=False, metavar="true|false")
    made.add_argument("--predictor_request_timeout_seconds", type=float, default=60.0)
    made.add_argument("--predictor_request_retries", type=int, default=4)
    made.add_argument("--host", default="0.0.0.0", help="where to listen (default: everywhere, as in a container)")  # noqa: S104
    made.add_argument("--preprocess", metavar="PRESET|FILE", help="of the model, as for `misure explain`")
    made.add_argument("--predictor_model", metavar="NAME", help="the model's name at the predictor, if it is another")
    made.add_argument("--server-input", metavar="NAME:TYPE:SHAPE", help="as for `misure explain`")
    made.add_argument("--ca-file", metavar="FILE", help="certificates to trust (PEM), if not the system's")
    made.add_argument("--method", default="sufficient_region", help="where a request names none")
    made.add_argument("--preset", help="of the method")
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the method")
    made.add_argument("--class", dest="class_spec", metavar="ID|NAME", help="where a request names none")
    return made


def requested_wishes(asked: argparse.Namespace) -> Wishes:
    """What is asked about a picture where the request says nothing.

    Raises:
        ParameterError: a setting is not NAME=VALUE, or the method does not know it.
    """
    from misure_onnx.api import make_method  # noqa: PLC0415 - beside its use

    settings = dict(_pair(entry) for entry in asked.set)
    make_method(asked.method, asked.preset, settings)
    return Wishes(method=asked.method, preset=asked.preset, settings=settings, class_spec=asked.class_spec)


def predictor_address(asked: argparse.Namespace) -> str:
    """Where the predictor is, as `load_segmenter` takes it.

    Raises:
        ParameterError: a protocol that cannot carry tensors.
    """
    if asked.predictor_protocol not in PROTOCOLS:
        raise ParameterError(
            f"--predictor_protocol must be {' or '.join(PROTOCOLS)}, got {asked.predictor_protocol!r}: the predictor "
            "is asked by the Open Inference Protocol, whatever protocol the explainer is asked by"
        )
    secure, model = asked.predictor_use_ssl, asked.predictor_model or asked.model_name
    if asked.predictor_protocol == "v2":
        return f"{'https' if secure else 'http'}://{asked.predictor_host}/v2/models/{model}"
    host, separator, _ = asked.predictor_host.rpartition(":")
    place = asked.predictor_host if separator and host else f"{asked.predictor_host}:{443 if secure else 80}"
    return f"{'grpcs' if secure else 'grpc'}://{place}/{model}"


def load_predictor(asked: argparse.Namespace, address: str) -> Segmenter:
    """Connects; the host is the one that the controller names, and no other is ever connected to.

    Raises:
        MisureError: as `load_segmenter`.
    """
    options = RemoteOptions(
        timeout=asked.predictor_request_timeout_seconds,
        retries=asked.predictor_request_retries,
        ca_file=asked.ca_file,
        input=asked.server_input,
    )
    preprocess = Path(asked.preprocess) if asked.preprocess and Path(asked.preprocess).is_file() else asked.preprocess
    return load_segmenter(address, preprocess, remote=options)


def _pair(entry: str) -> tuple[str, str]:
    name, separator, value = entry.partition("=")
    if not separator:
        raise ParameterError(f"--set expects NAME=VALUE, got {entry!r}")
    return name, value


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text.lower() == "true"


if __name__ == "__main__":
    sys.exit(main())
