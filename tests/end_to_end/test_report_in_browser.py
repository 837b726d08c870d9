"""The report in a real browser: nothing runs, nothing is asked for, all can be read and reached."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, Tab, browsing
from report_values import HOSTILE, MARKUP, Sample

OUTLINE = """
(() => {
  const lines = [];
  const walk = (element, depth) => {
    if (["DEL", "INS", "MARK"].includes(element.tagName)) return;
    const names = [...element.attributes].map(each => each.name).join(",");
    lines.push(" ".repeat(depth) + element.tagName + " " + names);
    for (const child of element.children) walk(child, depth + 1);
  };
  walk(document.documentElement, 0);
  return lines;
})()
"""

OPENED = "document.querySelectorAll('details').forEach(each => { each.open = true })"

OVERFLOWING = """
[...document.querySelectorAll('body *')]
  .filter(each => !each.closest('.scroll, .unseen, .skip, .patterns'))
  .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(each => each.outerHTML.slice(0, 200))
"""

OVERLAPPING = """
[...document.querySelectorAll('.drawing svg')].flatMap(svg => {
  const shown = [...svg.querySelectorAll('text')].filter(each => each.getClientRects().length);
  const boxes = shown.map(each => [each.textContent, each.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], n) => boxes.slice(n + 1)
    .filter(([, b]) => a.left < b.right && b.left < a.right)
    .filter(([, b]) => a.top + 2 < b.bottom - 2 && b.top + 2 < a.bottom - 2)
    .map(([other]) => one + ' | ' + other));
})
"""

FOCUSED = "document.activeElement.tagName + '.' + document.activeElement.className"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Tab:
    """Return a tab of it."""
    return browser.tab()


@pytest.fixture
def shown(tab: Tab, tmp_path: Path) -> Tab:
    """Return a tab that shows a report, wide and in light colours."""
    tab.seen_by()
    tab.sized(1200)
    _show(tab, Sample(), tmp_path)
    return tab


def _show(tab: Tab, sample: Sample, folder: Path) -> None:
    page = folder / "report.html"
    page.write_text(sample.html(), encoding="utf-8")
    tab.open(page)


@pytest.fixture(scope="module")
def plain(tab: Tab, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the elements of a report in which every text ends in a harmless one."""
    _show(tab, Sample(text=lambda text: text + "x"), tmp_path_factory.mktemp("plain"))
    return list(tab.ask(OUTLINE))


@pytest.mark.parametrize("name", MARKUP)
def test_a_hostile_text_comes_to_nothing(
    name: str, tab: Tab, plain: list[str], tmp_path: Path
) -> None:
    """No script runs, nothing is asked for, not even in vain; the page has the same elements."""
    _show(tab, Sample(text=lambda text: text + HOSTILE[name]), tmp_path)
    assert tab.ask(OUTLINE) == plain
    assert tab.ask("typeof window.caught") == "undefined"
    assert tab.ask("document.activeElement === document.body")
    asked = [each["request"]["url"] for each in tab.told("Network.requestWillBeSent")]
    assert asked == [(tmp_path / "report.html").as_uri()]
    for trouble in ("Log.entryAdded", "Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
        assert tab.told(trouble) == []


def test_the_browser_would_have_caught_it(tab: Tab, tmp_path: Path) -> None:
    """The same texts do run in a page that neither escapes them nor forbids it."""
    page = tmp_path / "open.html"
    page.write_text(f"<!DOCTYPE html>{HOSTILE['script']}{HOSTILE['image']}", encoding="utf-8")
    tab.open(page)
    assert tab.ask("window.caught") == 1
    asked = [each["request"]["url"] for each in tab.told("Network.requestWillBeSent")]
    assert "http://127.0.0.1:9/x" in asked


def test_the_policy_stops_what_would_have_been_forgotten(tab: Tab, tmp_path: Path) -> None:
    """A script that got into the page all the same is not run, an image not loaded."""
    html = Sample().html().replace("<main", f"{HOSTILE['script']}{HOSTILE['image']}<main")
    page = tmp_path / "report.html"
    page.write_text(html, encoding="utf-8")
    tab.open(page)
    assert tab.ask("typeof window.caught") == "undefined"
    assert len(tab.told("Log.entryAdded")) >= 2
    received = [each["response"]["url"] for each in tab.told("Network.responseReceived")]
    assert received in ([], [page.as_uri()])


@pytest.mark.parametrize("width", [320, 360, 640, 1200])
def test_it_fits_any_width(shown: Tab, width: int) -> None:
    """From 320 pixels on, which is also a wide screen at 200 %: the page never scrolls sideways.

    All is open; tables scroll by themselves; no label covers another.
    """
    shown.sized(width)
    shown.ask(OPENED)
    assert shown.ask(OVERFLOWING) == []
    assert shown.ask("document.documentElement.scrollWidth") <= width
    assert shown.ask(OVERLAPPING) == []


def test_the_style_is_applied_in_both_themes(shown: Tab) -> None:
    """The policy lets it in, and the person's wish for dark or light is followed."""
    ground = "getComputedStyle(document.body).backgroundColor"
    shown.seen_by(prefers_color_scheme="light")
    assert shown.ask(ground) == "rgb(255, 255, 255)"
    shown.seen_by(prefers_color_scheme="dark")
    assert shown.ask(ground) == "rgb(18, 22, 27)"
    drawn = "getComputedStyle(document.querySelector('.part.failed')).fill"
    assert shown.ask(drawn) == 'url("#failed")'


def test_all_is_open_on_paper(shown: Tab) -> None:
    """What a person would have to open is printed, in light colours."""
    is_seen = "document.querySelector('.change .inside').checkVisibility()"
    assert not shown.ask(is_seen)
    shown.seen_by(media="print", prefers_color_scheme="dark")
    assert shown.ask(is_seen)
    assert shown.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_keys_alone_reach_everything(shown: Tab) -> None:
    """First a link past the head, then links, tables that scroll, and changes that open."""
    shown.press("Tab")
    assert shown.ask(FOCUSED) == "A.skip"
    assert shown.ask("document.activeElement.getBoundingClientRect().top") >= 0
    assert shown.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    shown.press("Enter")
    assert shown.ask(FOCUSED) == "MAIN."
    reached = []
    for _ in range(60):
        shown.press("Tab")
        reached.append(shown.ask("document.activeElement.outerHTML.slice(0, 40)"))
        if shown.ask("document.activeElement.parentElement.className") == "change":
            break
    assert sum("<summary>The numbers" in each for each in reached) == 6
    assert sum('class="scroll"' in each for each in reached) == 2
    assert not shown.ask("document.querySelector('.change').open")
    shown.press("Enter")
    assert shown.ask("document.querySelector('.change').open")


def test_a_screen_reader_is_told_all_of_it(shown: Tab) -> None:
    """Landmarks, headings in their order, and images with a name and what they show."""
    nodes = shown.send("Accessibility.getFullAXTree")["nodes"]
    seen = [each for each in nodes if not each["ignored"]]
    roles = [each["role"]["value"] for each in seen]
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert roles.count(landmark) == 1
    images = [each for each in seen if each["role"]["value"] in ("image", "img")]
    assert len(images) == 6
    names = [_value(each, "name") for each in images]
    assert any("Runs a day" in name and "336 runs" in name for name in names)
    assert all(name for name in names)
    states = [_value(each, "name") for each in seen if each["role"]["value"] == "StaticText"]
    assert {"failure", "warning", "ok"} <= set(states)


def _value(node: dict[str, Any], name: str) -> str:
    return str(node.get(name, {}).get("value", ""))
