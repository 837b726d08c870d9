"""Decay: how memories fade, what is exempt, and what may go in one run."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from building import MORNING, day, memory
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.decay import (
    BUCKETS,
    EXEMPTIONS,
    Decay,
    Fate,
    Report,
    allowed_losses,
    decayed,
    effective_importance,
    exemption,
)
from llm_maint.domain.entity import Entity
from llm_maint.domain.half_lives import read_half_lives
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.loss_guard import RecentLosses, guard_losses
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan
from llm_maint.domain.policy import Policy
from llm_maint.errors import ConfigurationError

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=100, database=None)

POLICY = Policy(protected_tags=frozenset({"keep"}), pinned_ids=frozenset({"pinned"}))
DECAY = Decay(policy=POLICY, half_lives={"work": timedelta(30), "home": timedelta(180)})
BOUND = DECAY.threshold

times = st.none() | st.integers(-2_000, 100).map(day)
weights = st.none() | st.floats(0, 1) | st.sampled_from([0.0, 0.7, 1.0, 7.0, -1.0, math.nan])
tags = st.lists(st.sampled_from(["work", "Home", "chess", "keep", "recurring"]), max_size=2)
moments = st.integers(0, 900).map(day)


@st.composite
def rows(draw: st.DrawFn, number: int = 0) -> Memory:
    """Return a memory with any fields, some of them unknown or out of range."""
    return memory(
        f"m{number}",
        tags=tuple(draw(tags)),
        importance=draw(weights),
        created_at=draw(times),
        updated_at=draw(times),
        last_accessed=draw(times),
        is_marked=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def stores(draw: st.DrawFn, most: int = 12) -> list[Memory]:
    """Return some memories, in any order of their ids."""
    number = draw(st.integers(0, most))
    return draw(st.permutations([draw(rows(n)) for n in range(number)]))


decays = st.builds(
    Decay,
    half_life=st.integers(1, 400).map(timedelta),
    half_lives=st.just(DECAY.half_lives),
    threshold=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    exempt_importance=st.sampled_from([0.3, 0.7, 2.0]),
    grace=st.sampled_from([0, 1, 30, 300]).map(timedelta),
    policy=st.just(POLICY),
    prunes_orphans=st.booleans(),
)


def _old(number: int = 400, **fields: Any) -> Memory:  # noqa: ANN401 any field
    """Return a memory that nobody came back to for so many days before the morning."""
    return memory(**{"created_at": day(-number), "updated_at": None, **fields})


def _report(memories: list[Memory], decay: Decay = DECAY, **changed: Any) -> Report:  # noqa: ANN401 any argument
    return decayed(memories, decay, **{"now": MORNING, "allowed": None, "orphans": None} | changed)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(_old(0), 0.5, id="new"),
        pytest.param(_old(90), 0.25, id="after a half-life"),
        pytest.param(_old(180), 0.125, id="after two"),
        pytest.param(_old(180, importance=1), 0.25, id="an integer"),
        pytest.param(_old(180, importance=0), 0, id="worth nothing"),
        pytest.param(_old(180, last_accessed=day(-90)), 0.25, id="an access counts"),
        pytest.param(_old(180, updated_at=day(-90)), 0.25, id="an update counts"),
        pytest.param(_old(90, last_accessed=day(-180)), 0.25, id="the latest of all counts"),
        pytest.param(_old(-9), 0.5, id="a time in the future is now"),
        pytest.param(_old(60, tags=("work",)), 0.125, id="a tag's own half-life"),
        pytest.param(_old(60, tags=(" WORK ",)), 0.125, id="tags are folded"),
        pytest.param(_old(180, tags=("work", "home")), 0.25, id="the longest of two tags"),
        pytest.param(_old(60, tags=("work", "fun")), 0.125, id="a tag without one has no say"),
        pytest.param(_old(90, importance=None), None, id="no importance"),
        pytest.param(_old(90, importance=math.nan), None, id="not a number"),
        pytest.param(_old(90, importance=math.inf), None, id="infinite"),
        pytest.param(_old(90, importance=5), None, id="another scale"),
        pytest.param(_old(90, importance=-0.1), None, id="below zero"),
        pytest.param(memory(created_at=None, updated_at=None), None, id="no time"),
        pytest.param(_old(700_000), 0, id="a time of another age"),
    ],
)
def test_what_is_left_of_importance(row: Memory, expected: float | None) -> None:
    """Half of it goes with each half-life; without a time or a sound importance it is unknown."""
    assert effective_importance(row, DECAY, now=MORNING) == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(_old(), None, id="nothing forbids it"),
        pytest.param(_old(importance=0.7), "important", id="important"),
        pytest.param(_old(importance=0.699), None, id="nearly important"),
        pytest.param(_old(importance=8), "important", id="important on another scale"),
        pytest.param(_old(is_marked=True), "protected", id="marked in its table"),
        pytest.param(_old(id="pinned"), "protected", id="pinned"),
        pytest.param(_old(tags=("Keep",)), "protected", id="a protected tag"),
        pytest.param(_old(tags=("recurring",)), "recurring", id="recurring"),
        pytest.param(_old(tags=(" Recurring",)), "recurring", id="recurring as people write it"),
        pytest.param(_old(29), "recent", id="young"),
        pytest.param(_old(30), None, id="not young any more"),
        pytest.param(_old(-1), "recent", id="of the future"),
        pytest.param(_old(last_accessed=day(-29)), "recent", id="old and read lately"),
        pytest.param(_old(updated_at=day(-29)), "recent", id="old and updated lately"),
        pytest.param(_old(importance=None), "unrated", id="no importance"),
        pytest.param(_old(importance=math.nan), "unrated", id="not a number"),
        pytest.param(_old(importance=-1), "unrated", id="below zero"),
        pytest.param(_old(created_at=None), "undated", id="no time"),
        pytest.param(_old(importance=1, is_marked=True), "protected", id="the first of several"),
    ],
)
def test_why_a_memory_is_never_pruned(row: Memory, reason: str | None) -> None:
    """One word says why; what is not known counts for the memory."""
    assert exemption(row, DECAY, now=MORNING) == reason
    assert reason is None or reason in EXEMPTIONS


@pytest.mark.parametrize(
    ("days", "fate"), [(298, Fate.KEPT), (299, Fate.GOING), (300, Fate.GOING), (9_999, Fate.GOING)]
)
def test_a_memory_goes_once_it_is_below_the_threshold(days: int, fate: Fate) -> None:
    """0.5 falls below 0.05 after log2(10) half-lives: in the 299th day."""
    assert _report([_old(days)]).fates == {"m1": fate}


def test_a_run_takes_the_most_faded_and_the_rest_wait() -> None:
    """The allowed losses go to what is least worth keeping; of equals the lower id goes first."""
    store = [_old(400 + n % 3, id=f"m{n}") for n in range(6)]
    report = _report(store, allowed=3)
    assert [each.id for each in report.going] == ["m2", "m5", "m1"]
    assert [each.id for each in report.waiting] == ["m4", "m0", "m3"]
    assert report.accounting() == {"kept": 0, "exempt": 0, "going": 3, "waiting": 3}


@pytest.mark.parametrize("allowed", [0, -1])
def test_nothing_goes_where_nothing_may(allowed: int) -> None:
    """The week's losses may be spent, and more than spent once the store has shrunk."""
    assert _report([_old(), _old(id="m2")], allowed=allowed).accounting()["waiting"] == 2


