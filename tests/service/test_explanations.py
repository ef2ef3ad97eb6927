import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from misure_onnx.api import load_segmenter, make_method
from misure_onnx.images import load_image
from misure_onnx.target import Target
from tests.service.examples import QUICK, asked, disc, ended, noise, problem, submitted, until, without_time


@pytest.mark.parametrize("method", ["sufficient_region", "misure", "occlusion"])
def test_an_explanation_is_the_one_that_the_library_makes(
    client: TestClient, models: Path, tmp_path: Path, method: str
) -> None:
    spec: dict[str, Any] = {"model": "network", "method": method, "seed": 3}
    spec["settings"] = {"iterations": 3, "second_run": 0} if method == "misure" else {}
    job = ended(client, submitted(client, noise(), spec))
    assert job["state"] == "succeeded", job["error"]
    (tmp_path / "image.png").write_bytes(noise())
    settings = {key: str(value) for key, value in spec["settings"].items()}
    found = make_method(method, None, settings).explain(
        load_segmenter(models / "network.onnx", models / "network.yaml", provider="cpu"),
        load_image(tmp_path / "image.png"),
        Target(),
        seed=3,
    )
    assert without_time(client.get(job["links"]["result"]).json()) == without_time(found.to_json())
    served = np.load(io.BytesIO(client.get(f"{job['links']['self']}/artifacts/saliency.npy").content))
    np.testing.assert_array_equal(served, found.saliency)


def test_a_new_job_says_where_it_is_and_when_to_look(client: TestClient) -> None:
    answer = client.post("/v1/explanations", **asked(disc(), QUICK))
    assert answer.status_code == 202
    assert answer.headers["Location"] == answer.json()["links"]["self"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json()["state"] in ("queued", "running", "succeeded")
    assert ended(client, answer.headers["Location"])["progress"] is None


def test_every_artifact_that_is_listed_is_there(client: TestClient) -> None:
    job = ended(client, submitted(client, disc(), QUICK))
    assert {"explanation.json", "saliency.npy", "saliency.png", "minimal_region.png", "overlay.png", "figure.png",
            "image.jpg", "dilations.png", "view.json", "report.html"} <= set(job["artifacts"])  # fmt: skip
    for name in job["artifacts"]:
        answer = client.get(f"{job['links']['self']}/artifacts/{name}")
        assert answer.status_code == 200
        if name.endswith(".png"):
            assert answer.headers["content-type"] == "image/png"
            assert Image.open(io.BytesIO(answer.content)).format == "PNG"


def test_the_report_is_one_page_that_runs_nothing(client: TestClient) -> None:
    job = ended(client, submitted(client, disc(), QUICK))
    answer = client.get(job["links"]["report"])
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "disc: what the model needs to see" in answer.text


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ({}, "class"),
        ({"class": "disc"}, "class"),
        ({"class": 1, "against": 0}, "class"),
        ({"point": [12, 10]}, "instance"),
        ({"component": 1}, "instance"),
        ({"class": 1, "border": 2}, "region"),
    ],
)
def test_every_kind_of_target_is_explained(client: TestClient, target: dict[str, Any], kind: str) -> None:
    job = ended(client, submitted(client, disc(), {**QUICK, "target": target}))
    assert job["state"] == "succeeded", job["error"]
    found = client.get(job["links"]["result"]).json()["target"]
    assert (found["kind"], found["class_name"]) == (kind, "disc")


def test_a_failed_job_says_why_in_the_librarys_words(client: TestClient, models: Path) -> None:
    path = submitted(client, disc(), {**QUICK, "target": {"class": "cat"}})
    job = ended(client, path)
    assert job["state"] == "failed"
    assert job["error"]["type"] == "TargetError"
    assert "class 'cat' is unknown" in job["error"]["detail"]
    assert "unknown" in problem(client.get(f"{path}/result"), 409)
    broken = ended(client, submitted(client, disc(), {**QUICK, "model": "broken"}))
    assert broken["error"]["type"] == "ModelError"
    assert str(models) not in broken["error"]["detail"]


def test_metrics_are_measured_when_they_are_asked_for(client: TestClient) -> None:
    job = ended(client, submitted(client, disc(), {**QUICK, "metrics": ["insertion"]}))
    assert client.get(job["links"]["result"]).json()["metrics"]["more"]["insertion"]["value"] is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "magic"}, "method 'magic' is unknown"),
        ({"preset": "best"}, "has no preset 'best'"),
        ({"settings": {"tau": 2}}, "tau must lie in"),
        ({"settings": {"size": 2}}, "no parameter size"),
        ({"metrics": ["beauty"]}, "metric 'beauty' is unknown"),
        ({"model": "none"}, "'none' is not known"),
        ({"target": {"component": 1, "class": 1}}, "component stands alone"),
        ({"target": {"point": [-1, 0]}}, "greater than or equal to 0"),
        ({"surprise": 1}, "Extra inputs are not permitted"),
        ({"seed": -1}, "greater than or equal to 0"),
    ],
)
def test_what_can_be_known_at_once_is_refused_at_once(client: TestClient, change: dict[str, Any], said: str) -> None:
    assert said in problem(client.post("/v1/explanations", **asked(disc(), {**QUICK, **change})), 422)


def test_the_same_key_and_request_give_the_same_job(client: TestClient) -> None:
    first = submitted(client, disc(), QUICK, **{"Idempotency-Key": "one"})
    assert submitted(client, disc(), QUICK, **{"Idempotency-Key": "one"}) == first
    ended(client, first)
    assert submitted(client, disc(), QUICK, **{"Idempotency-Key": "one"}) == first
    assert submitted(client, disc(), QUICK, **{"Idempotency-Key": "two"}) != first


def test_the_same_key_with_another_request_is_refused(client: TestClient) -> None:
    submitted(client, disc(), QUICK, **{"Idempotency-Key": "three"})
    other = client.post("/v1/explanations", headers={"Idempotency-Key": "three"}, **asked(noise(), QUICK))
    assert "Idempotency-Key" in problem(other, 422)


def test_jobs_are_listed_the_newest_first_a_page_at_a_time(client: TestClient) -> None:
    made = [submitted(client, disc(), QUICK) for _ in range(3)]
    page = client.get("/v1/explanations?limit=2").json()
    assert [job["links"]["self"] for job in page["explanations"]] == made[:0:-1]
    following = client.get(page["next"]).json()["explanations"]
    assert following[0]["links"]["self"] == made[0]


def test_a_running_job_can_be_cancelled(client: TestClient) -> None:
    endless = {"model": "network", "method": "rise", "settings": {"masks": 1_000_000}}
    running, waiting = (submitted(client, noise(), endless) for _ in range(2))
    until(client, running, lambda job: job["progress"] and job["progress"]["stage"] == "rise")
    crew = client.app.state.service.crew  # type: ignore[attr-defined]
    worker = crew.pids
    assert client.delete(waiting).json()["state"] == "cancelled"
    assert client.delete(running).status_code == 202
    assert ended(client, running)["state"] == "cancelled"
    assert "is cancelled" in problem(client.get(f"{running}/result"), 409)
    assert crew.pids == worker, "the job did not end by itself"


def test_an_ended_job_is_removed_with_its_files(client: TestClient) -> None:
    path = submitted(client, disc(), QUICK)
    ended(client, path)
    folder = client.app.state.service.folders.of(path.rsplit("/", 1)[1])  # type: ignore[attr-defined]
    assert folder.is_dir()
    assert client.delete(path).status_code == 204
    assert not folder.exists()
    problem(client.get(path), 404)
