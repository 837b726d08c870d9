"""Guards on names, addresses, signs and languages: what must stay, and what may be joined."""

from dataclasses import replace
from typing import Any

import pytest
from building import attribute, day

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, judge
from llm_maint.domain.loss_guard import RecentLosses, guard_losses
from llm_maint.domain.plan import Plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.relation import Relations
from llm_maint.domain.reply import Proposal
from llm_maint.domain.wording import key_of


def _merged(old: str, new: str, value: str | None = None) -> bool:
    """Return whether the older row goes into the newer one."""
    rows = [attribute(1, "k", old), attribute(2, "k", new, updated_at=day(1))]
    judged = judge(rows, [Proposal("merge", "", (1, 2), value=value)], Policy())
    return [op.op for op in judged.operations] == [Op.MERGE]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Lives in the United States", "Lives in the United Kingdom"),
        ("Said works as a baker", "Hugues works as a baker"),
        ("Hepatitis A", "Hepatitis B"),
        ("Saw The Who", "Saw The Cure"),
        ("Works with Notes", "Works with Word"),
        ("Isst Schweinefleisch", "Isst kein Schweinefleisch"),
        ("Mange de porc", "Ne mange pas de porc"),
        ("Come carne", "Nunca come carne"),
        ("ест мясо", "не ест мясо"),
        ("eating meat", "Stopped eating meat"),
        ("wife is Ana", "former wife is Ana"),
        ("5% of shares", "5‰ of shares"),
        ("Write to zoe.anvil@harbor.example", "Write to zoe or anvil @ harbor example"),
    ],
)
def test_what_means_something_else_stays(old: str, new: str) -> None:
    """Names that are words of grammar elsewhere, denials of other languages, addresses."""
    assert not _merged(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The user mentioned that she likes tea", "she likes tea"),
        ("According to the user, she likes tea", "she likes tea"),
        ("User likes tea (noted again)", "likes tea"),
        ("Works: coach Søren \N{EN DASH} surveyor", "Søren, the coach, works as a surveyor"),
        ("Nickname is “Fox”", 'Nickname is "Fox"'),
        ("Spitzname „Fuchs“", "Spitzname Fuchs"),
        ("likes tea … a lot", "likes tea a lot, really"),
        ("¿Vive en Lima?", "Vive en Lima con Ana"),
        ("好物は「寿司」、毎日。", "好物は 寿司 毎日"),
    ],
)
def test_what_says_the_same_in_other_signs_goes(old: str, new: str) -> None:
    """Reporting, dashes, quotes and the marks of other languages are no facts."""
    assert _merged(old, new)


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        (
            "Chidi, born 1993-04-19, Košice",
            "Chidi was born on 19 April 1993",
            "Chidi was born on 19 April 1993 (1993-04-19 Košice)",
        ),
        ("Sam sings\nSam dances", "Sam sings", "Sam sings\nSam dances"),
        ("Host rustic-kiln", "likes tea", "Host rustic-kiln; likes tea"),
    ],
)
def test_a_text_made_of_its_rows_is_taken(old: str, new: str, value: str) -> None:
    """A number may meet a word that is no unit; a line break that was there may stay."""
    assert _merged(old, new, value)


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("runs 5 km", "takes 20 mg", "runs 20 km takes 5 mg"),
        ("Host rustic-kiln", "likes tea", "Host kiln; likes rustic tea"),
        ("Write to zoe@harbor.example", "likes tea", "Write to harbor @ zoe example likes tea"),
        ("Plan at https://grove.example/a/44", "tea", "Plan at https grove.example a 44 tea"),
        ("School in the United States", "in the United Kingdom", "School in the United Kingdom"),
    ],
)
def test_a_text_that_tears_things_apart_is_refused(old: str, new: str, value: str) -> None:
    """Units of other numbers, halves of addresses and names, a name that is left out."""
    assert not _merged(old, new, value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Favorite Color", "favorite_color", True),
        ("C", "C++", False),
        ("c#", "C#", True),
        ("A", "A-", False),
        ("👋", "!!!", False),
        ("", " ", True),
    ],
)
def test_symbols_tell_keys_apart(one: str, other: str, same: bool) -> None:  # noqa: FBT001 a case's result
    """Case and spaces do not."""
    assert (key_of(one) == key_of(other)) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("emploi", "Travaille chez Lumière SA"), ("emploi", "Travaille désormais chez Boréal")),
        (("plan", "basic tariff"), ("current_plan", "premium tariff")),
        (("mail", "zoe.anvil1990@harbor.example"), ("kontakt", "anvil1990 at harbor")),
        (("вопрос", "любит зелёный чай"), ("напиток", "любит чёрный чай")),
    ],
)
def test_rows_about_one_thing_are_related(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Accents, digits and versions of a key do not hide it, among many other rows."""
    rows = [attribute(n, f"key{n}", f"word{n} thing{n} other{n}") for n in range(60)]
    rows += [attribute(98, *one), attribute(99, *other)]
    assert 98 in Relations(rows, {99}).relatives({99})
    (both,) = [part for part in Relations(rows).batches(size=10) if 98 in {r.id for r in part}]
    assert 99 in {row.id for row in both}


def _losing(rows: list[Attribute], count: int) -> Plan:
    judged = judge(rows, [Proposal("remove", "", (row.id,)) for row in rows[:count]], Policy())
    return Plan(entity=Entity("user", "nick"), rows=tuple(rows), operations=judged.operations)


@pytest.mark.parametrize(
    ("copies", "lost", "held"),
    [(0, 6, False), (0, 7, True), (11, 5, False), (11, 6, True), (40, 3, False), (40, 4, True)],
)
def test_copies_buy_no_losses(copies: int, lost: int, held: bool) -> None:  # noqa: FBT001 a case's result
    """Of 50 rows 6 may go, and of 39 facts among them 5: a share that is begun counts."""
    facts = [attribute(n, f"key{n}", f"value {n} of many") for n in range(50 - copies)]
    rows = [*facts, *(replace(facts[-1], id=100 + n) for n in range(copies))]
    assert (guard_losses(_losing(rows, lost), Policy()).held is not None) == held


def test_what_went_lately_still_counts_as_there() -> None:
    """Or each loss would shrink what the next is measured by."""
    rows: list[Any] = [attribute(n, f"key{n}", f"value {n} of many") for n in range(44)]
    recent = RecentLosses(lost=5, facts=frozenset(f"gone {n}" for n in range(6)))
    assert guard_losses(_losing(rows, 0), Policy(), recent).held is None
    assert guard_losses(_losing(rows, 1), Policy(), RecentLosses()).held is None
    assert guard_losses(_losing(rows, 1), Policy(), replace(recent, lost=5)).held is None
    assert guard_losses(_losing(rows, 2), Policy(), replace(recent, lost=5)).held is not None
