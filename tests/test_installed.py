"""Versions are those of pip's records, and what is not there is left out."""

from importlib.metadata import version

from misure_onnx.installed import NUMERICAL, numerical_versions, version_of, versions_of


def test_what_is_installed_has_its_version_and_nothing_else_has_one() -> None:
    assert version_of("numpy") == version("numpy")
    assert version_of("no-such-distribution") is None
    assert versions_of(["numpy", "no-such-distribution"]) == {"numpy": version("numpy")}


def test_explanations_and_machines_are_described_by_the_same_packages() -> None:
    assert {"misure-onnx", "numpy", "onnx"} <= set(numerical_versions())
    assert numerical_versions() == versions_of(NUMERICAL)
