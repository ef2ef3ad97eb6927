"""`python -m exporters`: what is refused, with what to do, and what works without a network connection."""

import json
from pathlib import Path

import numpy as np
import pytest

from exporters.__main__ import main
from misure_onnx.api import load_segmenter
from misure_onnx.errors import InputError
from misure_onnx.images import load_image
from tests.exporters.exporting import export, needs, needs_torch_exporter

UNET = ["module", "exporters.demo_model.unet:UNet", "--size", "64", "--exporter", "legacy"]


def refused(out: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a command that ends with 2 and writes nothing."""
    needs(arguments[0])
    assert main([*arguments, "--out", str(out / "model.onnx")]) == 2
    assert not list(out.glob("model*"))
    message = capsys.readouterr().err
    assert message.startswith("exporters: ")
    return message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["torchvision", "resnet50", "--random-weights"], "torchvision has no segmentation network 'resnet50'; it has"),
        (["smp", "Unet", "--random-weights"], "give --size"),
        (["smp", "Net", "--random-weights", "--size", "64"], "has no architecture 'Net'; it has DPT"),
        (["smp", "Unet", "--random-weights", "--size", "64", "--set", "depth=9"], "(--set NAME=VALUE sets an argument"),
        (["timm", "nothing", "--random-weights", "--size", "64"], "timm has no backbone 'nothing'"),
        (["timm", "resnet18", "--pretrained", "--size", "64"], "no pretrained segmentation networks"),
        (["transformers", "bert", "--random-weights"], "no segmentation network of the kind 'bert'"),
        (["monai", "Nothing", "--random-weights", "--size", "64"], "has no network 'Nothing'"),
        (["transunet", "TransUNet", "--random-weights", "--size", "60"], "must be multiples of 16"),
        (["module", "nowhere:net", "--random-weights", "--size", "64"], "No module named 'nowhere'"),
        (["module", "json", "--random-weights", "--size", "64"], "expected package.module:attribute"),
        (
            ["module", "json:dumps", "--set", "obj=1", "--random-weights", "--size", "64"],
            "gives a str; expected a torch",
        ),
        (["keras", "none.keras", "--pretrained", "--preprocess", "unit"], "cannot be read as a Keras model"),
        (["sklearn", "RandomForestClassifier", "--weights", "forest.joblib"], "pickles, which run code"),
        (["sklearn", "Forest", "--random-weights"], "has no classifier 'Forest'"),
        ([*UNET, "--pretrained"], "give --preprocess"),
        ([*UNET, "--random-weights", "--variants", "int4"], "unknown variant int4; the known ones are float16, int8"),
        ([*UNET, "--random-weights", "--class-names", "a,b", "--classes", "3"], "2 class names were given for 3"),
        ([*UNET, "--random-weights", "--class-names", "a,b,c"], "3 class names are declared, the model gives 2"),
        ([*UNET, "--random-weights", "--image", "none.png"], "no existing file"),
        ([*UNET, "--random-weights", "--set", "classes"], "--set takes NAME=VALUE"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_what_cannot_be_exported_is_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(tmp_path, capsys, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["torchvision", "lraspp_mobilenet_v3_large"],
        ["smp", "smp-hub/nothing", "--size", "64"],
        ["transformers", "nobody/nothing"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_without_a_network_connection_the_command_says_what_to_do(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # refuses every connection
    needs(arguments[0])
    if arguments[0] != "torchvision":
        import huggingface_hub.constants  # noqa: PLC0415

        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    message = refused(tmp_path, capsys, *arguments, "--pretrained")
    assert "could not be had" in message
    assert "--weights" in message


def test_weights_must_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*UNET, "--out", str(tmp_path / "model.onnx")])
    assert "--weights --pretrained --random-weights is required" in capsys.readouterr().err


def test_weights_of_a_file_are_exported(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from exporters.demo_model.unet import UNet  # noqa: PLC0415 - needs torch

    torch.manual_seed(5)
    network = UNet().eval()
    torch.save(network.state_dict(), tmp_path / "trained.pth")
    model = export(tmp_path / "model.onnx", *UNET, "--weights", str(tmp_path / "trained.pth"), "--preprocess", "unit")
    segmenter = load_segmenter(model, provider="cpu")
    image = segmenter.prepare(load_image(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)))
    with torch.inference_mode():
        expected = network(torch.from_numpy(image)).numpy()
    assert segmenter.predict(image) == pytest.approx(expected, abs=1e-4 * float(np.abs(expected).max()))
    assert (segmenter.spec.preprocessing.source or "").endswith("weights of trained.pth")


def test_random_weights_follow_the_seed(tmp_path: Path) -> None:
    def scores(seed: str) -> bytes:
        model = export(tmp_path / f"{seed}.onnx", *UNET, "--random-weights", "--seed", seed)
        return load_segmenter(model, provider="cpu").predict(np.ones((1, 3, 64, 64), np.float32)).tobytes()

    assert scores("1") == scores("01") != scores("2")


def test_the_newer_exporter_writes_the_same_network(tmp_path: Path) -> None:
    needs_torch_exporter()
    image = np.random.default_rng(0).random((2, 3, 64, 64), np.float32)
    found = []
    for exporter in ("legacy", "dynamo"):
        model = export(tmp_path / f"{exporter}.onnx", *UNET[:-1], exporter, "--random-weights")
        found.append(load_segmenter(model, provider="cpu").predict(image))
    assert found[0] == pytest.approx(found[1], abs=1e-4 * float(np.abs(found[0]).max()))


def test_a_volume_is_exported_with_its_variants(tmp_path: Path) -> None:
    command = "monai UNet --channels 1 --size 16,24,32 --set channels=(4,8) --set strides=(2,) --classes 2"
    model = export(
        tmp_path / "model.onnx",
        *command.split(),
        "--random-weights",
        "--exporter",
        "legacy",
        "--variants",
        "float16,int8",
    )
    names = ["model.float16.onnx", "model.int8.onnx", "model.onnx", "model.parity.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    declared = load_segmenter(model, provider="cpu").spec.preprocessing
    assert (declared.layout, declared.size, declared.rescale) == ("NCDHW", (16, 24, 32), "min_max")
    assert json.loads((tmp_path / names[-1]).read_text(encoding="utf-8"))["variants"].keys() == {"float16", "int8"}


def test_a_wrapped_result_is_chosen_by_its_head() -> None:
    pytest.importorskip("torch")
    import torch  # noqa: PLC0415

    from exporters.torch_network import chosen  # noqa: PLC0415

    first, second = torch.zeros(1), torch.ones(1)
    assert chosen({"out": first, "aux": second}, None) is first
    assert chosen({"out": first, "aux": second}, "aux") is second
    assert chosen((first, second), "1") is second
    with pytest.raises(InputError, match="choose one with --head"):
        chosen({"main": first, "side": second}, None)
    with pytest.raises(InputError, match="--head takes 0 to 1"):
        chosen([first, second], "2")
