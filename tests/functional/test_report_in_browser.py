"""The report as a reader's browser shows it, on a phone and on a desk."""

from __future__ import annotations

import json
import os
import runpy
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from retain.reports import write
from retain.reports.content import Customer, ReportContent

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM, DRIVER = "chromium", "chromedriver"
EXAMPLE = Path(__file__).parents[1] / "unit" / "reports" / "example_content.py"
SIZES = {"phone": (360, 740), "desk": (1280, 900)}
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Every text in sight with the contrast of its colour against what lies behind it, as WCAG 2 defines it.
CONTRASTS = """
const light = c => { const v = c / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
const behind = node => {
  for (let n = node; n; n = n.parentElement) {
    const c = rgb(getComputedStyle(n).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const words = walker.currentNode.textContent.trim(), node = walker.currentNode.parentElement;
  if (!words || !node.getClientRects().length || node.matches("title, desc")) continue;
  const style = getComputedStyle(node);
  const front = luminance(rgb(node.namespaceURI.endsWith("svg") ? style.fill : style.color));
  const back = luminance(behind(node));
  found.push([words, (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05)]);
}
return found;
"""
# Letters of a chart: their size on the screen, and how far they stick out of their drawing.
LETTERS = """
return [...document.querySelectorAll("svg text")].map(node => {
  const svg = node.ownerSVGElement, box = node.getBoundingClientRect(), frame = svg.getBoundingClientRect();
  const scale = frame.width / svg.viewBox.baseVal.width;
  return [node.textContent, parseFloat(getComputedStyle(node).fontSize) * scale,
    Math.max(frame.left - box.left, box.right - frame.right, frame.top - box.top, box.bottom - frame.bottom)];
});
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A headless Chromium with a profile of its own."""
    chromium, driver = shutil.which(CHROMIUM), shutil.which(DRIVER)
    if chromium is None or driver is None:
        reason = "no Chromium: apt-get install chromium chromium-driver"
        # Where every test must run, a missing browser is a failure; on a reader's machine it is not.
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def content() -> ReportContent:
    """A full page's content."""
    made: ReportContent = runpy.run_path(str(EXAMPLE))["example"]()
    return made


def show(browser: webdriver.Chrome, page: Path, size: str, scheme: str = "light") -> None:
    width, height = SIZES[size]
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
    preference = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preference)
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(page.as_uri())


def ask(browser: webdriver.Chrome, script: str) -> Any:
    return browser.execute_script(script)


def unfold(browser: webdriver.Chrome) -> None:
    ask(browser, "document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_asked_of_anybody(
    browser: webdriver.Chrome, content: ReportContent, tmp_path: Path, size: str
) -> None:
    """The page itself is all that is ever loaded, and the browser has nothing to complain of."""
    page = write(content, tmp_path / "report.html")
    show(browser, page, size)
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("size", SIZES)
def test_the_page_never_scrolls_sideways(
    browser: webdriver.Chrome, content: ReportContent, tmp_path: Path, size: str
) -> None:
    """However long a word, folded or unfolded, the body is as wide as the window; tables scroll in their boxes."""
    endless = Customer("c" * 300, "high", 0.5, 1.0, ("r" * 300,), "a" * 300, "p" * 300)
    page = write(
        replace(content, dataset="d" * 300, customers=(endless, *content.customers)), tmp_path / "report.html"
    )
    show(browser, page, size)
    for _ in range(2):
        assert ask(browser, "return document.documentElement.scrollWidth") <= SIZES[size][0]
        unfold(browser)


@pytest.mark.parametrize("size", SIZES)
def test_every_section_and_chart_is_seen(
    browser: webdriver.Chrome, content: ReportContent, tmp_path: Path, size: str
) -> None:
    """Each heading has its section and each drawing its place; every line of the contents leads to one."""
    show(browser, write(content, tmp_path / "report.html"), size)
    size_of = "return [...document.querySelectorAll('{}')].map(one => {{ const box = one.getBoundingClientRect(); return Math.min(box.width, box.height); }})"
    sections = ask(browser, size_of.format("section"))
    assert len(sections) == ask(browser, "return document.querySelectorAll('nav a').length") == 10
    assert min(sections) > 100
    charts = ask(browser, size_of.format("svg"))
    assert len(charts) == 12
    assert min(charts) >= 18


@pytest.mark.parametrize("size", SIZES)
def test_letters_in_charts_can_be_read(
    browser: webdriver.Chrome, content: ReportContent, tmp_path: Path, size: str
) -> None:
    """No letter in a chart is smaller than ten pixels or sticks out of its drawing."""
    show(browser, write(content, tmp_path / "report.html"), size)
    letters = ask(browser, LETTERS)
    assert len(letters) > 50
    assert [words for words, tall, _ in letters if tall < 10] == []
    assert [(words, out) for words, _, out in letters if out > 2] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_word_stands_out(
    browser: webdriver.Chrome, content: ReportContent, tmp_path: Path, size: str, scheme: str
) -> None:
    """By day and by night every text has the contrast that WCAG 2 AA asks for, 4.5 to 1."""
    show(browser, write(content, tmp_path / "report.html"), size, scheme)
    unfold(browser)
    contrasts = ask(browser, CONTRASTS)
    assert len(contrasts) > 500
    assert [(words, ratio) for words, ratio in contrasts if ratio < 4.5] == []
    dark = ask(browser, "return getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 27)"
    assert dark == (scheme == "dark")


def test_a_hostile_customer_can_do_nothing(
    browser: webdriver.Chrome, content: ReportContent, tmp_path: Path
) -> None:
    """Markup in a customer's id is read, not run."""
    hostile = Customer(
        "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">", "high", 0.5
    )
    show(browser, write(replace(content, customers=(hostile,)), tmp_path / "report.html"), "phone")
    assert browser.title.startswith(content.title)
    assert ask(browser, "return document.querySelector('.who').textContent") == hostile.customer_id
    assert browser.get_log("browser") == []