@pytest.mark.parametrize(("others", "going"), [([0.0], 0), ([0.0, 0.01], 3), ([], 0)])
def test_where_nobody_rates_nothing_is_unimportant(others: list[float], going: int) -> None:
    """A column that nobody writes has 0 in every row: that is no reason to let them all go."""
    importances = [0.0, *others]
    store = [
        memory(f"m{number}", importance=importance, created_at=day(-400), updated_at=day(-400))
        for number, importance in enumerate(importances)
    ]
    report = decayed(store, DECAY, now=MORNING, allowed=None, orphans=None)
    assert len(report.going) == going
    assert report.exempt["unrated"] == len(store) - going


def test_exemptions_are_counted_and_so_are_those_that_faded_all_the_same() -> None:
    """Each memory counts under one reason; a report without any says zero."""
    store = [_old(100, importance=0.9, id="a"), _old(9_999, importance=0.9, id="b"), _old(id="c")]
    report = _report(store)
    assert report.exempt == {**dict.fromkeys(EXEMPTIONS, 0), "important": 2}
    assert report.spared == {**dict.fromkeys(EXEMPTIONS, 0), "important": 1}


@pytest.mark.parametrize(
    ("row", "prunes", "reason"),
    [
        pytest.param(_old(60), False, None, id="reported only"),
        pytest.param(_old(60), True, "orphaned", id="pruned where that is asked for"),
        pytest.param(_old(), False, "faded", id="faded as well"),
        pytest.param(_old(), True, "faded", id="faded, which is reason enough"),
        pytest.param(_old(5), True, None, id="recent"),
        pytest.param(_old(60, importance=0.9), True, None, id="important"),
        pytest.param(_old(60, tags=("keep",)), True, None, id="protected"),
        pytest.param(_old(60, importance=None), True, None, id="unrated"),
        pytest.param(_old(created_at=None), True, None, id="undated"),
    ],
)
def test_orphans_are_reported_and_pruned_only_where_asked(
    row: Memory,
    prunes: bool,  # noqa: FBT001 a case's setting
    reason: str | None,
) -> None:
    """A memory whose sources are all gone may still be right, and its exemptions hold."""
    decay = Decay(policy=POLICY, prunes_orphans=prunes)
    report = _report([row], decay, orphans={"m1", "elsewhere"})
    assert report.orphans == ("m1",)
    assert [each.reason for each in report.going] == ([reason] if reason else [])


