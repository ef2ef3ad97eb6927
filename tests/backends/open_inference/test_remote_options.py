"""Options of servers, headers and hosts."""

from pathlib import Path
from typing import Any

import pytest

from misure_onnx.backends.open_inference import RemoteOptions
from misure_onnx.backends.open_inference.address import parse_address
from misure_onnx.backends.open_inference.hosts import check_allowed, reach
from misure_onnx.backends.open_inference.tensors import TensorSpec
from misure_onnx.errors import InputError, ParameterError, ServerError


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"protocol": "grpc"}, "protocol must be auto, binary, json"),
        ({"timeout": 0}, "timeout must be a number of seconds above 0"),
        ({"timeout": float("inf")}, "timeout"),
        ({"longest_wait": -1}, "longest_wait"),
        ({"retries": -1}, "retries must be at least 0"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"request_bytes": 0}, "request_bytes must be at least 1"),
        ({"headers": {"Host": "other"}}, "header 'Host' cannot be set"),
        ({"headers": {"a b": "c"}}, "header 'a b' cannot be set"),
        ({"headers_from": {"Authorization": "secret"}}, "env:VARIABLE or file:PATH"),
    ],
)
def test_what_is_out_of_range_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        RemoteOptions(**fields)


@pytest.mark.parametrize(
    "text", ["image", "image:FP32", "image:FLOAT:1,3", "image:FP32:a", "image:FP32:0,3", "image:FP32:-2"]
)
def test_an_input_is_written_as_name_type_shape(text: str) -> None:
    with pytest.raises(InputError, match="expected NAME:DATATYPE:SHAPE"):
        RemoteOptions(input=text)


def test_names_of_inputs_may_hold_colons() -> None:
    assert TensorSpec.parse("serving_default_x:0:UINT8:-1,3,5,7") == TensorSpec(
        "serving_default_x:0", "UINT8", (-1, 3, 5, 7)
    )


def test_headers_come_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "Bearer of the variable")
    (tmp_path / "key").write_text("of the file\n", encoding="utf-8")
    options = RemoteOptions(
        headers={"X-Tenant": "a"}, headers_from={"Authorization": "env:TOKEN", "X-Key": f"file:{tmp_path / 'key'}"}
    )
    assert options.all_headers() == {"X-Tenant": "a", "Authorization": "Bearer of the variable", "X-Key": "of the file"}


def test_options_show_no_header_and_hold_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    options = RemoteOptions(headers={"X-Other": "also secret"}, headers_from={"Authorization": "env:TOKEN"})
    options.all_headers()
    assert "secret" not in repr(options)


def test_a_missing_source_is_named_and_its_value_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(InputError, match="environment variable 'TOKEN', which is not set"):
        RemoteOptions(headers_from={"A": "env:TOKEN"}).all_headers()
    with pytest.raises(InputError, match="cannot be read"):
        RemoteOptions(headers_from={"A": f"file:{tmp_path / 'none'}"}).all_headers()
    monkeypatch.setenv("TOKEN", "secret\nX-Injected: yes")
    with pytest.raises(InputError, match="line break") as refusal:
        RemoteOptions(headers_from={"A": "env:TOKEN"}).all_headers()
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("allowed", [None, ("HOST",), ("other", "host:8000")])
def test_the_host_that_is_named_or_listed_is_allowed(allowed: tuple[str, ...] | None) -> None:
    check_allowed(parse_address("http://host:8000/v2/models/seg"), allowed)


@pytest.mark.parametrize("allowed", [(), ("other",), ("host:8001",), ("host.example",)])
def test_any_other_host_is_refused_before_it_is_looked_up(
    allowed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_up(*_: object, **__: object) -> None:
        raise AssertionError("the name was looked up")

    monkeypatch.setattr("socket.getaddrinfo", looked_up)
    with pytest.raises(InputError, match="the host host:8000 is not allowed"):
        check_allowed(parse_address("http://host:8000/v2/models/seg"), allowed)


@pytest.mark.parametrize("ip", ["169.254.169.254", "fe80::1", "224.0.0.1", "::"])
def test_a_name_that_means_no_server_is_not_connected_to(ip: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connected(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (ip, 80))])
    monkeypatch.setattr("socket.create_connection", connected)
    with pytest.raises(InputError, match=f"means {ip}, where no inference server lives"):
        reach(parse_address("http://innocent.example/v2/models/seg"), 1.0)


def test_an_unknown_host_is_said_to_be_unknown() -> None:
    with pytest.raises(ServerError, match=r"the host 'nowhere\.invalid' is unknown"):
        reach(parse_address("http://nowhere.invalid/v2/models/seg"), 1.0)
