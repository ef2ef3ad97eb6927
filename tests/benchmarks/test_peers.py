"""The comparison with other explainers: everyone is asked the same, and the page says what was measured."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from benchmarks.overhead import Case
from benchmarks.page_table import with_table
from benchmarks.peers.__main__ import MARKERS, run_row
from benchmarks.peers.asking import FEWER, case_named, write_jobs
from benchmarks.peers.environments import PEERS, NoEnvironment, interpreter
from benchmarks.peers.judging import closeness
from benchmarks.peers.rows import KINDS, rows
from benchmarks.peers.score_head import write_score_model
from benchmarks.peers.table import at_equal_noise, of, over_bare, tables, with_range
from benchmarks.peers.torch_original import with_weights
from benchmarks.shared_data import data_directory

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "peers.md"


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    text = (ROOT / "benchmarks" / "results" / "peers.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["objects"]
    return found


@pytest.fixture(scope="module")
def bundled() -> Case:
    return case_named("bundled")


@pytest.mark.parametrize(
    "name",
    [
        "bundled",
        *(
            pytest.param(name, marks=pytest.mark.skipif(data_directory() is None, reason="no data directory"))
            for name in ("D01", "D15")  # one with channels last and independent classes
        ),
    ],
)
def test_the_score_in_the_file_is_the_library_s_dice(name: str, tmp_path: Path) -> None:
    case = case_named(name)
    write_score_model(case.segmenter, case.task.target, tmp_path / "scored.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "scored.onnx", providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    found, expected = [], []
    for share in (0.0, 0.3, 0.6, 0.9, 1.0):
        blocks = rng.random((8, 8)) < share
        mask = np.kron(blocks, np.ones((40, 40)))[: case.task.size[0], : case.task.size[1]]
        image = np.asarray(case.task.image * mask, np.float32)
        found.append(session.run(None, {"image": image})[0][0])
        expected.append(float(case.task.dice_in(image)[0]))
    assert np.allclose([dice for dice, _ in found], expected, atol=1e-5)
    assert np.allclose(np.sum(found, axis=1), 1)
    assert max(expected) - min(expected) > 0.2  # the masks differ for the model


def test_the_network_in_torch_is_the_one_in_the_file(bundled: Case, tmp_path: Path) -> None:
    (job,) = write_jobs("bundled", bundled, tmp_path, range(1))
    network = with_weights(json.loads(job.read_text(encoding="utf-8"))["weights"])
    with torch.inference_mode():
        found = network(torch.from_numpy(bundled.task.image)).numpy()
    expected = bundled.segmenter.predict(bundled.task.image)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_a_row_of_the_library_s_own_runs_and_counts_its_forwards(bundled: Case, tmp_path: Path) -> None:
    (job,) = write_jobs("bundled", bundled, tmp_path, range(1))
    asked = json.loads(job.read_text(encoding="utf-8")) | {"masks": 16}
    job.write_text(json.dumps(asked), encoding="utf-8")
    run = run_row(KINDS["rise"].rows[0], job, None)
    assert run["forwards"] == 16, run
    assert run["processor_seconds"] > 0
    assert np.load(tmp_path / run["map"]).shape == bundled.task.size


def test_a_peer_without_a_place_for_its_environment_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoEnvironment, match="--environments"):
        interpreter("dianna", None)
    row = next(row for row in KINDS["rise"].rows if row.peer == "dianna")
    assert "--environments" in run_row(row, tmp_path / "job0.json", None)["error"]


def test_every_peer_has_a_row_and_its_packages_are_pinned() -> None:
    named = {row.peer for kind in KINDS.values() for row in kind.rows}
    assert named == set(PEERS)
    for name, peer in PEERS.items():
        packages = [package for step in peer.install for package in step]
        assert peer.own or any(re.fullmatch(rf"{peer.distribution}==[\d.]+", package) for package in packages), name


def test_objects_without_a_torch_original_are_spared_the_rows_that_need_one() -> None:
    names = {row.name for row in rows(list(KINDS), None, torch=False)}
    assert "torchray rise-callable" in names
    assert not names & {"torchray rise-torch", "grad_cam grad_cam", "captum saliency", "torchray extremal"}


def test_noise_over_signal_ignores_scale_and_level_and_is_what_was_added() -> None:
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(200, 200)).astype(np.float32)
    noisy = 3 * reference + 7 + 1.5 * rng.normal(size=reference.shape).astype(np.float32)
    assert closeness(noisy, reference)["noise_over_signal"] == pytest.approx(0.5, rel=0.02)
    assert closeness(2 * reference - 1, reference)["noise_over_signal"] == pytest.approx(0, abs=1e-3)
    assert closeness(-reference, reference)["noise_over_signal"] is None
    assert closeness(np.zeros_like(reference), reference)["noise_over_signal"] is None


def test_a_mean_with_twice_the_noise_needs_four_times_the_masks() -> None:
    assert at_equal_noise(seconds=3.0, noise=0.4, goal=0.2) == pytest.approx(12)


def test_the_bare_loop_is_counted_forward_by_forward() -> None:
    run = {"processor_seconds": 3.0, "bare_processor_seconds_a_forward": 0.01, "forwards": 200}
    assert over_bare(run) == pytest.approx(1.5)
    assert with_range([1.0, 3.0, 2.0]) == "2.0 (1.0 - 3.0)"
    assert with_range([2.0, 2.0]) == "2.0"


def test_the_tables_in_the_docs_are_those_of_the_results(objects: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page, tables(objects), MARKERS) == page


def test_every_row_was_measured_or_says_why_not(objects: dict[str, Any]) -> None:
    for name, kind in KINDS.items():
        for row in kind.rows:
            measured = objects["bundled"]["rows"][row.name]
            least = 3 if name == "rise" else 1
            assert "error" in measured or len(measured["runs"]) >= least, row.name


def seconds(rows: dict[str, Any], name: str, times: float = 1) -> float:
    return times * of(rows[name]["runs"], "processor_seconds")


@pytest.mark.parametrize("name", sorted(FEWER))
def test_the_surrogate_has_the_quality_of_2000_masks_for_a_third_of_the_time(
    objects: dict[str, Any], name: str
) -> None:
    measured = objects[name]["rows"]
    own = seconds(measured, "misure rise-surrogate-cpu")
    for peer in ("dianna rise-path", "dianna rise-callable", "xplique rise"):
        assert own <= seconds(measured, peer, times=2000 / 500) / 3, peer
    own = seconds(measured, "misure rise-surrogate-openvino")
    assert own < seconds(measured, "openvino_xai rise-f32", times=2000 / 500)
    own = seconds(measured, "misure rise-surrogate-openvino-bf16")
    assert own < seconds(measured, "openvino_xai rise-default", times=2000 / 500)


def test_the_surrogate_needs_no_more_forwards_than_it_was_given() -> None:
    known = json.loads((ROOT / "benchmarks" / "results" / "rise_forwards.json").read_text(encoding="utf-8"))["cases"]
    for name, forwards in FEWER.items():
        assert known[name]["forwards_needed"]["surrogate in two steps"] <= forwards, name
