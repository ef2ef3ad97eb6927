"""The service as an operator sees it: one a folder, ready when it can work, ending what does not end."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from misure_onnx.errors import InputError
from misure_onnx.service.only_one import only_one
from misure_onnx.service.settings import Limits, ServiceSettings
from tests.service.examples import QUICK, disc, ended, noise, submitted, until
from tests.service.serving import HOST, serving


def test_two_servers_do_not_share_a_folder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(InputError, match="another service works in"), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_without_workers_it_lives_and_is_not_ready(tmp_path: Path, models: Path) -> None:
    settings = ServiceSettings(data=tmp_path, models=models, devices=(), hosts=(HOST,))
    with serving(settings) as client:
        assert client.get("/health/live").json() == {"live": True}
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "database": True, "models": False, "workers": 0}


def test_a_job_that_takes_too_long_is_ended_with_its_worker(tmp_path: Path, models: Path) -> None:
    limits = Limits(job_seconds=2)
    settings = ServiceSettings(data=tmp_path, models=models, devices=("cpu",), hosts=(HOST,), limits=limits)
    with serving(settings) as client:
        crew = client.app.state.service.crew  # type: ignore[attr-defined]
        first = crew.pids
        endless = {"model": "network", "method": "rise", "settings": {"masks": 1_000_000}}
        job = ended(client, submitted(client, noise(), endless))
        assert (job["state"], job["error"]["type"]) == ("failed", "TimedOut")
        until(client, "/health/live", lambda _: crew.pids not in ([], first))
        until(client, "/health/ready", lambda found: found["ready"])
        assert "misure_worker_deaths_total 1.0" in client.get("/metrics").text


def test_numbers_for_prometheus_count_requests_and_jobs(client: TestClient) -> None:
    ended(client, submitted(client, disc(), QUICK))
    client.get("/v1/explanations/none")
    text = client.get("/metrics").text
    assert 'misure_jobs{kind="explanation",state="succeeded"}' in text
    assert 'misure_http_requests_total{method="GET",route="/v1/explanations/{job_id}",status="404"}' in text
    assert "misure_workers 1.0" in text
    assert 'route="other"' not in "".join(line for line in text.splitlines() if '"/v1' in line)


@pytest.mark.parametrize("change", [{"queue": 0}, {"pixels": -1}, {"keep_hours": 0}])
def test_limits_are_above_zero(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="must be above 0"):
        Limits(**change)


def test_settings_come_from_texts(tmp_path: Path) -> None:
    given = {"data": str(tmp_path), "models": "m", "devices": "cpu,cuda:1", "hosts": "a,b"}
    expected = ServiceSettings(data=tmp_path, models=Path("m"), devices=("cpu", "cuda:1"), hosts=("a", "b"))
    assert ServiceSettings.from_texts(given) == expected


@pytest.mark.parametrize("given", [{}, {"data": "d", "port": "1"}])
def test_of_texts_it_says_what_it_expects(given: dict[str, str]) -> None:
    with pytest.raises(InputError, match="expected data=FOLDER"):
        ServiceSettings.from_texts(given)


def test_settings_reach_a_worker_as_they_are(tmp_path: Path) -> None:
    settings = ServiceSettings(data=tmp_path, models=tmp_path, devices=("cpu", "cuda:1"), limits=Limits(queue=3))
    assert ServiceSettings.from_json(settings.to_json()) == settings
