"""docs/architecture.md draws the layers that import-linter guards, and names files that exist."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "misure_onnx"


def test_the_layers_are_those_that_are_guarded_from_the_top_down() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["type"] == "layers")
    guarded = [set(line.split(" | ")) for line in layers]
    merged: list[set[str]] = [set()]
    for names in map(set, named()):  # a layer of the guard may take two lines of the drawing
        if any(names | merged[-1] <= layer for layer in guarded):
            merged[-1] |= names
        else:
            merged.append(set(names))
    assert merged == guarded


def test_every_module_and_folder_of_the_package_is_drawn_once() -> None:
    drawn = [name for names in named() for name in names]
    there = {path.stem for path in PACKAGE.glob("[a-z]*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    assert sorted(drawn) == sorted(there)


def test_every_file_and_folder_that_the_page_names_exists() -> None:
    text = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    found = {name for names in re.findall(r"`([^`\n]+)`", text) for name in names.split(", ") if "/" in name}
    assert len(found) > 10
    for name in found:
        places = [PACKAGE / name, PACKAGE / f"{name}.py", ROOT / name]
        assert any(place.exists() for place in places), name


def test_no_file_is_over_300_lines_and_no_function_over_60() -> None:
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{path}: {node.name}"


def named() -> list[list[str]]:
    """The modules of every line of the drawing."""
    lines = PAGE.split("```")[1].strip().splitlines()
    return [re.split(r" \| ", re.sub(r"^(\w+(?: \| \w+)*).*", r"\1", line)) for line in lines]
