"""The command line with models behind a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.examples import two_pictures
from tests.backends.open_inference.small_server import SmallServer
from tests.cli.outcome import Run
from tests.cli.process import started
from tests.cli.test_without_extras import without
from tests.tiny_models import bright_pixels


@pytest.fixture
def server(small_network: Path) -> Iterator[SmallServer]:
    with SmallServer(small_network).running() as running:
        yield running


def test_explaining_through_a_server_gives_what_the_file_gives(
    misure: Run, server: SmallServer, small_network: Path, picture: Path, tmp_path: Path
) -> None:
    options = ("--preprocess", "unit", "--method", "misure", "--route", "search", "--budget", "30", "--json")
    local = misure("explain", small_network, picture, *options, "--out", tmp_path / "a").document()
    remote = misure("explain", server.address, picture, *options, "--out", tmp_path / "b").document()
    assert remote["metrics"] == local["metrics"]
    assert remote["provenance"]["server"]["address"] == server.address
    assert local["provenance"]["server"] is None
    for name in ("minimal_region.png", "sufficient_region.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_picture_is_compressed_for_a_model_behind_a_server(
    misure: Run, server: SmallServer, small_network: Path, picture: Path
) -> None:
    options = ("--preprocess", "unit", "--method", "sufficient_region", "--keep", "sufficient", "--json")
    local = misure("compress", small_network, picture, *options).document()
    assert misure("compress", server.address, picture, *options).document() == local


def test_inspecting_an_address_says_what_was_found(misure: Run, server: SmallServer) -> None:
    server.max_batch = 4
    found = misure("inspect", server.address, "--preprocess", "unit", "--json").document()
    assert found["server"]["protocol"] == "REST binary"
    assert found["server"]["images_per_request"] == 4
    assert found["input"]["said"] == ["image FP32[-1,3,20,24]"]
    assert found["output"]["all_outputs"] == ["scores float32[1, 4, 20, 24]"]
    assert found["gradient"]["route"] is None
    assert "rise" in found["gradient"]["methods"]
    assert "seg_grad_cam" not in found["gradient"]["methods"]
    shown = misure("inspect", server.address, "--preprocess", "unit")
    assert "images_per_request:" in shown.out


@pytest.mark.parametrize("more", [["--layers"], ["picture.png"]])
def test_inside_an_address_there_is_nothing_to_inspect(misure: Run, server: SmallServer, more: list[str]) -> None:
    misure("inspect", server.address, *more, "--preprocess", "unit", "--json").assert_refused("shows no layers")


def test_a_secret_header_arrives_and_is_written_nowhere(
    misure: Run, server: SmallServer, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "Bearer s3cret")
    options = ("--preprocess", "unit", "--method", "predicted_mask", "--header-from", "Authorization=env:TOKEN")
    shown = misure("explain", server.address, picture, *options, "--header", "X-Tenant=a", "--out", tmp_path / "out")
    assert shown.status == 0, shown.err
    assert {request.headers.get("authorization") for request in server.seen} == {"Bearer s3cret"}
    assert {request.headers.get("x-tenant") for request in server.seen} == {"a"}
    written = [file.read_bytes() for file in (tmp_path / "out").iterdir()]
    assert all(b"s3cret" not in content for content in [*written, shown.out.encode(), shown.err.encode()])


def test_what_is_asked_of_the_server_is_what_was_chosen(misure: Run, server: SmallServer, picture: Path) -> None:
    server.metadata = None
    options = ("--preprocess", "unit", "--method", "predicted_mask", "--protocol", "json", "--concurrency", "1")
    more = ("--server-input", "image:FP32:-1,3,20,24", "--timeout", "30", "--request-bytes", "100000", "--json")
    found = misure("explain", server.address, picture, *options, *more).document()
    assert found["provenance"]["server"]["protocol"] == "REST JSON"
    assert server.together == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--header", "secret"], ["--header expects NAME=VALUE"]),
        (["--header-from", "Authorization=secret"], ["env:VARIABLE or file:PATH"]),
        (["--header-from", "Authorization=env:NOT_SET_ANYWHERE"], ["NOT_SET_ANYWHERE"]),
        (["--server-input", "image"], ["NAME:DATATYPE:SHAPE"]),
        (["--timeout", "-1"], ["timeout"]),
        (["--provider", "cpu"], ["a server chooses its own"]),
        (["--untrusted"], ["limits the process that runs a model's file", "runs in its server"]),
        (["--ca-file", "/nowhere.pem"], ["/nowhere.pem", "holds no certificates"]),
        (["--method", "seg_grad_cam"], ["gives answers alone", "rise"]),
    ],
)
def test_what_cannot_be_used_is_refused(
    misure: Run, server: SmallServer, picture: Path, options: list[str], words: list[str]
) -> None:
    address = server.address.replace("http:", "https:") if "--ca-file" in options else server.address
    outcome = misure("explain", address, picture, "--preprocess", "unit", "--json", *options)
    outcome.assert_refused(*words)
    assert "secret" not in outcome.err


def test_options_of_a_server_do_not_go_with_a_file(misure: Run, small_network: Path, picture: Path) -> None:
    outcome = misure("explain", small_network, picture, "--preprocess", "unit", "--timeout", "5", "--json")
    outcome.assert_refused("options of a server were given, but the model is a file")


def test_an_audit_asks_a_server_and_resumes(misure: Run, tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    model = bright_pixels(tmp_path / "model.onnx")
    with SmallServer(model).running() as server:
        command = ("audit", tmp_path / "data", "--model", server.address, "--out", tmp_path / "out", "--json")
        options = ("--engine", "inline", "--method", "predicted_mask", "--preprocess", "unit")
        first = misure(*command, *options).document()
        assert first["model"]["server"]["protocol"] == "REST binary"
        assert first["results"]["by_status"] == {"ok": 2}
        assert misure(*command, *options).document()["run"]["shards"]["computed"] == 0
        server.version = "2"  # another model under the same address: nothing of the first one is taken for it
        assert misure(*command, *options).document()["run"]["shards"]["computed"] == 2
        assert misure("report", tmp_path / "out").status == 0


def test_a_worker_s_process_reads_the_secret_header_itself(
    misure: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "Bearer s3cret")
    two_pictures(tmp_path / "data")
    with SmallServer(bright_pixels(tmp_path / "model.onnx")).running() as server:
        command = ("audit", tmp_path / "data", "--model", server.address, "--out", tmp_path / "out", "--no-report")
        options = ("--engine", "local", "--method", "predicted_mask", "--preprocess", "unit", "--json")
        found = misure(*command, *options, "--header-from", "Authorization=env:TOKEN").document()
        assert found["results"]["by_status"] == {"ok": 2}
        assert {request.headers.get("authorization") for request in server.seen} == {"Bearer s3cret"}
    assert all(b"s3cret" not in file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file())


def test_a_file_and_a_server_are_compared(misure: Run, tmp_path: Path) -> None:
    two_pictures(tmp_path / "data")
    model = bright_pixels(tmp_path / "model.onnx")
    with SmallServer(model).running() as server:
        command = ("compare", model, server.address, tmp_path / "data", "--out", tmp_path / "out", "--timeout", "20")
        options = ("--engine", "inline", "--method", "predicted_mask", "--preprocess", "unit", "--json")
        found = misure(*command, *options).document()
        assert found["pairs"]["found_by"]["both"] == 2
        assert found["statistics"]["predicted_mask"]["all"]["region_iou"]["quartiles"] == [1, 1, 1]


@pytest.mark.parametrize(("package", "address"), [("httpx2", "http://h/v2/models/m"), ("grpc", "grpc://h:1/m")])
def test_without_the_extra_its_name_is_said(picture: Path, package: str, address: str) -> None:
    outcome = started("explain", address, picture, "--json", prelude=without(package))
    outcome.assert_refused("pip install 'misure-onnx[remote]'")
