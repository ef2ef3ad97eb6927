"""Model files that cannot be explained: status 2, one message, nothing written."""

from pathlib import Path

import pytest

from tests.cli.bad_models import BAD_MODELS, Builder
from tests.cli.outcome import Run


@pytest.mark.parametrize(("build", "words"), BAD_MODELS.values(), ids=BAD_MODELS.keys())
def test_a_bad_model_is_refused(
    build: Builder, words: tuple[str, ...], misure: Run, picture: Path, tmp_path: Path
) -> None:
    folder, out = tmp_path / "models", tmp_path / "out"
    folder.mkdir()
    outcome = misure(
        "explain",
        build(folder),
        picture,
        "--method",
        "sufficient_region",
        "--preprocess",
        "unit",
        "--json",
        "--out",
        out,
    )
    outcome.assert_refused(*words)
    assert not out.exists()


@pytest.mark.parametrize(("build", "words"), BAD_MODELS.values(), ids=BAD_MODELS.keys())
def test_inspect_refuses_it_in_the_same_words(
    build: Builder, words: tuple[str, ...], misure: Run, tmp_path: Path
) -> None:
    misure("inspect", build(tmp_path), "--preprocess", "unit", "--json").assert_refused(*words)
