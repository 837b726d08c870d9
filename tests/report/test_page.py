"""The page as HTML: whatever is told, it is text; nothing is loaded; it stays small."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise

import pytest
from outline import Outline
from report_values import HOSTILE, MARKUP, Sample

from llm_maint.domain.visible import visible

TEMPLATES = files("llm_maint.report") / "templates"

HARMLESS = "x"


def hostile(name: str) -> Sample:
    """Return a report in which every text ends in a hostile one."""
    return Sample(text=lambda text: text + HOSTILE[name])


@pytest.fixture(scope="module")
def plain() -> Outline:
    """Return the outline of a report in which every text ends in a harmless one."""
    return Outline(Sample(text=lambda text: text + HARMLESS).html())


@pytest.mark.parametrize("name", MARKUP)
def test_whatever_is_told_is_text(name: str, plain: Outline) -> None:
    """The page has the same elements and attributes, whatever stands in a row, a job, an error."""
    found = Outline(hostile(name).html())
    assert found.found == plain.found


@pytest.mark.parametrize("name", MARKUP)
def test_what_is_told_is_whole_and_visible(name: str) -> None:
    """Control characters are spelt out; what is short enough is there to the letter."""
    html = hostile(name).html()
    assert html.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\ud800-\udfff]", html)
    assert visible("a note" + HOSTILE[name]) in Outline(html).text


def test_a_page_of_long_texts_stays_small() -> None:
    """A megabyte in every place comes to little, and how long it was is told."""
    html = hostile("long").html()
    assert len(html.encode()) < 300_000
    assert "1,000,006 characters" in html


def test_nothing_is_loaded() -> None:
    """No address but those within the page, no script, no handler, no style of an element."""
    page = Outline(hostile("image").html())
    for tag, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"style", "src", "srcset", "action", "formaction", "xlink:href"}
        if name == "href":
            assert value == "data:," if tag == "link" else value[1:] in page.ids
    elements = {line.split()[0] for line in page.found}
    assert elements.isdisjoint({"script", "iframe", "object", "embed", "form", "base", "img"})


def test_the_policy_allows_our_style_alone() -> None:
    """By the digest of the one style sheet; it is what the browser reads of it."""
    html = Sample().html()
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (policy,) = [v for tag, name, v in Outline(html).attributes if "default-src" in v]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    assert "url(" not in style.replace("url(#", "")
    assert "@import" not in style
    assert "<" not in style


def test_templates_trust_nothing() -> None:
    """No text is declared safe, and every value in a tag is quoted."""
    for template in TEMPLATES.iterdir():
        text = template.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", "")
        assert "autoescape" not in text
        for tag in re.findall(r"<[a-z](?:[^<>\"]|\"[^\"]*\")*>", text):
            outside = re.sub(r"\"[^\"]*\"|{%.*?%}", "", tag)
            assert "{{" not in outside.replace("<{{ mark }}>", ""), tag


def test_ids_are_each_of_one_element() -> None:
    """And what refers to them finds them."""
    page = Outline(Sample().html())
    assert len(page.ids) == len(set(page.ids))
    for _, name, value in page.attributes:
        if name in {"aria-labelledby", "aria-describedby"}:
            assert set(value.split()) <= set(page.ids)


def test_headings_descend_step_by_step() -> None:
    """One first heading; no step is left out on the way down."""
    elements = [line.split()[0] for line in Outline(Sample().html()).found]
    levels = [int(element[1]) for element in elements if re.fullmatch(r"h\d", element)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert levels.count(2) == 9
    assert levels.count(3) > 9
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_changes_are_shown_as_far_as_there_is_room() -> None:
    """The newest; how many are left is said, and how to see them."""
    sample = Sample()
    whole = sample.rendered()
    assert whole.changes == len(sample.entries())
    assert "left out" not in whole.html
    part = sample.rendered(budget=12_000, total=1_234, commands=["llm-maint profile plans"])
    assert 0 < part.changes < whole.changes
    text = Outline(part.html).text
    assert f"{1_234 - part.changes:,} older ones are left out" in text
    assert "llm-maint profile plans" in text
    assert part.html.count('<details class="change">') == part.changes
    assert part.html.index("00000000") < part.html.index("00000001")


def test_entries_are_read_no_further_than_they_are_shown() -> None:
    """A year has thousands, and each must be read from the database."""
    read = []

    def entries() -> "object":
        for each in Sample().entries() * 100:
            read.append(each)
            yield each

    from llm_maint.report.page import rendered

    done = rendered(Sample().page(), entries(), total=900, commands=[], budget=50_000)  # type: ignore[arg-type]
    assert len(read) == done.changes + 1


def test_without_values_nothing_is_said_that_a_row_says() -> None:
    """Keys, values, tags, sources, reasons and errors are left out; ids of entities stay."""
    said = "Peanuts"
    names = {"nick", "nova", "hourly", "nightly", "off", "profile_maintenance", "success", "odd"}
    kept = {"sqlite:///assistant.db", "lark", "a note", "gone", "late", "none", "crontab -l"}
    kept |= {"run-due", "a model", "it would lose 9 of 20 facts", "order", "", "llm-maint plans"}

    def text(own: str) -> str:
        return own if own in names | kept else own + said

    assert said in Sample(text=text).html()
    assert said not in Sample(text=text, values=False).html()


def test_an_installation_without_a_past_has_a_page() -> None:
    """Each section says that there is nothing, and why."""
    from dataclasses import replace

    from llm_maint.report.page import rendered
    from llm_maint.report.tally import tally
    from llm_maint.report.telling import Place, page_of

    sample = Sample()
    since = sample.now.replace(year=2025)
    place = Place(database="d", host="h", version="1", made_at=sample.now, since=since)
    page = page_of(
        place,
        vitals=replace(sample.vitals(), jobs=()),
        checks=[],
        tally=tally([], since=since, now=sample.now),
        rows={},
        notes=[],
        values=True,
    )
    text = Outline(rendered(page, [], total=0, commands=[]).html).text
    assert text.count("No runs in this window.") == 5
    assert "There are no jobs." in text
    assert "Nothing was changed in this window." in text
    assert "All is well." in text