def test_faded_memories_go_before_orphans() -> None:
    """The order is what is left of them, whatever the reason."""
    store = [_old(60, id="orphan"), _old(id="faded")]
    report = _report(store, Decay(prunes_orphans=True), allowed=1, orphans={"orphan"})
    assert [each.id for each in report.going] == ["faded"]


def test_nobody_may_know_which_are_orphans() -> None:
    """Unknown is not none."""
    unknown, none = _report([_old()]), _report([_old()], orphans=[])
    assert (unknown.orphans, none.orphans) == (None, ())
    assert (unknown.document()["orphans"], none.document()["orphans"]) == (None, 0)


def test_a_report_shows_how_far_the_store_has_faded() -> None:
    """The buckets are a half-life wide, and unknown is one of them."""
    found = [0.01, 0.05, 0.09, 0.1, 0.39, 0.4, 0.8, 1.0, None]
    store = [_old(0, id=str(n), importance=each) for n, each in enumerate(found)]
    assert _report(store).distribution == {
        "under 0.05": 1,
        "under 0.1": 2,
        "under 0.2": 1,
        "under 0.4": 1,
        "under 0.8": 1,
        "0.8 or more": 2,
        "unknown": 1,
    }


def test_a_report_is_json() -> None:
    """It goes into the result of a run as it is."""
    document = _report([_old(), _old(5, id="m2")], orphans={"m2"}).document()
    assert json.loads(json.dumps(document)) == document
    assert document["memories"] == 2
    assert document["orphans"] == 1
    (going,) = (each for each in document["prunable"] if each["fate"] == "going")
    assert (going["id"], going["reason"]) == ("m1", "faded")
    assert going["effective_importance"] < BOUND


