"""What must not get in, and with which status it is told so."""

import gzip
import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from misure_onnx.service.keys import new_key
from misure_onnx.service.settings import Limits, ServiceSettings
from tests.service.examples import QUICK, asked, disc, ended, png, problem, submitted
from tests.service.serving import HOST, serving


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_that_claims(width: int, height: int, content: bytes = b"") -> bytes:
    """A few bytes with the header of a large picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


def refused(client: TestClient, image: bytes, status: int) -> str:
    said = problem(client.post("/v1/explanations", **asked(image, QUICK)), status)
    assert problem(client.post("/v1/predictions", **asked(image, {"model": "bright"})), status) == said
    return said


def test_a_picture_of_900_megapixels_is_refused_from_its_header(client: TestClient) -> None:
    assert "millions of pixels; at most 40,000,000" in refused(client, png_that_claims(30_000, 30_000), 413)


def test_a_decompression_bomb_is_refused(client: TestClient) -> None:
    black = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(black, "PNG")
    assert len(black.getvalue()) < 100_000
    assert "144,000,000 pixels" in refused(client, black.getvalue(), 413)


def test_more_data_than_the_header_says_costs_nothing_but_the_job(client: TestClient) -> None:
    bomb = png_that_claims(24, 20, bytes(200_000_000))
    job = ended(client, submitted(client, bomb, QUICK))
    assert job["state"] in ("failed", "succeeded")
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + bytes(100),
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
    ],
)
def test_what_is_no_png_or_jpeg_is_refused(client: TestClient, content: bytes) -> None:
    refused(client, content, 415)


def test_other_formats_are_refused_whatever_they_are_called(client: TestClient) -> None:
    for kind in ("GIF", "BMP", "TIFF", "WEBP", "PPM"):
        held = io.BytesIO()
        Image.new("RGB", (24, 20)).save(held, kind)
        refused(client, held.getvalue(), 415)


def test_a_picture_that_is_cut_off_fails_with_a_reason(client: TestClient) -> None:
    job = ended(client, submitted(client, disc()[:-30], QUICK))
    assert (job["state"], job["error"]["type"]) == ("failed", "ImageError")
    data = str(client.app.state.service.settings.data)  # type: ignore[attr-defined]
    assert data not in job["error"]["detail"]


def test_a_body_that_is_too_large_is_refused_when_it_is_announced(client: TestClient) -> None:
    assert "larger than" in problem(client.post("/v1/explanations", **asked(bytes(30_000_000), QUICK)), 413)


def test_a_body_that_does_not_say_how_large_it_is_is_cut_off(client: TestClient) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(1000):
            sent += 1_000_000
            yield bytes(1_000_000)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post("/v1/explanations", content=endless(), headers=headers)
    assert "larger than" in problem(answer, 413)


def test_compressed_bodies_are_not_unpacked(client: TestClient) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "multipart/form-data; boundary=b"}
    problem(client.post("/v1/explanations", content=gzip.compress(bytes(1000)), headers=headers), 415)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://internal.example/v2/models/m",
        "grpc://10.0.0.1:8001/m",
        "file:///etc/passwd",
        "HTTP://LOCALHOST/v2/models/m",
    ],
)
def test_a_model_behind_an_address_is_refused(client: TestClient, url: str) -> None:
    answers = (
        client.post("/v1/explanations", **asked(disc(), {**QUICK, "model": url})),
        client.post("/v1/predictions", **asked(disc(), {"model": url})),
    )
    for answer in answers:
        assert "addresses are not taken" in problem(answer, 403)


@pytest.mark.parametrize("name", ["../bright", "/etc/passwd", "bright.onnx", "..%2f..%2fbright", "bright%00"])
def test_a_model_is_a_name_and_no_path(client: TestClient, name: str) -> None:
    problem(client.post("/v1/explanations", **asked(disc(), {**QUICK, "model": name})), 422)
    assert client.get(f"/v1/models/{name}").status_code in (404, 422)


@pytest.mark.parametrize(
    "name",
    ["../image", "..%2fimage", "%2e%2e/image", "%2e%2e%2fimage", "....//image", "/etc/passwd", "%2fetc%2fpasswd",
     "..\\image", "view.json%00.png", "attempt-1/view.json", ".", ".."],
)  # fmt: skip
def test_an_artifact_is_a_name_and_no_path(client: TestClient, name: str) -> None:
    path = submitted(client, disc(), QUICK)
    ended(client, path)
    answer = client.get(f"{path}/artifacts/{name}")
    assert answer.status_code == 404 or str(answer.url).endswith(path)  # the client resolved the dots by itself
    assert b"root:" not in answer.content
    assert disc() not in answer.content


@pytest.mark.parametrize("filename", ["../../evil.png", "/etc/cron.d/evil", "a\x00b.png", "x" * 1000])
def test_the_name_of_an_upload_is_never_used(client: TestClient, filename: str) -> None:
    files = {"image": (filename, disc(), "image/png")}
    answer = client.post("/v1/explanations", files=files, data={"spec": json.dumps(QUICK)})
    job = ended(client, answer.headers["Location"])
    assert job["state"] == "succeeded"
    folder = client.app.state.service.folders.of(job["id"])  # type: ignore[attr-defined]
    assert sorted(path.name for path in folder.iterdir()) == ["attempt-1", "image"]


@pytest.mark.parametrize("spec", ["", "{", "[]", "null", "1e999", '{"model": "bright", "seed": NaN}', '"' * 2000])
def test_a_spec_that_is_no_json_object_is_refused(client: TestClient, spec: str) -> None:
    problem(client.post("/v1/explanations", **asked(disc(), spec)), 422)


def test_deeply_nested_json_is_refused(client: TestClient) -> None:
    problem(client.post("/v1/explanations", **asked(disc(), "[" * 100_000)), 422)


def test_missing_parts_are_refused(client: TestClient) -> None:
    problem(client.post("/v1/explanations", data={"spec": json.dumps(QUICK)}), 422)
    problem(client.post("/v1/explanations", files={"image": ("a", disc())}), 422)
    problem(client.post("/v1/explanations", json=QUICK), 422)


def test_a_path_or_verb_that_is_not_there_is_a_problem_document(client: TestClient) -> None:
    problem(client.get("/v1/nothing"), 404)
    answer = client.put("/v1/explanations", json={})
    problem(answer, 405)
    assert "POST" in answer.headers["allow"] or "GET" in answer.headers["allow"]
    problem(client.get("/nothing"), 404)


def test_another_host_name_is_refused(client: TestClient) -> None:
    problem(client.get("/v1/models", headers={"Host": "evil.example"}), 421)
    assert client.get("/v1/models", headers={"Host": f"{HOST}:8000"}).status_code == 200


@pytest.mark.parametrize("host", ["[", "]", ":", "", "testserver:x:y", "[::1]:99", "a" * 500])
def test_a_host_name_that_is_none_is_refused(client: TestClient, host: str) -> None:
    problem(client.get("/v1/models", headers={"Host": host}), 421)
    assert client.get("/health/live", headers={"Host": host}).status_code == 200  # probes call it by its address


@pytest.mark.parametrize(
    "origin", ["null", "http://[", "testserver.evil.example", "http://testserver@evil.example", ""]
)
def test_an_origin_that_is_not_this_one_is_refused(client: TestClient, origin: str) -> None:
    problem(client.post("/v1/explanations", headers={"Origin": origin}, **asked(disc(), QUICK)), 403)


def test_a_page_of_another_site_changes_nothing(client: TestClient) -> None:
    headers = {"Origin": "http://evil.example"}
    problem(client.post("/v1/explanations", headers=headers, **asked(disc(), QUICK)), 403)
    assert submitted(client, disc(), QUICK, Origin=f"http://{HOST}")


@pytest.mark.parametrize("path", ["/", "/docs/", "/v1/models", "/v1/nothing", "/openapi.json", "/metrics"])
def test_every_answer_tells_a_browser_what_not_to_do(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


class TestWithKeys:
    """A service of its own, with two keys and narrow limits; nobody works on its jobs."""

    @pytest.fixture
    def keys(self, tmp_path: Path) -> tuple[str, str]:
        return new_key(tmp_path / "keys", "clinic"), new_key(tmp_path / "keys", "lab")

    @pytest.fixture
    def guarded(self, tmp_path: Path, models: Path, keys: tuple[str, str]) -> Iterator[TestClient]:
        del keys
        settings = ServiceSettings(
            data=tmp_path / "data", models=models, keys=tmp_path / "keys", devices=(), hosts=(HOST,),
            limits=Limits(queue=3, jobs_per_minute=6, requests_per_minute=100),
        )  # fmt: skip
        with serving(settings) as client:
            yield client

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-API-Key": "wrong"},
            {"X-API-Key": ""},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic YTpi"},
        ],
    )
    def test_without_a_proper_key_nobody_comes_in(self, guarded: TestClient, headers: dict[str, str]) -> None:
        for answer in (
            guarded.get("/v1/models", headers=headers),
            guarded.post("/v1/explanations", headers=headers, **asked(disc(), QUICK)),
        ):
            problem(answer, 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_health_and_pages_need_no_key(self, guarded: TestClient) -> None:
        for path in ("/health/live", "/metrics", "/openapi.json", "/", "/docs/"):
            assert guarded.get(path).status_code == 200

    def test_a_job_is_visible_to_its_key_alone(self, guarded: TestClient, keys: tuple[str, str]) -> None:
        mine, other = ({"X-API-Key": key} for key in keys)
        path = submitted(guarded, disc(), QUICK, **mine)
        for verb, place in (("GET", path), ("GET", f"{path}/events"), ("GET", f"{path}/result"), ("DELETE", path)):
            problem(guarded.request(verb, place, headers=other), 404)
        assert guarded.get("/v1/explanations", headers=other).json()["explanations"] == []
        bearer = {"Authorization": f"Bearer {keys[0]}"}
        assert len(guarded.get("/v1/explanations", headers=bearer).json()["explanations"]) == 1

    def test_a_full_queue_says_when_to_come_again(self, guarded: TestClient, keys: tuple[str, str]) -> None:
        mine = {"X-API-Key": keys[0]}
        for _ in range(3):
            submitted(guarded, disc(), QUICK, **mine)
        answer = guarded.post("/v1/explanations", headers=mine, **asked(disc(), QUICK))
        assert "3 jobs wait" in problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0

    def test_too_many_submissions_are_refused_before_they_are_read(
        self, guarded: TestClient, keys: tuple[str, str]
    ) -> None:
        mine, other = ({"X-API-Key": key} for key in keys)
        statuses = [guarded.post("/v1/explanations", headers=mine, json={}).status_code for _ in range(7)]
        assert statuses == [422] * 6 + [429]
        refused = guarded.post("/v1/explanations", headers=mine, json={})
        assert "6 jobs a minute" in problem(refused, 429)
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["RateLimit-Policy"] == '"jobs";q=6;w=60'
        assert guarded.get("/v1/models", headers=mine).status_code == 200
        assert guarded.post("/v1/explanations", headers=other, json={}).status_code == 422

    def test_with_a_full_queue_the_same_key_still_finds_its_job(
        self, guarded: TestClient, keys: tuple[str, str]
    ) -> None:
        headers: dict[str, Any] = {"X-API-Key": keys[0], "Idempotency-Key": "once"}
        path = submitted(guarded, disc(), QUICK, **headers)
        for _ in range(2):
            submitted(guarded, disc(), QUICK, **{"X-API-Key": keys[0]})
        assert submitted(guarded, disc(), QUICK, **headers) == path


def test_more_pixels_than_the_operator_allows_are_refused(tmp_path: Path, models: Path) -> None:
    limits = Limits(pixels=500)
    settings = ServiceSettings(data=tmp_path, models=models, devices=(), hosts=(HOST,), limits=limits)
    with serving(settings) as client:
        submitted(client, disc(), QUICK)
        large = png(np.zeros((20, 26, 3), np.uint8))
        assert "at most 500" in problem(client.post("/v1/explanations", **asked(large, QUICK)), 413)
