"""The README cannot drift: its table is the registry, its commands and files exist."""

import re
from pathlib import Path

import pytest

from misure_onnx.cli import COMMANDS
from misure_onnx.cli.methods import describe
from misure_onnx.methods import METHODS
from misure_onnx.metrics import METRICS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_methods_is_the_registry() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (forwards.*?) \|$", README, flags=re.MULTILINE)
    described = [describe(method) for method in METHODS.values()]
    assert rows == [(method["name"], method["summary"], method["needs"]) for method in described]


def test_every_command_has_a_section_in_its_page_and_those_that_the_readme_names_exist() -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^## misure (\w+)$", page, flags=re.MULTILINE) == list(COMMANDS)
    assert set(re.findall(r"misure (\w+)`", README)) <= set(COMMANDS)


def test_the_number_of_metrics_is_the_registry_s() -> None:
    assert "[seventeen metrics]" in README
    assert len(METRICS) == 17


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)]+)\)", README))))
def test_every_file_it_links_to_exists(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_python_example_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is not installed: the example uses MiSuRe")
    import cv2  # noqa: PLC0415 - only here
    import onnx  # noqa: PLC0415 - only here

    from tests.tiny_models import noise_image, small_network  # noqa: PLC0415 - only here

    small_network(tmp_path / "model.onnx", size=(40, 48))
    model = onnx.load(tmp_path / "model.onnx")
    onnx.helper.set_model_props(model, {"misure_onnx": '{"class_names": ["background", "person", "dog", "cat"]}'})
    onnx.save(model, tmp_path / "model.onnx")
    cv2.imwrite(str(tmp_path / "photo.jpg"), noise_image((40, 48)))
    example = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    shortened = example.replace("mx.MiSuRe(tau=0.9)", "mx.MiSuRe(tau=0.9, iterations=3)")
    with_names = shortened.replace(
        'preprocess="imagenet"', 'preprocess={"class_names": ["bg", "person", "dog", "cat"]}'
    )
    monkeypatch.chdir(tmp_path)
    exec(compile(with_names, "README.md", "exec"), {})  # noqa: S102 - the example is what is tested
    assert (tmp_path / "out" / "explanation.json").is_file()
