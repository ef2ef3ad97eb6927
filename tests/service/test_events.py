import json
from dataclasses import dataclass
from typing import Any

from starlette.testclient import TestClient

from tests.service.examples import QUICK, disc, ended, noise, problem, submitted


@dataclass(frozen=True)
class Seen:
    seq: int
    kind: str
    data: dict[str, Any]


def read(text: str) -> list[Seen]:
    """The events of a stream; comments and `retry` are no events."""
    blocks = [dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
              for block in text.strip().split("\n\n")]  # fmt: skip
    return [Seen(int(one["id"]), one["event"], json.loads(one["data"])) for one in blocks if "event" in one]


def test_a_stream_tells_every_state_in_order_and_ends_with_the_job(client: TestClient) -> None:
    path = submitted(client, noise(), {"model": "network", "method": "rise", "settings": {"masks": 300}})
    answer = client.get(f"{path}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    seen = read(answer.text)
    assert [one.data["state"] for one in seen if one.kind == "state"] == ["queued", "running", "succeeded"]
    assert [one.seq for one in seen] == sorted({one.seq for one in seen})
    stages = [one.data["stage"] for one in seen if one.kind == "progress"]
    assert list(dict.fromkeys(stages)) == ["model", "rise", "files"]
    assert all(0 <= one.data["done"] <= one.data["total"] for one in seen if one.kind == "progress")


def test_whoever_was_cut_off_gets_the_rest_and_nothing_twice(client: TestClient) -> None:
    path = submitted(client, disc(), QUICK)
    ended(client, path)
    everything = read(client.get(f"{path}/events").text)
    for cut in range(len(everything) + 1):
        last = everything[cut - 1].seq if cut else 0
        assert read(client.get(f"{path}/events", headers={"Last-Event-ID": str(last)}).text) == everything[cut:]
        assert read(client.get(f"{path}/events?after={last}").text) == everything[cut:]


def test_there_are_no_events_of_no_job(client: TestClient) -> None:
    problem(client.get("/v1/explanations/none/events"), 404)


def test_a_failure_tells_its_reason(client: TestClient) -> None:
    path = submitted(client, disc(), {**QUICK, "target": {"class": "cat"}})
    last = read(client.get(f"{path}/events").text)[-1]
    assert (last.data["state"], last.data["error"]["type"]) == ("failed", "TargetError")
