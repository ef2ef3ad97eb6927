"""The page, used as a first-time visitor does, in a real browser: every step, with the mouse and with the keyboard."""

import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.service.running import server

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

IMAGE = str(files("misure_onnx") / "demo" / "triangle.png")
PATIENCE_MS = 180_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("page") / "data") as running:
        yield f"http://127.0.0.1:{running.port}/"


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """The page once its model is ready; nothing may come from elsewhere, and nothing may go wrong unseen."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    wrong: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1366, "height": 850})
        opened.set_default_timeout(PATIENCE_MS)
        opened.on("request", lambda r: wrong.extend([] if r.url.startswith((address, f"blob:{address}")) else [r.url]))
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda said: wrong.extend([said.text] if said.type == "error" else []))
        opened.goto(address)
        opened.locator("#model option:not([disabled])").first.wait_for(state="attached")
        yield opened
        browser.close()
    assert wrong == []


def pixels(canvas: Any) -> str:
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def choose_only(page: Any, *methods: str) -> None:
    page.get_by_text("More methods").click()
    for box in page.locator(".method input").all():
        box.set_checked(box.get_attribute("value") in methods)


def test_an_object_is_clicked_explained_by_two_methods_and_slid_through(page: Any, tmp_path: Path) -> None:
    page.set_input_files("#file", IMAGE)
    objects = page.locator("#objects button")
    objects.first.wait_for()
    assert objects.count() == 4  # three objects of the class, and all together
    pressed = page.locator("#objects button[aria-pressed=true]")
    assert pressed.inner_text().startswith("1.")

    before = pixels(page.locator("#canvas"))
    box = page.locator("#canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 65 / 224, box["y"] + box["height"] * 28 / 224)  # one of the others
    assert not pressed.inner_text().startswith("1.")
    assert pixels(page.locator("#canvas")) != before
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] - 2)  # background
    assert "finds no object there" in page.locator("#under-cursor").inner_text()

    page.get_by_role("button", name="all 3: triangle").click()
    choose_only(page, "sufficient_region", "predicted_mask")
    page.get_by_role("button", name="Explain").click()
    page.locator(".result .findings").nth(1).wait_for()
    first, second = page.locator(".result").all()
    assert "finds “triangle" in first.inner_text()
    assert second.get_by_label("Grow the object, step by step").count() == 0  # a mask that does not grow

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    canvas = first.locator("canvas")
    seen = {view: pixels(canvas) for view in ("Region", "What the model gets", "Map") if _shows(page, view)}
    assert len(set(seen.values())) == 3
    _shows(page, "Region")
    first.get_by_label("Grow the object, step by step").fill("0")
    assert "Grown not at all: 1.00" in first.inner_text()
    assert pixels(canvas) != seen["Region"] or "Dice 1.00" in first.inner_text()
    second.get_by_label("Only the brightest part of the map").fill("255")
    assert "was not asked" in second.inner_text()
    first.get_by_role("button", name="Back to the method's region").click()
    assert pixels(canvas) == seen["Region"]
    assert asked == []  # sliders and views ask nothing of the service

    with page.expect_download() as saved:
        first.get_by_role("button", name="Report").click()
    saved.value.save_as(tmp_path / "report.html")
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")

    page.reload()  # the address names the explanations
    page.locator(".result .findings").nth(1).wait_for()


def _shows(page: Any, view: str) -> bool:
    page.get_by_text(view, exact=True).click()
    return bool(page.locator(f"#views label:has-text('{view}') input").is_checked())


def test_everything_is_reached_by_keyboard(page: Any) -> None:
    page.set_input_files("#file", IMAGE)  # the operating system's dialog
    page.locator("#objects button").nth(1).wait_for()
    choose_only(page, "predicted_mask")
    page.locator("#objects button").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("#objects button").nth(1).get_attribute("aria-pressed") == "true"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "explain":
            break
    page.keyboard.press("Enter")
    page.locator(".result .findings").first.wait_for()
    assert page.evaluate("document.activeElement.id") == "results-title"
    page.locator("#views input:checked").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#views input:checked").get_attribute("value") == "seen"


def test_what_is_no_picture_is_refused_in_words(page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no picture")
    page.set_input_files("#file", tmp_path / "notes.png")
    page.locator("#alert").wait_for()
    assert "“notes.png” is no picture" in page.locator("#alert").inner_text()
    assert page.get_by_role("button", name="Explain").is_disabled()


def test_nothing_is_wider_than_a_tablet_or_a_phone(page: Any) -> None:
    page.set_input_files("#file", IMAGE)
    page.locator("#objects button").first.wait_for()
    for width in (1366, 800, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
