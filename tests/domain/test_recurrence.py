"""Recurrence: what is a theme, when it recurs, and whose tags change."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from building import MORNING, day, memory
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.memory import Memory
from llm_maint.domain.recurrence import FEW, Recurrence, Recurring, recurring
from llm_maint.domain.theme_words import themes_of, words_in

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=80, database=None)

SETTINGS = Recurrence()
NOW = day(30)

WORDS = (
    *("chess", "Chess", "baking", "bakes", "hike", "the", "likes", "user", "Ada's", "2024", "tv"),
    *("recurring", "recur", "work", "\u8c61\u68cb", "\uccb4\uc2a4\ub97c", "na\u00efve"),
)

texts = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
tag_lists = st.lists(st.sampled_from(["work", "Recurring", "recurring", "fun"]), max_size=3)
times = st.none() | st.integers(-600, 60).map(day)
choices = st.builds(
    Recurrence,
    threshold=st.integers(2, 4),
    max_share=st.sampled_from([0.0, 0.1, 1.0]),
    top=st.integers(1, 6),
    window=st.sampled_from([None, timedelta(7), timedelta(365)]),
)
days_told = st.sets(st.integers(-600, 60).map(lambda n: day(n).date()), max_size=3)


@st.composite
def stores(draw: st.DrawFn, most: int = 12) -> list[Memory]:
    """Return memories that say much the same on different days and in different sessions."""
    return [
        memory(
            f"m{number}",
            draw(texts),
            tags=tuple(draw(tag_lists)),
            created_at=draw(times),
            session=draw(st.sampled_from([None, "s1", "s2", "s3"])),
        )
        for number in range(draw(st.integers(0, most)))
    ]


def _told(*texts: str, tags: Sequence[str] = ()) -> list[Memory]:
    """Return a memory a day that says each text."""
    return [
        memory(f"m{n}", text, tags=tuple(tags), created_at=day(n)) for n, text in enumerate(texts)
    ]


def _found(
    memories: Sequence[Memory],
    choice: Recurrence = SETTINGS,
    *,
    names: Collection[str] = (),
    sightings: Mapping[str, Collection[date]] | None = None,
    **changed: Any,  # noqa: ANN401 the moment
) -> Recurring:
    return recurring(
        memories, choice, names=names, sightings=sightings or {}, now=changed.get("now", NOW)
    )


def _words(found: Recurring) -> list[str]:
    return [theme.word for theme in found.themes]


def _again(found: Recurring, memories: Iterable[Memory]) -> list[Memory]:
    return [found.retagged(row) for row in memories]


@pytest.mark.parametrize(
    ("memories", "words"),
    [
        pytest.param(_told("Plays chess", "Chess club", "A chess set"), ["chess"], id="three days"),
        pytest.param(_told("Plays chess", "Chess club"), [], id="two days"),
        pytest.param([memory(f"m{n}", "Plays chess") for n in range(9)], [], id="one day"),
        pytest.param(
            [memory(f"m{n}", "Plays chess", session=f"s{n}") for n in range(3)],
            ["chess"],
            id="three sessions of one day",
        ),
        pytest.param(
            [memory(f"m{n}", "Plays chess", session="s") for n in range(9)], [], id="one session"
        ),
        pytest.param(
            [memory(f"m{n}", "Chess", created_at=None, session=f"s{n}") for n in range(3)],
            ["chess"],
            id="sessions without times",
        ),
        pytest.param(
            [memory(f"m{n}", "Chess", created_at=None) for n in range(9)], [], id="no time at all"
        ),
        pytest.param(_told("chess chess chess"), [], id="thrice in one memory"),
        pytest.param(
            [memory(f"m{n}", "Chess", created_at=day(31 + n)) for n in range(9)],
            [],
            id="days that have not come",
        ),
    ],
)
def test_a_theme_recurs_on_days_or_in_sessions(memories: list[Memory], words: list[str]) -> None:
    """Three of either are enough; how often it is said at one of them does not matter."""
    assert _words(_found(memories)) == words


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        pytest.param(["bakes bread", "baked a cake", "baking", "will bake"], "bake", id="endings"),
        pytest.param(["runs", "running", "run"], "run", id="a doubled letter"),
        pytest.param(["a hobbit", "hobbits", "HOBBITS"], "hobbits", id="as most write it"),
        pytest.param(["a party", "parties", "party"], "party", id="y"),
        pytest.param(["photographs", "photography", "photo"], None, id="too unlike"),
        pytest.param(["klettert", "Klettern", "kletterte"], "klettern", id="another language"),
        pytest.param(["Ada\u2019s garden", "garden", "l'garden"], "garden", id="apostrophes"),
        pytest.param(["rock-climbing", "climbing", "climbing!"], "climbing", id="a hyphen"),
        pytest.param(["RTX4090 a", "rtx4090 b", "RTX4090"], "rtx4090", id="letters and digits"),
        pytest.param(["1984", "1984", "1984"], None, id="a number"),
        pytest.param(["12th", "12th", "12th"], None, id="nearly a number"),
        pytest.param(["my tv", "tv", "TV"], None, id="two letters"),
        pytest.param(["\u8c61\u68cb", "\u7231\u8c61\u68cb", "\u8c61\u68cb"], "\u8c61\u68cb",
                     id="Han"),
        pytest.param(["\u7528\u6237", "\u7528\u6237", "\u7528\u6237"], None, id="a Han stop word"),
        pytest.param(["\u3067\u3059", "\u3067\u3059", "\u3067\u3059"], None, id="hiragana"),
        pytest.param(["\u30c6\u30cb"] * 3, "\u30c6\u30cb", id="katakana"),
        pytest.param(["\u559cgo\u559c", "\u559cchess", "chess\u559c", "chess"], "chess",
                     id="a word among Han letters"),
        pytest.param(["\uccb4\uc2a4\ub97c", "\uccb4\uc2a4\uac00", "\uccb4\uc2a4"],
                     "\uccb4\uc2a4", id="Hangul with particles"),
        pytest.param(["\u0e2b\u0e21\u0e32"] * 3, None, id="Thai"),
        pytest.param(["\u0436\u0438\u0432\u043e\u043f\u0438\u0441\u044c"] * 3,
                     "\u0436\u0438\u0432\u043e\u043f\u0438\u0441\u044c", id="Cyrillic"),
    ],
)  # fmt: skip
def test_a_theme_is_a_word_in_any_of_its_forms(texts: list[str], word: str | None) -> None:
    """Forms of one word count together, and it is shown as most memories write it."""
    found = _words(_found(_told(*texts)))
    assert found[:1] == ([] if word is None else [word])


@pytest.mark.parametrize(
    ("word", "themes"),
    [
        pytest.param("hobbies", [], id="a stop word"),
        pytest.param("eggs", ["egg"], id="three letters are left"),
        pytest.param("swimming", ["swim"], id="a doubled letter"),
        pytest.param("championships", ["champi"], id="a long word"),
        pytest.param("\u7528\u6237\u8c61\u68cb", ["\u6237\u8c61", "\u8c61\u68cb"],
                     id="pairs but stop words"),
        pytest.param("\u6211\u7684\u732b\u54aa", ["\u732b\u54aa"], id="pairs without grammar"),
        pytest.param("\u732b", [], id="a letter alone"),
        pytest.param("\uc0ac\uc6a9\uc790", [], id="a stop word of two syllables"),
        pytest.param("\uc9d1", [], id="one syllable"),
    ],
)  # fmt: skip
def test_what_stands_for_a_word(word: str, themes: list[str]) -> None:
    """Its root, a pair of letters, two syllables, or nothing."""
    assert list(themes_of(word)) == themes


@pytest.mark.parametrize(
    ("memories", "names"),
    [
        pytest.param(_told(*["the user likes this"] * 5), (), id="stop words"),
        pytest.param(_told(*["der Nutzer mag das"] * 5), (), id="stop words of another language"),
        pytest.param(_told(*["every Tuesday in March"] * 5), (), id="times"),
        pytest.param(_told(*["chess"] * 5, tags=["Chess"]), (), id="a tag"),
        pytest.param(
            [*_told(*["chess"] * 5), memory("other", tags=("chess",))], (), id="a tag of another"
        ),
        pytest.param(_told(*["baking"] * 5, tags=["bakes"]), (), id="a tag in another form"),
        pytest.param(_told(*["Ada told Lovelace"] * 5), ["ada lovelace"], id="the own name"),
        pytest.param(_told(*["Ada's"] * 5), ["ADA"], id="the own name's"),
        pytest.param(_told(*["a recurring thing"] * 5), (), id="the tag's own word"),
        pytest.param(_told(*["a thing"] * 5, tags=["recurring"]), (), id="the tag"),
    ],
)  # fmt: skip
def test_what_is_no_theme(memories: list[Memory], names: Collection[str]) -> None:
    """Tags, stop words, times and the own name say nothing of what a memory is about."""
    assert _found(memories, names=names).themes == ()


def test_words_of_a_longer_tag_may_be_themes() -> None:
    """A tag is a word here only if it is one: a chess club is not chess."""
    assert _words(_found(_told(*["chess"] * 3, tags=["chess club"]))) == ["chess"]


def test_days_on_which_duplicates_were_told_count() -> None:
    """What consolidation folded into one memory was told as often as before."""
    rows = [memory("a", "Plays chess"), memory("b", "Has a cat")]
    days = [MORNING.date(), day(1).date(), day(2).date()]
    found = _found(rows, sightings={"a": days, "gone": days})
    assert [(each.word, each.occasions, each.ids) for each in found.themes] == [
        ("chess", 3, ("a",))
    ]
    assert found.to_tag == ("a",)


@pytest.mark.parametrize(
    ("window", "now", "words"),
    [
        (timedelta(365), day(365), ["chess"]),
        (timedelta(365), day(366), []),
        (timedelta(366), day(366), ["chess"]),
        (None, day(9_999), ["chess"]),
    ],
)
def test_what_was_told_long_ago_does_not_recur(
    window: timedelta | None, now: Any, words: list[str]  # noqa: ANN401 a moment
) -> None:  # fmt: skip
    """Only days within the window count, for sightings and sessions alike; None is for ever."""
    rows = [memory(f"m{n}", "chess", created_at=day(n), session=f"s{n}") for n in range(2)]
    choice = Recurrence(window=window)
    assert _words(_found(rows, choice, sightings={"m0": [day(2).date()]}, now=now)) == words


@pytest.mark.parametrize(("now", "words"), [(day(365), ["chess"]), (day(366), [])])
def test_sessions_of_long_ago_do_not_count(now: Any, words: list[str]) -> None:  # noqa: ANN401 a moment
    """A session is as old as the memory that is from it."""
    rows = [memory(f"m{n}", "chess", session=f"s{n}") for n in range(3)]
    assert _words(_found(rows, now=now)) == words


def test_an_old_memory_of_a_theme_that_recurs_bears_the_tag_too() -> None:
    """It is what the memory is about that recurs, not the memory."""
    rows = [*_told("chess", "chess", "chess"), memory("old", "chess", created_at=day(-900))]
    assert _found(rows).ids == {"m0", "m1", "m2", "old"}


@pytest.mark.parametrize(
    ("number", "others", "max_share", "is_theme"),
    [
        pytest.param(FEW, 0, 0.0, True, id="all of a small store"),
        pytest.param(FEW + 1, 0, 0.0, False, id="too many"),
        pytest.param(30, 270, 0.1, True, id="the share to the row"),
        pytest.param(31, 279, 0.1, True, id="the share of more"),
        pytest.param(31, 269, 0.1, False, id="beyond the share"),
        pytest.param(29, 71, 0.29, True, id="whatever binary fractions say"),
        pytest.param(90, 0, 1.0, True, id="no limit"),
    ],
)
def test_a_word_of_too_many_memories_is_no_theme(
    number: int, others: int, max_share: float, *, is_theme: bool
) -> None:
    """What half of a store speaks of tells none of its memories apart."""
    rows = [memory(f"m{n}", "chess", created_at=day(-n)) for n in range(number)]
    rows += [memory(f"o{n}", f"other{n}") for n in range(others)]
    assert bool(_found(rows, Recurrence(max_share=max_share)).themes) is is_theme


def test_the_cap_is_never_below_the_threshold() -> None:
    """Else a high threshold could never be met."""
    rows = [memory(f"m{n}", "chess", created_at=day(-n)) for n in range(FEW + 5)]
    assert _words(_found(rows, Recurrence(threshold=FEW + 5, max_share=0.0))) == ["chess"]


def test_the_themes_told_most_often_are_taken_and_of_equals_the_rarer() -> None:
    """Occasions first, then the fewer memories, then the alphabet."""
    rows = _told(
        "go", "alpha beta gamma delta", *["alpha beta gamma delta chess"] * 2, "chess alpha"
    )
    rows += [memory(f"x{n}", "beta chess", created_at=day(2)) for n in range(2)]
    found = _found(rows)
    assert [(each.word, each.occasions, len(each.ids)) for each in found.themes] == [
        ("alpha", 4, 4),
        ("delta", 3, 3),
        ("gamma", 3, 3),
        ("beta", 3, 5),
        ("chess", 3, 5),
    ]
    assert _words(_found(rows, Recurrence(top=2))) == ["alpha", "delta"]


def test_the_tag_is_taken_off_where_it_holds_no_longer() -> None:
    """Two of three memories are gone, so nothing recurs; other tags stay, in their order."""
    rows = _told("chess", "chess", "chess", tags=["fun"])
    tagged = _again(_found(rows), rows)
    assert {row.tags for row in tagged} == {("fun", "recurring")}
    assert tagged[0].image["tags"] == '["fun", "recurring"]'
    found = _found(tagged[:1])
    assert (found.to_tag, found.to_untag) == ((), ("m0",))
    assert _again(found, tagged[:1]) == rows[:1]


def test_a_tag_that_people_wrote_stays() -> None:
    """`Recurring` is not ours: it is neither doubled nor taken off."""
    rows = _told("chess", "chess", "chess", tags=["Recurring"])
    for some in (rows, rows[:1]):
        found = _found(some)
        assert (found.to_tag, found.to_untag) == ((), ())
        assert _again(found, some) == some


def test_protected_memories_are_tagged_as_well() -> None:
    """A tag is no loss."""
    rows = [memory(f"m{n}", "chess", created_at=day(n), is_marked=True) for n in range(3)]
    assert _found(rows).to_tag == ("m0", "m1", "m2")


@pytest.mark.parametrize(("others", "warned"), [(7, False), (6, True)])
def test_too_many_tagged_are_a_warning(others: int, *, warned: bool) -> None:
    """Beyond 30 % the tag tells little, and the warning says what helps."""
    rows = [
        *_told("chess", "chess", "chess"),
        *(memory(f"o{n}", f"other{n}") for n in range(others)),
    ]
    found = _found(rows)
    assert found.share == pytest.approx(3 / (3 + others))
    assert found.warning == (
        "3 of 9 memories (33%) are tagged recurring, which keeps them from being pruned: "
        "raise memory.recurrence_threshold"
        if warned
        else None
    )


def test_a_report_is_json() -> None:
    """It goes into the result of a run as it is."""
    rows = [*_told("chess", "chess", "chess"), memory("x", "a cat", tags=("recurring",))]
    document = _found(rows).document()
    assert json.loads(json.dumps(document)) == document
    assert (document["memories"], document["recurring"], document["share"]) == (4, 3, 0.75)
    assert (document["tagged"], document["untagged"]) == (3, 1)
    assert document["themes"] == [{"word": "chess", "occasions": 3, "memories": 3}]
    assert document["warning"]


def test_an_empty_store_has_no_themes() -> None:
    """And no share of nothing."""
    found = _found([])
    assert (found.themes, found.share, found.warning) == ((), 0.0, None)


@EXAMPLES
@given(stores(), choices)
def test_a_second_run_changes_nothing(store: list[Memory], choice: Recurrence) -> None:
    """The tag is no evidence for itself, and no tag of another makes one."""
    first = _found(store, choice, names=["Ada"])
    tagged = _again(first, store)
    second = _found(tagged, choice, names=["Ada"])
    assert (second.to_tag, second.to_untag) == ((), ())
    assert (second.themes, second.ids) == (first.themes, first.ids)
    assert _again(second, tagged) == tagged


@EXAMPLES
@given(stores(), choices)
def test_nothing_but_the_tag_changes(store: list[Memory], choice: Recurrence) -> None:
    """Exactly the named memories change, and in them exactly `recurring` comes or goes."""
    found = _found(store, choice)
    assert {*found.to_tag} <= found.ids
    assert found.ids.isdisjoint(found.to_untag)
    for row, after in zip(store, _again(found, store), strict=True):
        assert (after != row) is (row.id in {*found.to_tag, *found.to_untag})
        assert [t for t in after.tags if t != "recurring"] == [
            t for t in row.tags if t != "recurring"
        ]
        assert ("recurring" in {t.casefold() for t in after.tags}) or row.id not in found.ids
        assert "recurring" not in after.tags or row.id in found.ids


@EXAMPLES
@given(stores(), choices, st.randoms(use_true_random=False))
def test_the_order_of_the_store_has_no_say(
    store: list[Memory], choice: Recurrence, chance: Random
) -> None:
    """A database may return its rows in any order."""
    shuffled = list(store)
    chance.shuffle(shuffled)
    one, other = _found(store, choice), _found(shuffled, choice)
    assert one.ids == other.ids
    assert [(t.word, t.occasions, {*t.ids}) for t in one.themes] == [
        (t.word, t.occasions, {*t.ids}) for t in other.themes
    ]


@EXAMPLES
@given(stores(), choices, days_told)
def test_what_recurs_was_told_often_enough(
    store: list[Memory], choice: Recurrence, told: set[date]
) -> None:
    """Counted anew: on as many days or in as many sessions within the window, and not too often."""
    today = NOW.date()
    found = _found(store, choice, sightings={"m0": told})
    assert len(found.themes) <= choice.top
    assert found.ids == {row_id for theme in found.themes for row_id in theme.ids}
    tags = {tag for row in store for tag in row.tags}
    for theme in found.themes:
        rows = [row for row in store if row.id in theme.ids]
        days = {row.created_at.date() for row in rows if row.created_at}
        days |= told if "m0" in theme.ids else set()
        days = {d for d in days if d <= today and (not choice.window or today - d <= choice.window)}
        sessions = {row.session for row in rows if row.session}
        assert choice.threshold <= theme.occasions <= max(len(days), len(sessions))
        assert theme.occasions >= len(days)
        assert len(rows) <= max(choice.threshold, FEW, choice.max_share * len(store))
        assert theme.word not in {*tags, "the", "likes", "user", "tv", "2024", "recur"}


@EXAMPLES
@given(stores(), choices)
def test_a_higher_threshold_finds_no_further_theme(store: list[Memory], choice: Recurrence) -> None:
    """Nothing recurs because more is asked of it, where all themes are taken."""
    lower, higher = (
        _found(store, Recurrence(threshold=n, max_share=1, top=99, window=choice.window))
        for n in (choice.threshold, choice.threshold + 1)
    )
    assert higher.ids <= lower.ids


@EXAMPLES
@given(st.integers(1, 9), st.sampled_from(["the user likes", "Ada", "chess", "1984 12:30", ""]))
def test_tags_stop_words_and_names_alone_are_never_a_theme(number: int, text: str) -> None:
    """However often they are told."""
    rows = _told(*[text] * number, tags=["chess", "recurring"])
    found = _found(rows, Recurrence(threshold=1), names=["ada"])
    assert (found.themes, found.to_untag) == ((), tuple(row.id for row in rows))


@EXAMPLES
@given(st.text(max_size=30))
def test_any_text_has_words(text: str) -> None:
    """Nothing that people write breaks it, and themes are the same for the same word."""
    for word in words_in(text):
        assert word
        assert list(themes_of(word)) == list(themes_of(word))
        assert all(themes_of(word))
