"""Addresses as users write them."""

import pytest

from misure_onnx.backends.open_inference.address import Address, parse_address
from misure_onnx.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://host:8000/v2/models/seg", Address("rest", False, "host", 8000, "", "seg", None)),
        ("https://host/v2/models/seg/versions/3", Address("rest", True, "host", 443, "", "seg", "3")),
        ("http://host/gate/way/v2/models/a%2Fb/infer", Address("rest", False, "host", 80, "/gate/way", "a/b", None)),
        ("http://[::1]:8000/v2/models/seg/", Address("rest", False, "::1", 8000, "", "seg", None)),
        ("grpc://host:8001/seg", Address("grpc", False, "host", 8001, "", "seg", None)),
        ("grpcs://host:8001/seg/2", Address("grpc", True, "host", 8001, "", "seg", "2")),
        ("mlflow+http://host:5000", Address("mlflow", False, "host", 5000, "", "", None)),
        ("mlflow+https://host/served/invocations", Address("mlflow", True, "host", 443, "/served", "", None)),
    ],
)
def test_an_address_is_taken_apart(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8000/v2/models/seg/versions/3",
        "grpcs://[::1]:8001/seg/2",
        "mlflow+http://host:5000/served",
        "https://host:443/gate/v2/models/a%2Fb",
    ],
)
def test_it_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3://bucket/net.onnx", "unknown kind"),
        ("ftp://host/v2/models/seg", "unknown kind"),
        ("http://host:8000/v1/models/seg", "does not name a model"),
        ("http://host:8000/", "does not name a model"),
        ("grpc://host:8001", "does not name a model"),
        ("grpc://host/seg", "has no port"),
        ("http://host:99999/v2/models/seg", "is no address"),
        ("http://[::1/v2/models/seg", "is no address"),
        ("http:///v2/models/seg", "no address of a model"),
        ("http://host/v2/models/seg?x=1", "without query"),
        ("http://me:secret@host/v2/models/seg", "credentials"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_address(text)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(InputError) as refusal:
        parse_address("http://me:secret@host/v2/models/seg")
    assert "secret" not in str(refusal.value)
