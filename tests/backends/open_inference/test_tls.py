"""TLS: a certificate is checked, and the one to trust can be named."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from misure_onnx.backends.open_inference import OpenInferenceSegmenter, RemoteOptions
from misure_onnx.errors import InputError, ServerError
from misure_onnx.preprocessing import Preprocessing
from tests.backends.open_inference import small_server
from tests.backends.open_inference.small_grpc_server import SmallGrpcServer
from tests.backends.open_inference.small_server import SmallServer
from tests.tiny_models import SIZE

UNIT = Preprocessing(scale=1 / 255)
IMAGES = np.random.default_rng(0).random((2, 3, *SIZE), np.float32)


@dataclass(frozen=True)
class Certificate:
    """For `localhost`, signed by itself."""

    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    folder = tmp_path_factory.mktemp("tls")
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", made.key, "-out", made.certificate], check=True, capture_output=True)
    return made


@pytest.fixture
def https(own: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """`SmallServer` speaks TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)

    class Secure(ThreadingHTTPServer):
        def get_request(self) -> Any:
            connection, place = super().get_request()
            return context.wrap_socket(connection, server_side=True), place

    monkeypatch.setattr(small_server, "ThreadingHTTPServer", Secure)


def asked(address: str, **options: Any) -> OpenInferenceSegmenter:
    return OpenInferenceSegmenter(address, preprocessing=UNIT, options=RemoteOptions(**options))


def named(server: SmallServer, host: str = "localhost") -> str:
    return f"https://{host}:{server.port}/v2/models/seg"


@pytest.mark.usefixtures("https")
def test_a_server_with_a_named_certificate_answers_by_https(small_network: Path, own: Certificate) -> None:
    with SmallServer(small_network).running() as server:
        segmenter = asked(named(server), ca_file=str(own.certificate))
        assert segmenter.predict(IMAGES).shape == (2, 4, *SIZE)
        assert server.seen[0].headers["host"] == f"localhost:{server.port}"


@pytest.mark.usefixtures("https")
def test_an_unknown_certificate_is_not_trusted(small_network: Path) -> None:
    with SmallServer(small_network).running() as server:
        with pytest.raises(ServerError, match=r"TLS failed: .*--ca-file"):
            asked(named(server))
        assert server.seen == []


@pytest.mark.usefixtures("https")
def test_a_certificate_of_another_host_is_not_trusted(small_network: Path, own: Certificate) -> None:
    with SmallServer(small_network).running() as server:
        with pytest.raises(ServerError, match="TLS failed"):
            asked(named(server, "127.0.0.1"), ca_file=str(own.certificate))
        assert server.seen == []


def test_grpc_checks_certificates_too(small_network: Path, own: Certificate) -> None:
    credentials = grpc.ssl_server_credentials([(own.key.read_bytes(), own.certificate.read_bytes())])
    with SmallGrpcServer(small_network, credentials=credentials).running() as server:
        assert asked(server.address, ca_file=str(own.certificate)).predict(IMAGES).shape == (2, 4, *SIZE)
        with pytest.raises(ServerError, match="CERTIFICATE_VERIFY_FAILED"):
            asked(server.address)
        with pytest.raises(ServerError):
            asked(server.address.replace("localhost", "127.0.0.1"), ca_file=str(own.certificate))


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_refused(tmp_path: Path, small_network: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with SmallServer(small_network).running() as server, pytest.raises(InputError, match="holds no certificates"):
        asked(named(server), ca_file=str(file))
