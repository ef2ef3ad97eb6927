"""What the metadata say about the input is what the framework's own preprocessing does, at the network's size."""

from typing import Any

import numpy as np
import pytest

from exporters.families.transformers import from_processor
from misure_onnx.network_input import network_input
from misure_onnx.types import Picture
from tests.exporters.exporting import needs

SIZE = (64, 48)


@pytest.fixture(scope="module")
def picture() -> Picture:
    return np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)


def test_torchvision_normalises_so(picture: Picture) -> None:
    needs("torchvision")
    import torch  # noqa: PLC0415
    from torchvision.models import get_model_weights  # noqa: PLC0415

    from exporters.families.torchvision import build  # noqa: PLC0415
    from exporters.request import Request  # noqa: PLC0415

    source = build(Request("lraspp_mobilenet_v3_large", seed=0))
    assert source.declared.size == (520, 520)
    assert source.declared.class_names is not None
    assert source.declared.class_names[:2] == ("background", "aeroplane")
    square = np.ascontiguousarray(picture[:48, :48])
    transform = get_model_weights("lraspp_mobilenet_v3_large").DEFAULT.transforms()
    transform.resize_size = [48]
    expected = transform(torch.from_numpy(square).permute(2, 0, 1)).numpy()
    assert network_input(square, source.declared, 3, (48, 48))[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    "name", ["SegformerImageProcessor", "MobileViTImageProcessor", "BeitImageProcessor", "DPTImageProcessor"]
)
def test_transformers_normalises_so(name: str, picture: Picture) -> None:
    needs("transformers")
    import transformers  # noqa: PLC0415

    size = {"height": SIZE[0], "width": SIZE[1]}
    processor: Any = getattr(transformers, name)(size=size, do_resize=False, do_center_crop=False)
    expected = processor(picture, return_tensors="np")["pixel_values"]
    declared, found_size = from_processor(processor)
    assert found_size == SIZE
    assert network_input(picture, declared, 3, SIZE) == pytest.approx(expected, abs=1e-5)


def test_a_directory_of_transformers_brings_names_and_normalisation(tmp_path: Any) -> None:
    needs("transformers")
    import transformers  # noqa: PLC0415

    from exporters.families.transformers import build  # noqa: PLC0415
    from exporters.request import Request  # noqa: PLC0415

    configuration = transformers.SegformerConfig(
        depths=[1] * 4, hidden_sizes=[8, 16, 32, 64], decoder_hidden_size=16, id2label={0: "wall", 1: "door"}
    )
    transformers.SegformerForSemanticSegmentation(configuration).save_pretrained(tmp_path)
    processor: Any = transformers.SegformerImageProcessor(size={"height": 64, "width": 96}, image_mean=[0.1, 0.2, 0.3])
    processor.save_pretrained(tmp_path)
    declared = build(Request("segformer", weights=tmp_path)).declared
    assert declared.class_names == ("wall", "door")
    assert (declared.size, declared.mean, declared.color) == ((64, 96), (0.1, 0.2, 0.3), "RGB")
