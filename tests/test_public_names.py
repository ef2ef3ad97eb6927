"""The names that a user may rely on."""

import importlib
import importlib.metadata
import subprocess
import sys

import pytest

import misure_onnx

EXPECTED = [
    "METHODS",
    "METRICS",
    "Explanation",
    "GradientError",
    "InputError",
    "Method",
    "MiSuRe",
    "MisureError",
    "PredictedMask",
    "Preprocessing",
    "ProviderError",
    "RandomMask",
    "RemoteOptions",
    "Rise",
    "Segmenter",
    "SufficientRegion",
    "Target",
    "error_target",
    "every_object",
    "explain_all",
    "load_image",
    "load_segmenter",
    "make_method",
    "make_metrics",
    "measure",
]


def in_a_fresh_interpreter(code: str) -> list[str]:
    """The lines it prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_names_are_these_and_no_more_than_25() -> None:
    assert misure_onnx.__all__ == EXPECTED
    assert len(misure_onnx.__all__) <= 25


def test_they_are_sorted_constants_first_then_classes_then_functions() -> None:
    def rank(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2), name

    assert sorted(misure_onnx.__all__, key=rank) == misure_onnx.__all__


@pytest.mark.parametrize("name", EXPECTED)
def test_every_name_can_be_imported_from_its_home(name: str) -> None:
    home = importlib.import_module(f"misure_onnx.{misure_onnx._HOMES[name]}")
    assert getattr(misure_onnx, name) is getattr(home, name)


def test_every_name_has_one_home_and_no_home_is_without_a_name() -> None:
    assert set(misure_onnx._HOMES) == set(EXPECTED)


def test_nothing_else_is_shown() -> None:
    assert dir(misure_onnx) == sorted([*EXPECTED, "__version__"])
    imported = in_a_fresh_interpreter("from misure_onnx import *\nprint(*(n for n in globals() if n[:2] != '__'))")
    assert sorted(imported) == sorted(EXPECTED)


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'misure_onnx' has no attribute 'Grad_CAM'"):
        _ = misure_onnx.Grad_CAM
    with pytest.raises(ImportError, match="cannot import name 'Grad_CAM'"):
        exec("from misure_onnx import Grad_CAM")  # noqa: S102 - a linter would refuse the plain statement


def test_importing_the_package_imports_nothing_heavy() -> None:
    loaded = in_a_fresh_interpreter("import sys, misure_onnx\nprint(*sys.modules)")
    assert "misure_onnx" in loaded
    heavy = {"numpy", "onnx", "onnxruntime", "torch", "cv2", "scipy", "sklearn", "matplotlib", "PIL", "yaml"}
    assert not heavy & set(loaded)
    assert [name for name in loaded if name.startswith("misure_onnx.")] == []


HEAVY = {"torch", "onnx", "onnxruntime", "scipy", "cv2", "matplotlib", "sklearn", "numpy", "PIL", "yaml", "tqdm"}


@pytest.mark.parametrize("options", [["--help"], ["explain", "--help"], ["audit", "--help"], ["serve", "--help"]])
def test_help_loads_nothing_heavy(options: list[str]) -> None:
    program = f"""
import sys
from misure_onnx.cli import main
try:
    main({options})
except SystemExit:
    print("|", *sys.modules)
"""
    loaded = in_a_fresh_interpreter(program)
    loaded = loaded[loaded.index("|") :]
    assert "misure_onnx.cli" in loaded
    assert not HEAVY & set(loaded)


def test_no_more_is_loaded_to_list_the_methods_than_their_modules_need() -> None:
    """Figures, statistics and runtimes wait until they are used."""
    program = "import sys, misure_onnx; misure_onnx.METHODS; misure_onnx.METRICS; print(*sys.modules)"
    loaded = set(in_a_fresh_interpreter(program))
    assert "numpy" in loaded
    late = {"matplotlib", "sklearn", "torch", "onnxruntime", "scipy.stats", "scipy.integrate", "scipy.spatial", "PIL"}
    assert not late & loaded


def test_no_public_name_but_misure_s_gradient_needs_torch() -> None:
    loaded = in_a_fresh_interpreter("import sys\nfrom misure_onnx import *\nprint(*sys.modules)")
    assert "onnxruntime" in loaded
    assert "torch" not in loaded


def test_the_version_is_the_distribution_s() -> None:
    assert misure_onnx.__version__ == importlib.metadata.version("misure-onnx")
