"""What is in the wheel and the source distribution, and that they can be built again bit by bit."""

import tarfile
import zipfile
from pathlib import Path

import misure_onnx
from tests.packaging.conftest import ROOT, Release, build, copied

PACKAGE = ROOT / "misure_onnx"
NEEDED = (
    "misure_onnx/py.typed",
    "misure_onnx/demo/triangle.onnx",
    "misure_onnx/demo/triangle.png",
    "misure_onnx/report/page.html.j2",
    "misure_onnx/schemas/explanation-1.schema.json",
    "misure_onnx/service/page/index.html",
    "misure_onnx/service/page/main.js",
    "misure_onnx/service/page/style.css",
)


def files_of_the_package() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_package_its_data_its_licence_and_nothing_else(release: Release) -> None:
    with zipfile.ZipFile(release.wheel) as wheel:
        names = set(wheel.namelist())
        about = f"misure_onnx-{misure_onnx.__version__}.dist-info"
        metadata = wheel.read(f"{about}/METADATA").decode()
    assert set(NEEDED) <= names
    assert {name for name in names if not name.startswith(about)} == files_of_the_package()
    assert f"{about}/licenses/LICENSE" in names
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Dist: torch" not in metadata.replace("Requires-Dist: torch>=2.4; extra == 'torch'", "")


def test_the_source_distribution_holds_the_tests_and_nothing_that_tools_left(release: Release) -> None:
    with tarfile.open(release.sdist) as sdist:
        names = {Path(*Path(member.name).parts[1:]).as_posix() for member in sdist.getmembers()}
    assert {"pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "Makefile", "PKG-INFO"} <= names
    assert {"tests/conftest.py", "benchmarks/methods.py", "exporters/__main__.py", "docs/architecture.md"} <= names
    assert files_of_the_package() <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith((".venv", "build", "dist", ".git/"))]


def test_the_source_distribution_builds_the_same_wheel_as_the_tree(release: Release, tmp_path: Path) -> None:
    """`release.wheel` is made from the source distribution."""
    from_tree = build(ROOT, tmp_path, "--wheel")
    assert from_tree.wheel.name == release.wheel.name
    assert from_tree.wheel.read_bytes() == release.wheel.read_bytes()


def test_another_place_and_other_times_give_the_same_bytes(release: Release, tmp_path: Path) -> None:
    again = build(copied(tmp_path / "tree"), tmp_path / "dist")
    assert again.sdist.read_bytes() == release.sdist.read_bytes()
    assert again.wheel.read_bytes() == release.wheel.read_bytes()


def test_the_citation_names_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {misure_onnx.__version__}\n" in text
    assert f'\nversion = "{misure_onnx.__version__}"\n' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
