"""From an address to a protocol that is spoken with its server."""

from misure_onnx.backends.open_inference.address import Address
from misure_onnx.backends.open_inference.grpc_wire import GrpcWire
from misure_onnx.backends.open_inference.http_connection import HttpConnection
from misure_onnx.backends.open_inference.meter import Meter
from misure_onnx.backends.open_inference.mlflow import MlflowWire
from misure_onnx.backends.open_inference.options import RemoteOptions
from misure_onnx.backends.open_inference.rest import Encoding, RestWire
from misure_onnx.backends.open_inference.wire import Wire
from misure_onnx.errors import ParameterError


def connect(address: Address, options: RemoteOptions, meter: Meter) -> Wire:
    """The address's protocol; REST begins with the encoding that was asked for, else with binary tensors.

    Raises:
        ParameterError: an encoding was asked for that the protocol does not have.
        InputError, ServerError: as the protocols.
    """
    if address.service == "rest":
        encoding: Encoding = "json" if options.protocol == "json" else "binary"
        return RestWire(HttpConnection(address, options, meter), address, encoding)
    if options.protocol != "auto":
        raise ParameterError(
            f"protocol {options.protocol} was asked for; it is one of http:// addresses, this one is {address}"
        )
    if address.service == "grpc":
        return GrpcWire(address, options, meter)
    return MlflowWire(HttpConnection(address, options, meter))
