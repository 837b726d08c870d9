"""Links lead somewhere: every relative one of the documentation, its anchor included."""

from pathlib import Path

import pytest
from pages import CHECKOUT, Page

PAGES = [
    Page(path)
    for name in ("README.md", "CHANGELOG.md", "benchmarks/**/*.md", "docs/**/*.md")
    for path in sorted(CHECKOUT.glob(name))
]


def _broken(page: Page) -> list[str]:
    return [link for link in page.links() if "://" not in link and not _leads(page, link)]


def _leads(page: Page, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.path.parent / path if path else page.path
    if not anchor or not target.is_file():
        return target.exists()
    return anchor in Page(target).anchors()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Page) -> None:
    """What a page points at in this repository is there."""
    assert _broken(page) == []


def test_every_page_is_in_the_index() -> None:
    """Who begins at docs/README.md finds all the others."""
    index = Page(CHECKOUT / "docs/README.md")
    found = {(index.path.parent / link).resolve() for link in index.links() if ".md" in link}
    pages = {path for path in (CHECKOUT / "docs").glob("*.md") if path != index.path}
    assert pages <= found


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    """A file that is not there, and a heading that is not."""
    path = tmp_path / "page.md"
    path.write_text("# A `b` c!\n[1](#a-b-c) [2](#a-b) [3](page.md) [4](gone.md)\n", "utf-8")
    assert _broken(Page(path)) == ["#a-b", "gone.md"]
