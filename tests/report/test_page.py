"""The page in a real browser: offline, silent, readable on a phone; and that it says what happened."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from hil.report.page import render
from hil.report.page_pictures import series_svg
from tests.report.sample import EVIL, LONG, sample_page, sample_results

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PHONE, DESKTOP = (360, 740), (1280, 900)


@pytest.fixture(scope="module")
def html() -> str:
    return render(sample_page())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's headless Chromium; where there is none, the one that tools/setup had playwright bring."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium-headless-shell"))
        yield browser
        browser.close()


@dataclass
class Seen:
    """What a browser did while it showed a page."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than the screen."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def show(browser: Browser, path: Path, size: tuple[int, int], scheme: str = "light") -> Seen:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
    seen = Seen(context.new_page())
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("console", lambda message: seen.errors.append(message.text))
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.goto(path.as_uri())
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    return seen


@pytest.fixture
def file(tmp_path: Path, html: str) -> Path:
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_offline_without_a_word_and_fits(
    browser: Browser, file: Path, size: tuple[int, int], scheme: str
) -> None:
    seen = show(browser, file, size, scheme)
    assert seen.requests == [file.as_uri()]
    assert seen.errors == []
    assert seen.overflow == 0
    paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(part) for part in re.findall(r"\d+", paper)[:3]) > 380) == (scheme == "light")
    text = seen.page.inner_text("body")
    assert text.startswith("failed\n\n1 promise held, 1 broken, 1 without a verdict, 1 failed in quarantine, 1 skipped")
    for said in (
        "average current drifts",
        "first difference: outputs, sequence 3, step 130, element 0",
        "r4=00000000 r5=20000118",
        "the probe drops off the hub",
        "current not measured: no current source on board 'desk' (2 promises)",
        LONG,
    ):
        assert said in text
    assert seen.page.locator("svg").count() > 8


def test_on_a_phone_every_figure_is_on_the_screen_beside_its_name(browser: Browser, file: Path) -> None:
    page = show(browser, file, PHONE).page
    cut = page.evaluate(
        "[...document.querySelectorAll('.rows td')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
    )
    assert page.locator(".rows td").count() > 40
    assert cut == 0
    names = page.evaluate(
        "[...document.querySelectorAll('#figures td')].map(e => getComputedStyle(e, '::before').content)"
    )
    wide = show(browser, file, DESKTOP).page
    headings = [heading.inner_text() for heading in wide.locator("#figures th").all()]
    assert names[1 : len(headings)] == [f'"{heading}"' for heading in headings[1:]]


def test_pictures_are_as_wide_as_their_place_and_their_words_can_be_read(browser: Browser, file: Path) -> None:
    seen = show(browser, file, PHONE)
    boxes = seen.page.evaluate(
        "[...document.querySelectorAll('figure svg')].map(each => each.getBoundingClientRect().width)"
    )
    assert len(boxes) >= 9
    assert min(boxes) > 250
    heights = seen.page.evaluate(
        "[...document.querySelectorAll('figure svg text')].map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 7


def test_each_result_says_on_what_it_was_got(browser: Browser, file: Path) -> None:
    page = show(browser, file, DESKTOP).page
    kinds = {
        row.inner_text().split("\t")[1]: row.inner_text().split("\t")[2]
        for row in page.locator("#figures tbody tr").all()
    }
    assert kinds == {"nucleo-l031": "emulated", "desk": "hardware"}
    assert page.locator("#where tbody tr").count() == 2
    assert "modelled" in page.inner_text("#figures")
    pictures = page.inner_text("#pictures")
    for said in (
        "energy of a step at 3 V, measured",
        "current, modelled",
        "current, measured",
        "some steps of it from near",
    ):
        assert said in pictures


def test_that_the_tests_would_see_a_request_an_error_and_an_overflow(browser: Browser, file: Path, html: str) -> None:
    file.write_text(
        html.replace(
            "</body>",
            "<img src='http://127.0.0.1:9/x.png'><div style='width:2000px'>x</div><script>oops()</script></body>",
        ),
        encoding="utf-8",
    )
    seen = show(browser, file, PHONE)
    assert "http://127.0.0.1:9/x.png" in seen.requests
    assert any("oops" in error for error in seen.errors)
    assert seen.overflow > 1000


def test_what_a_test_says_is_shown_and_not_obeyed(browser: Browser, file: Path, html: str) -> None:
    page = show(browser, file, PHONE).page
    assert page.title() == "failed: night of nucleo-l031, desk"
    assert EVIL in page.inner_text("#failures")
    assert "<script" not in html
    assert "http://" not in html.replace("http://www.w3.org/", "")
    assert "https://" not in html


def test_the_page_stays_small_however_long_the_runs_are(html: str) -> None:
    assert len(render(sample_page(longer=100))) < 1.1 * len(html)
    assert len(html) < 40_000 * len(sample_results()["runs"]) * 6


def test_the_same_figures_give_the_same_picture() -> None:
    series = sample_results()["runs"]["a"]["cycles"]["per_step"]
    assert series_svg(series, "cycles") == series_svg(series, "cycles")
