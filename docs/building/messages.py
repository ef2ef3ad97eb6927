"""The texts of the library's errors, with … where a value stands: what the page about errors may quote."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "misure_onnx"
GAP = "…"


def templates() -> set[str]:
    """Every text of the package, whatever it is used for."""
    return {text for file in sorted(PACKAGE.rglob("*.py")) for text in _texts(ast.parse(file.read_text("utf-8")))}


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