@pytest.mark.parametrize(
    ("unprotected", "lately", "ratio", "expected"),
    [
        pytest.param(100, 0, 0.12, 12, id="the ratio to the row"),
        pytest.param(99, 0, 0.12, 11, id="rounded down"),
        pytest.param(100, 0, 0.29, 29, id="whatever binary fractions say"),
        pytest.param(95, 5, 0.12, 7, id="the past counts, and so do its rows"),
        pytest.param(88, 12, 0.12, 0, id="spent"),
        pytest.param(80, 20, 0.12, 0, id="more than spent"),
        pytest.param(2, 0, 0.12, 3, id="three are always allowed"),
        pytest.param(2, 2, 0.0, 1, id="three in seven days, not in a run"),
        pytest.param(0, 0, 0.12, 3, id="an empty store"),
    ],
)
def test_how_many_may_still_go(unprotected: int, lately: int, ratio: float, expected: int) -> None:
    """At most the ratio of what was there in any seven days, and three at least."""
    assert allowed_losses(unprotected, lately, ratio) == expected


@EXAMPLES
@given(st.integers(0, 60), st.integers(0, 20), st.sampled_from([0.0, 0.1, 0.12, 0.5, 1.0]))
def test_decay_may_lose_what_a_consolidation_may(number: int, lately: int, ratio: float) -> None:
    """Both keep one window: as many removals pass the guard of plans, and one more is held."""
    store = [memory(f"m{n}", f"Fact number {n}") for n in range(number)]
    allowed = allowed_losses(number, lately, ratio)
    for lost, held in ((min(allowed, number), False), (allowed + 1, True)):
        ops = tuple(Operation(op=Op.REMOVE, reason="", row_ids=(r.id,)) for r in store[:lost])
        plan = Plan(entity=Entity("user", "nick"), rows=tuple(store), operations=ops)
        gone = RecentLosses(lately, frozenset(f"gone {n}" for n in range(lately)))
        plan = guard_losses(plan, Policy(max_loss_ratio=ratio), gone)
        assert (plan.held is not None) is (held and lost <= number)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["work=30"], {"work": 30}),
        ([" Work = 0.5 ", "a=b=1e2"], {"work": 0.5, "a=b": 100}),
        (["STRASSE=7"], {"strasse": 7}),
    ],
)
def test_half_lives_of_tags(texts: list[str], expected: Mapping[str, float]) -> None:
    """A tag and its days, which may be a fraction; tags are folded."""
    assert read_half_lives(texts) == {tag: timedelta(days=n) for tag, n in expected.items()}


@pytest.mark.parametrize(
    "text",
    [
        *("work", "work=", "=30", "work=soon", "work=0", "work=-1", "work=nan", "work=inf"),
        *("work=1e-12", "work=1e12", "", "work\n=x"),
    ],
)
def test_a_half_life_that_is_none_is_named(text: str) -> None:
    """One line names the item."""
    with pytest.raises(ConfigurationError) as caught:
        read_half_lives(["home=1", text])
    assert str(caught.value) == (
        f"half-life {text!r}: it is written tag=days, with more than 0 days"
    )
    assert "\n" not in str(caught.value)


def test_a_tag_has_one_half_life() -> None:
    """Two of one tag are a mistake."""
    with pytest.raises(ConfigurationError, match="half-life 'Work=9': the tag has one already"):
        read_half_lives(["work=30", "Work=9"])


@EXAMPLES
@given(rows(), decays, moments, moments)
def test_time_never_raises_what_is_left(
    row: Memory, decay: Decay, one: datetime, other: datetime
) -> None:
    """The later, the less; never below zero, and never above what the assistant gave."""
    early, late = (
        effective_importance(row, decay, now=now) for now in (min(one, other), max(one, other))
    )
    assert (early is None) is (late is None)
    if early is not None and late is not None:
        assert row.importance is not None
        assert 0 <= late <= early <= row.importance


