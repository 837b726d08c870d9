"""Relations: related rows share a request, whatever else is there."""

from itertools import combinations
from typing import Any

import pytest
from building import attribute

from llm_maint.domain.profile import Attribute
from llm_maint.domain.relation import COMMON, RELATIVES, Relations


def _rows(values: list[str], key: str = "k{}") -> list[Attribute]:
    return [attribute(n, key.format(n), value) for n, value in enumerate(values)]


def _tickets(number: int) -> list[Attribute]:
    """Return look-alikes, three wordings of each."""
    made = []
    for n in range(number):
        made += [
            f"Ticket {4000 + n} was about slow wifi and was closed by Rosa",
            f"Ticket {4000 + n} slow wifi closed Rosa",
            f"Was closed by Rosa; ticket {4000 + n} was about slow wifi",
        ]
    return _rows([made[i] for i in sorted(range(len(made)), key=lambda i: (i * 7919) % len(made))])


@pytest.mark.parametrize(
    ("count", "size", "parts"), [(0, 60, 0), (1, 60, 1), (60, 60, 1), (61, 60, 2), (5, 2, 3)]
)
def test_requests_are_of_bounded_size(count: int, size: int, parts: int) -> None:
    """Every row travels once, in requests of at most the size."""
    made = Relations(_rows(["blue"] * count)).batches(size=size)
    assert len(made) == parts
    assert all(len(part) <= size for part in made)
    assert sorted(int(row.id) for part in made for row in part) == list(range(count))


@pytest.mark.parametrize("size", [9, 20, 60])
def test_wordings_of_one_fact_meet_among_many_that_look_alike(size: int) -> None:
    """What is rare in two rows weighs more than what all of them share."""
    rows = _tickets(100)
    part_of = {
        row.id: n for n, part in enumerate(Relations(rows).batches(size=size)) for row in part
    }
    for one, other in combinations(rows, 2):
        number = {word for word in one.text.split() if word.isdecimal()}
        if number & set(other.text.replace(";", " ").split()):
            assert part_of[one.id] == part_of[other.id]


def test_rows_of_one_key_are_related_though_no_word_is_shared() -> None:
    """A key says what a row is about."""
    rows = [
        *_rows([f"word{n}a word{n}b" for n in range(50)]),
        attribute(97, "swimming", "never learned"),
        attribute(98, "swimming", "was on a team"),
    ]
    (both,) = [p for p in Relations(rows).batches(size=2) if {row.id for row in p} & {97, 98}]
    assert {row.id for row in both} == {97, 98}


def test_a_new_row_travels_with_its_nearest() -> None:
    """And with no more than a few of them."""
    rows = _tickets(30)
    related = Relations(rows, {rows[0].id}).relatives({rows[0].id})
    number = next(word for word in rows[0].text.split() if word.isdecimal())
    same = {row.id for row in rows[1:] if number in row.text}
    assert same <= related
    assert len(related) <= RELATIVES


def test_a_row_like_no_other_travels_alone() -> None:
    """Nothing in common, nothing to compare with."""
    rows = [*_rows([f"word{n}a word{n}b" for n in range(5)]), attribute(9, "pet", "cat")]
    assert Relations(rows, {9}).relatives({9}) == set()


def test_only_rows_that_share_nearly_all_are_strongly_related() -> None:
    """Wordings of one fact are; look-alikes are not."""
    rows = _tickets(100)
    for one, other in Relations(rows).strong():
        assert {w for w in rows[int(one)].text.split() if w.isdecimal()} == {
            w for w in rows[int(other)].text.replace(";", " ").split() if w.isdecimal()
        }


def test_scripts_without_spaces_are_related_by_pairs_of_letters() -> None:
    """A sentence without spaces is no single word."""
    rows = _rows(
        [
            "\u79c1\u306f\u732b\u304c\u597d\u304d\u3067\u3059",
            "\u732b\u304c\u597d\u304d\u3067\u3059\u3088\u306d\u3048",
            "\u6771\u4eac\u306b\u4f4f\u3093\u3067\u3044\u308b\u306e\u3060",
        ]
    )
    assert Relations(rows, {0}).relatives({0}) == {1}


def test_a_word_of_every_row_joins_each_to_a_bounded_number() -> None:
    """The work grows with the rows, not with their square."""
    rows = _rows(["blue"] * 1_000, key="color")
    assert len(Relations(rows).links) <= 1_000 * COMMON


def test_odd_rows_are_related_to_nothing() -> None:
    """No words at all, a huge text, any JSON value."""
    values: list[Any] = ["", "!!!", None, {}, [], 0, "x " * 50_000]
    rows = [attribute(n, "", value) for n, value in enumerate(values)]
    assert sum(map(len, Relations(rows).batches(size=2))) == len(rows)
