"""Weights from files: state dicts as training scripts save them, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from exporters.weights import load_weights  # noqa: E402
from misure_onnx.errors import InputError  # noqa: E402


def network(outputs: int = 2) -> Any:
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, outputs, 1))


def state(value: float = 0.25, outputs: int = 2) -> dict[str, Any]:
    return {name: torch.full_like(tensor, value) for name, tensor in network(outputs).state_dict().items()}


def prefixed(prefix: str) -> dict[str, Any]:
    return {prefix + name: tensor for name, tensor in state().items()}


@pytest.mark.parametrize(
    "content",
    [
        state(),
        {"state_dict": state(), "epoch": 3},
        {"model": state()},
        {"model_state_dict": state(), "optimizer": {"lr": 0.1}},
        prefixed("module."),
        {"state_dict": prefixed("model.")},
        {"state_dict": prefixed("model.module.")},
    ],
    ids=["bare", "state_dict", "model", "model_state_dict", "DataParallel", "Lightning", "both"],
)
def test_state_dicts_are_found_where_training_scripts_put_them(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    filled = network()
    load_weights(filled, tmp_path / "weights.pth")
    assert all((tensor == torch.full_like(tensor, 0.25)).all() for tensor in filled.state_dict().values())


def test_safetensors_are_read(tmp_path: Path) -> None:
    pytest.importorskip("safetensors.torch").save_file(state(), tmp_path / "weights.safetensors")
    filled = network()
    load_weights(filled, tmp_path / "weights.safetensors")
    assert (filled[0].weight == 0.25).all()


def test_a_pickled_network_is_refused_unread(tmp_path: Path) -> None:
    torch.save(network(), tmp_path / "whole.pth")
    with pytest.raises(InputError, match=r"holds more than weights.*state_dict"):
        load_weights(network(), tmp_path / "whole.pth")


def test_other_shapes_are_refused(tmp_path: Path) -> None:
    torch.save(state(outputs=5), tmp_path / "weights.pth")
    with pytest.raises(InputError, match=r"weights of another network: size mismatch for 2\.weight"):
        load_weights(network(), tmp_path / "weights.pth")


def test_missing_and_unknown_names_are_refused(tmp_path: Path) -> None:
    content = state()
    content["extra.weight"] = content.pop("2.weight")
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(InputError, match=r"it lacks 2\.weight and has extra\.weight"):
        load_weights(network(), tmp_path / "weights.pth")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {}])
def test_a_file_without_a_state_dict_is_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="expected a state dict"):
        load_weights(network(), tmp_path / "weights.pth")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"no weights at all")
    with pytest.raises(InputError):
        load_weights(network(), tmp_path / "weights.pth")
    with pytest.raises(InputError, match="no existing file"):
        load_weights(network(), tmp_path / "none.pth")