@EXAMPLES
@given(rows(), decays, moments)
def test_an_access_makes_it_as_good_as_new(row: Memory, decay: Decay, now: datetime) -> None:
    """Whoever is needed is worth what it was, and is not pruned within the grace."""
    read = memory(importance=row.importance, tags=row.tags, last_accessed=now)
    left = effective_importance(read, decay, now=now)
    assert left is None or left == row.importance
    if decay.grace:
        assert exemption(read, decay, now=now) is not None


@EXAMPLES
@given(rows(), decays, moments, st.floats(0, 1), st.floats(0, 1))
def test_more_importance_never_fades_earlier(
    row: Memory, decay: Decay, now: datetime, one: float, other: float
) -> None:
    """What stays with less importance stays with more."""
    fates = [
        decayed(
            [memory(tags=row.tags, last_accessed=row.last_accessed, importance=weight)],
            decay,
            now=now,
            allowed=None,
            orphans=None,
        ).fates["m1"]
        for weight in sorted([one, other])
    ]
    assert fates[1] is not Fate.GOING or fates[0] is Fate.GOING


@EXAMPLES
@given(stores(), decays, moments, st.none() | st.integers(0, 5), st.sets(st.integers(0, 11)))
def test_every_memory_has_one_fate(
    store: list[Memory], decay: Decay, now: datetime, allowed: int | None, lost: set[int]
) -> None:
    """All are accounted for, no more go than may, the most faded first and none that is exempt."""
    orphans = {f"m{n}" for n in lost}
    report = decayed(store, decay, now=now, allowed=allowed, orphans=orphans)
    by_id = {row.id: row for row in store}
    assert report.fates.keys() == by_id.keys()
    assert sum(report.accounting().values()) == sum(report.distribution.values()) == len(store)
    assert sum(report.exempt.values()) == report.accounting()["exempt"]
    assert set(report.distribution) == set(BUCKETS)
    assert len(report.going) == min(
        len(report.prunable), len(store) if allowed is None else allowed
    )
    assert [*report.going, *report.waiting] == list(report.prunable) == sorted(report.prunable)
    for each in report.prunable:
        assert exemption(by_id[each.id], decay, now=now) is None
        assert effective_importance(by_id[each.id], decay, now=now) == each.effective
        assert each.effective < decay.threshold or (decay.prunes_orphans and each.id in orphans)


@EXAMPLES
@given(stores(), decays, st.randoms(use_true_random=False))
def test_the_order_of_the_store_has_no_say(store: list[Memory], decay: Decay, chance: Any) -> None:  # noqa: ANN401 hypothesis names no type
    """A database may return its rows in any order."""
    shuffled = list(store)
    chance.shuffle(shuffled)
    assert decayed(shuffled, decay, now=day(9), allowed=2, orphans=None) == decayed(
        store, decay, now=day(9), allowed=2, orphans=None
    )


@EXAMPLES
@given(
    stores(),
    decays,
    st.lists(st.integers(0, 900), min_size=1, max_size=6),
    st.none() | st.integers(1, 3),
)
def test_many_runs_take_what_one_run_takes(
    store: list[Memory], decay: Decay, days: list[int], allowed: int | None
) -> None:
    """How often it runs changes nothing, and a limit puts off and does not choose."""
    end = max(days)
    once = decayed(store, decay, now=day(end), allowed=None, orphans=None)
    left, gone = list(store), set[str]()
    for number in [*sorted(days), *[end] * len(store)]:
        report = decayed(left, decay, now=day(number), allowed=allowed, orphans=None)
        assert allowed is None or len(report.going) <= allowed
        gone |= {each.id for each in report.going}
        left = [row for row in left if row.id not in gone]
    assert gone == {each.id for each in once.going}


@EXAMPLES
@given(stores(), decays, moments)
def test_what_may_go_may_go_later_too(store: list[Memory], decay: Decay, now: datetime) -> None:
    """No exemption begins by waiting."""
    early, late = (
        decayed(store, decay, now=moment, allowed=None, orphans=None).going
        for moment in (now, now + timedelta(9))
    )
    assert {each.id for each in early} <= {each.id for each in late}
