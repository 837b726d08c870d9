"""Memories as values: what protects them, how they go on for others, what is written of them."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from building import MORNING, day, memory
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.memory import Memory
from llm_maint.domain.policy import Policy
from llm_maint.errors import DataError

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=150, database=None)

POLICY = Policy(protected_tags=frozenset({"keep"}), pinned_ids=frozenset({"pinned"}))

moments = st.none() | st.integers(-900, 900).map(lambda hours: MORNING + timedelta(hours=hours))
tags = st.lists(st.sampled_from(["work", "chess", "Chess", "recurring", "h\u00e9"]), unique=True)


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    """Return a memory with any of its fields, some of them unknown."""
    return memory(
        draw(st.uuids()).hex,
        draw(st.sampled_from(["Plays chess", "Works in Oslo", ""])),
        tags=tuple(draw(tags)),
        importance=draw(st.none() | st.floats(0, 1)),
        source_message_ids=tuple(draw(st.lists(st.integers(0, 9), unique=True, max_size=3))),
        access_count=draw(st.none() | st.integers(0, 50)),
        last_accessed=draw(moments),
        created_at=draw(moments),
        updated_at=draw(moments),
    )


groups = st.lists(memories(), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("row", "protected"),
    [
        pytest.param(memory(), False, id="nothing protects it"),
        pytest.param(memory(is_marked=True), True, id="marked in its table"),
        pytest.param(memory("pinned"), True, id="pinned"),
        pytest.param(memory("Pinned"), False, id="ids are exact"),
        pytest.param(memory(tags=("chess", "keep")), True, id="a protected tag"),
        pytest.param(memory(tags=("KEEP",)), True, id="a protected tag in capitals"),
        pytest.param(memory(tags=(" keep\n",)), True, id="a protected tag with space about it"),
        pytest.param(memory(tags=("keeper",)), False, id="only like a protected tag"),
        pytest.param(memory(image={"tags": "work, Keep"}), True, id="tags that are no list"),
        pytest.param(memory(image={"tags": '"keep"'}), True, id="a tag that is no list"),
        pytest.param(memory(image={"tags": '{"keep": true}'}), True, id="tags by name"),
        pytest.param(memory(image={"tags": "keeper, work"}), False, id="no list, and no such tag"),
        pytest.param(memory(importance=1.0), False, id="importance protects from decay alone"),
    ],
)
def test_what_is_protected(row: Memory, protected: bool) -> None:  # noqa: FBT001 a case's result
    """A memory is protected by a column of its table, by a tag, or by a pin."""
    assert row.is_protected(POLICY) is protected
    assert POLICY.protects(row) is protected


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(memory("m2", "plays  CHESS on tuesdays"), True, id="case and spaces"),
        pytest.param(memory("m2", importance=0.9, tags=("a",)), True, id="other columns"),
        pytest.param(memory("m2", "Plays chess on Mondays"), False, id="another day"),
        pytest.param(memory("m2", "Plays chess on Tuesdays!"), False, id="another sign"),
    ],
)
def test_copies_have_one_identity(other: Memory, same: bool) -> None:  # noqa: FBT001 a case's result
    """The same text after folding is a copy, whatever else differs."""
    assert (memory().identity == other.identity) is same


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        (memory(importance=0.9), memory(importance=0.1, updated_at=day(1))),
        (memory(importance=0.1), memory(importance=0.9)),
        (memory(importance=None), memory(importance=0.0)),
        (memory(updated_at=None, importance=1.0), memory(importance=None)),
    ],
)
def test_the_latest_stands_above_the_weightiest(lower: Memory, higher: Memory) -> None:
    """The order in a group is the latest update, then the higher importance."""
    assert lower.standing < higher.standing


@pytest.mark.parametrize(
    ("changed", "is_seen"),
    [
        ({"content": "Plays go"}, True),
        ({"created_at": day(1)}, True),
        ({"tags": ("chess",)}, False),
        ({"access_count": 9, "last_accessed": day(9)}, False),
        ({"updated_at": day(9)}, False),
        ({"importance": 0.9}, False),
    ],
)
def test_what_a_plan_rests_on(changed: dict[str, Any], is_seen: bool) -> None:  # noqa: FBT001 a case's result
    """Reading a memory, or tagging it, makes no judgement of it outdated; a new text does."""
    assert (memory(**changed).seen != memory().seen) is is_seen
    assert (memory(**changed).as_read != memory().as_read) is is_seen


def test_who_goes_on_for_others_takes_the_widest_of_all() -> None:
    """Earliest creation, latest update and access, highest importance, all accesses and tags."""
    winner = memory(access_count=2, last_accessed=day(4), tags=("chess",), importance=0.6)
    early = memory(
        "m2", created_at=day(-9), importance=0.2, access_count=None, source_message_ids=(7, "8")
    )
    late = memory("m3", updated_at=day(9), tags=("club", "chess"), access_count=3)
    one = winner.united([early, late])
    assert (one.created_at, one.updated_at, one.last_accessed) == (day(-9), day(9), day(4))
    assert (one.importance, one.access_count) == (0.6, 5)
    assert (one.tags, one.source_message_ids) == (("chess", "club"), (7, "8"))
    assert (one.id, one.content) == ("m1", winner.content)


def test_united_columns_come_to_the_byte_from_where_they_were_read() -> None:
    """A taken time keeps the writing of its row, whatever that was; other columns are its own."""
    written = {"created_at": "2026-01-02T11:00:00.000+01", "color": "green"}
    other = memory("m2", created_at=day(-1), image=written)
    one = memory(image={"color": "red", "tags": '["a"]'}, tags=("a",)).united([other])
    assert one.image["created_at"] == "2026-01-02T11:00:00.000+01"
    assert (one.image["color"], one.image["tags"]) == ("red", '["a"]')


@pytest.mark.parametrize(("written", "expected"), [("2", "5"), (2, 5)])
def test_a_count_is_written_as_the_database_gave_it(written: object, expected: object) -> None:
    """A column of text holds a text afterwards, a column of numbers a number."""
    one = memory(access_count=2, image={"access_count": written})
    assert one.united([memory("m2", access_count=3)]).image["access_count"] == expected


def test_a_united_memory_names_no_column_that_the_table_lacks() -> None:
    """A table without tags gets none."""
    lean = Memory(id="m1", content="a", image={"id": "m1", "content": "a"})
    one = lean.united([memory("m2", tags=("chess",), importance=0.9)])
    assert (one.tags, one.importance) == (("chess",), 0.9)
    assert one.image == lean.image


@EXAMPLES
@given(groups)
def test_a_united_memory_is_worth_what_its_weightiest_source_is(rows: list[Memory]) -> None:
    """Importance is the highest of all and never more; unknown only where all are unknown."""
    weights = [row.importance for row in rows if row.importance is not None]
    one = rows[0].united(rows[1:])
    assert one.importance == max(weights, default=None)
    assert one.united([one]).importance == one.importance


@EXAMPLES
@given(groups)
def test_a_united_memory_has_what_all_had(rows: list[Memory]) -> None:
    """Accesses add up, times widen, and no tag or message id is lost."""
    one = rows[0].united(rows[1:])
    counts = [row.access_count for row in rows if row.access_count is not None]
    assert one.access_count == (sum(counts) if counts else None)
    assert one.created_at == min(_times(rows, "created_at"), default=None)
    assert one.updated_at == max(_times(rows, "updated_at"), default=None)
    assert one.last_accessed == max(_times(rows, "last_accessed"), default=None)
    assert set(one.tags) == {tag for row in rows for tag in row.tags}
    assert {*one.source_message_ids} == {i for row in rows for i in row.source_message_ids}


@EXAMPLES
@given(groups)
def test_what_does_not_change_stays_to_the_byte(rows: list[Memory]) -> None:
    """Only columns whose value changed are written, and then as the fields say."""
    one = rows[0].united(rows[1:])
    for name, column in one.image.items():
        if getattr(one, name) == getattr(rows[0], name):
            assert column == rows[0].image[name]
        elif name in ("tags", "source_message_ids"):
            assert json.loads(str(column)) == list(getattr(one, name))
        else:
            assert column in [row.image[name] for row in rows] or column == one.access_count


@EXAMPLES
@given(memories())
def test_alone_it_stays_as_it_is(row: Memory) -> None:
    """A memory that goes on for nobody changes in nothing."""
    assert row.united([]) == row
    assert row.united([]).image == row.image


@EXAMPLES
@given(memories(), st.lists(st.sampled_from(["work", "chess", "\u732b", '"'])))
def test_other_tags_change_nothing_else(row: Memory, other: list[str]) -> None:
    """The column holds the tags as they are given, as JSON; the same tags leave it to the byte."""
    tagged = row.with_tags(other)
    assert tagged.tags == tuple(other)
    assert {**tagged.image, "tags": ""} == {**row.image, "tags": ""}
    assert json.loads(str(tagged.image["tags"])) == other
    assert row.with_tags(row.tags) is row


def test_tags_of_a_table_without_any_are_no_column() -> None:
    """A column that is not there is not written."""
    lean = Memory(id="m1", content="a", image={"id": "m1"})
    assert lean.with_tags(["chess"]).image == {"id": "m1"}


@EXAMPLES
@given(memories())
def test_a_document_reads_back(row: Memory) -> None:
    """What a plan's file says of a memory is the memory, marks aside."""
    document = json.loads(json.dumps(row.document()))
    again = Memory.read(document, row.image)
    assert again == row
    assert again.image == row.image


def test_times_of_a_document_are_iso_8601_in_utc() -> None:
    """As everywhere in the output."""
    document = memory(last_accessed=None).document()
    assert (document["created_at"], document["last_accessed"]) == ("2026-01-03T10:00:00Z", None)


def test_a_document_with_a_time_that_is_none_says_where() -> None:
    """A plan's file can be edited, and edited wrongly."""
    document = {**memory().document(), "updated_at": "soon"}
    with pytest.raises(DataError, match="updated_at: 'soon' is not a time"):
        Memory.read(document, {})


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (memory(importance=None), "Plays chess"),
        (memory(importance=0.50), "Plays chess (0.5)"),
        (memory(tags=("club", "fun")), "Plays chess (0.5; club, fun)"),
        (memory(importance=None, tags=("club",)), "Plays chess (club)"),
    ],
)
def test_a_line_for_people(row: Memory, line: str) -> None:
    """Text, importance and tags, as far as there are any."""
    assert row.described("Plays chess") == line


def _times(rows: Sequence[Memory], name: str) -> list[datetime]:
    return [time for row in rows if (time := getattr(row, name)) is not None]
