"""Requests for any rows: every row in exactly one, none too large, and always the same ones."""

from random import Random
from typing import Any

from building import attribute
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.profile import Attribute
from llm_maint.domain.relation import RELATIVES, Relations
from llm_maint.domain.row import RowId

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=150, database=None)

WORDS = (
    *("likes", "hikes", "hiking", "tea", "green", "cat", "Tom", "Oslo", "works", "at", "in"),
    *("the", "user", "2019", "C++", "blue", "bluest"),
    "\u732b\u304c\u597d\u304d\u3067\u3059",
    "",
    "!",
)

texts = st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join)
values = texts | st.none() | st.booleans() | st.integers(-9, 9) | st.lists(texts, max_size=2)
sizes = st.integers(2, 12)
keys = st.sampled_from(["city", "City", "pet", "favorite_color", "", "C++", "\u732b"])


@st.composite
def profiles(draw: st.DrawFn, most: int = 30) -> list[Attribute]:
    """Return rows in any order of their ids, which are numbers or texts."""
    said: list[tuple[str, Any]] = draw(st.lists(st.tuples(keys, values), max_size=most))
    ids: list[RowId] = [n if n % 3 else f"id-{n}" for n in range(len(said))]
    ids = draw(st.permutations(ids))
    return [attribute(i, key, value) for i, (key, value) in zip(ids, said, strict=True)]


@EXAMPLES
@given(profiles(), sizes)
def test_every_row_travels_once_in_a_bounded_request(rows: list[Attribute], size: int) -> None:
    """No row is left out, sent twice, altered, or sent with too many others."""
    parts = Relations(rows).batches(size=size)
    assert all(0 < len(part) <= size for part in parts)
    sent = [row for part in parts for row in part]
    assert sorted(str(row.id) for row in sent) == sorted(str(row.id) for row in rows)
    assert all(row in rows for row in sent)


@EXAMPLES
@given(profiles(), sizes)
def test_no_two_requests_would_fit_into_one(rows: list[Attribute], size: int) -> None:
    """Each request repeats the rules, so none is made that is not needed."""
    parts = sorted(map(len, Relations(rows).batches(size=size)))
    assert len(parts) < 2 or parts[0] + parts[1] > size


@EXAMPLES
@given(profiles(), sizes)
def test_rows_that_fit_travel_together(rows: list[Attribute], size: int) -> None:
    """A profile of one request is one request."""
    if rows:
        assert len(Relations(rows).batches(size=max(size, len(rows)))) == 1


@EXAMPLES
@given(profiles(), sizes)
def test_the_same_rows_make_the_same_requests(rows: list[Attribute], size: int) -> None:
    """Neither an earlier question nor a set's order has a say in it."""
    relations = Relations(rows)
    first = relations.batches(size=size)
    assert relations.batches(size=size) == first
    assert Relations(list(rows)).batches(size=size) == first


def _strong(relations: Relations) -> set[frozenset[RowId]]:
    pairs = [frozenset(pair) for pair in relations.strong()]
    assert len(set(pairs)) == len(pairs)
    assert all(len(pair) == 2 for pair in pairs)
    return set(pairs)


@EXAMPLES
@given(profiles(), st.randoms(use_true_random=False))
def test_which_rows_look_alike_does_not_depend_on_their_order(
    rows: list[Attribute], chance: Random
) -> None:
    """Each pair is named once, whichever of both comes first."""
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert _strong(Relations(rows)) == _strong(Relations(shuffled))


@EXAMPLES
@given(profiles(), st.sets(st.integers(0, 29)))
def test_relations_of_new_rows_are_those_of_all_with_a_new_one(
    rows: list[Attribute], places: set[int]
) -> None:
    """What is asked about less is not asked about differently."""
    new = {row.id for place, row in enumerate(rows) if place in places}
    of_all = {pair for pair in _strong(Relations(rows)) if pair & new}
    assert _strong(Relations(rows, new)) == of_all


@EXAMPLES
@given(profiles(), st.sets(st.integers(0, 29)))
def test_few_relatives_travel_with_each_new_row(rows: list[Attribute], places: set[int]) -> None:
    """They are known rows, at most a few of each new one, and the same as of all relations."""
    new = {row.id for place, row in enumerate(rows) if place in places}
    found = Relations(rows, new).relatives(new)
    assert found <= {row.id for row in rows} - new
    assert len(found) <= RELATIVES * len(new)
    assert found == Relations(rows).relatives(new)


@EXAMPLES
@given(profiles(most=12), texts, keys)
def test_a_copy_is_a_relative_and_looks_alike(rows: list[Attribute], value: str, key: str) -> None:
    """Whatever else is there, a row that says the same in the same words is found."""
    twins = [attribute("one", key, value), attribute("other", key, value)]
    everything = [twins[0], *rows, twins[1]]
    if any(len(word) > 2 and word != "the" for word in value.split() if word != "user"):
        assert frozenset({"one", "other"}) in _strong(Relations(everything))
