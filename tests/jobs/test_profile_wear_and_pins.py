"""What no model may write: a text that models have written often enough, and what is pinned."""

from typing import Any

import pytest
from building import NICK
from consolidating import NOW, ScriptedModel, context, ids, reply, rows_of, settings
from databases import ATTRIBUTES, add_row, sql

from llm_maint.applying import apply_held
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.profile import Attribute
from llm_maint.domain.wear import MAX_REWRITES
from llm_maint.errors import PlanRefusedError
from llm_maint.rounds import consolidate
from llm_maint.store import plans
from llm_maint.store.database import Database

OLD, NEWER = "2025-12-01 00:00:00", "2026-01-02 00:00:00"

HIKING = "enjoys hiking"

MORE = ["in Norway", "with Rosa", "at dawn", "on Sundays"]


def _wordings(database: Database) -> list[Any]:
    return [row.value for row in rows_of(database) if row.key == "hobby"]


def _merged(database: Database, value: str | None, **changed: Any) -> Consolidation:  # noqa: ANN401
    """Let a model merge all rows of the hobby into one text, or into the newest row's own."""

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        groups = [{"reason": "one", "op": "merge", "ids": ids(asked, "hobby"), "value": value}]
        return {**reply(asked), "groups": groups if len(asked["rows"]) > 1 else []}

    return consolidate(context(database, ScriptedModel(script), **changed), NICK)


def _worn_out(database: Database, *, year: int = 2026, times: int = MAX_REWRITES) -> str:
    """Let a model rewrite a row so often, or newer rows instead of it; return the text."""
    text = HIKING
    add_row(database, "hobby", f'"{HIKING}"')
    for number, words in enumerate(MORE[:times], start=1):
        at = f"{year}-02-0{number} 00:00:00"
        add_row(database, "hobby", f'"hiking {words}"', updated_at=at)
        text = f"{text} {words}"
        _merged(database, text)
        assert _wordings(database) == [text]
    return text


@pytest.mark.parametrize("year", [2025, 2026], ids=["one row", "a new row each time"])
def test_a_text_rewritten_three_times_is_kept_verbatim(database: Database, year: int) -> None:
    """The fourth text is refused and its rows stay, whichever row wins."""
    text = _worn_out(database, year=year)
    assert rows_of(database)[0].id == (1 if year == 2025 else 4)
    add_row(database, "hobby", f'"hiking {MORE[3]}"', updated_at=f"{year}-02-09 00:00:00")
    done = _merged(database, f"{text} {MORE[3]}")
    assert sorted(_wordings(database)) == sorted([text, f"hiking {MORE[3]}"])
    assert [each.guard for each in done.plan.refused][:1] == ["new_text"]
    assert "often enough" in done.plan.refused[0].reason


def test_two_rewrites_are_not_enough(database: Database) -> None:
    """A text may be written three times."""
    text = _worn_out(database, times=2)
    add_row(database, "hobby", f'"hiking {MORE[2]}"')
    _merged(database, f"{text} {MORE[2]}")
    assert _wordings(database) == [f"{text} {MORE[2]}"]


@pytest.mark.parametrize("value", [None, "hiking at dawn with Rosa in Norway enjoys"])
def test_what_a_worn_text_covers_still_goes_into_it(database: Database, value: str | None) -> None:
    """The worn row keeps its text to the byte, whatever the model would have it say."""
    text = _worn_out(database)
    (before,) = rows_of(database)
    add_row(database, "hobby", '"hiking with Rosa"', updated_at=OLD, confidence=0.3)
    assert _merged(database, value).plan.accounting()["merged"] == 1
    (after,) = rows_of(database)
    assert (after.id, after.value, after.image["value"]) == (before.id, text, before.image["value"])


def test_a_worn_row_is_given_no_new_key(database: Database) -> None:
    """A key is a text as well."""
    _worn_out(database)
    add_row(database, "hobby", '"hiking with Rosa"', updated_at=OLD)

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        group = {"reason": "", "op": "merge", "ids": ids(asked, "hobby"), "key": "hobby_hiking"}
        return {**reply(asked), "groups": [group]}

    consolidate(context(database, ScriptedModel(script)), NICK)
    assert [row.key for row in rows_of(database)] == ["hobby"]


def test_a_worn_row_can_go(database: Database) -> None:
    """Wear keeps a text from being rewritten, not a fact from being out of date."""
    _worn_out(database)
    add_row(database, "sport", '"gave up hiking"', updated_at="2026-02-09 00:00:00")

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        # The new row's request holds no relative: it is the changed row that brings both.
        return reply(asked, groups={"supersede": [row["id"] for row in asked["rows"]]})

    sql(database, f"UPDATE {ATTRIBUTES} SET confidence = 0.5 WHERE key = 'hobby'")
    consolidate(context(database, ScriptedModel(script)), NICK)
    assert [row.key for row in rows_of(database)] == ["sport"]


def test_what_rewrites_nothing_wears_nothing(database: Database) -> None:
    """Folds, merges that keep a text, dry runs and refused texts leave a row as good as new."""
    add_row(database, "hobby", f'"{HIKING}"', updated_at=NEWER)
    for number in range(MAX_REWRITES + 1):
        add_row(database, "hobby", f'"{HIKING.upper()}"')
        add_row(database, "hobby", '"hiking"')
        _merged(database, f"{HIKING} in {number} countries")
        add_row(database, "hobby", '"hiking in Norway"')
        _merged(database, f"{HIKING} in Norway", dry_run=True)
        sql(database, f"DELETE FROM {ATTRIBUTES} WHERE CAST(value AS TEXT) LIKE '%Norway%'")
        assert _wordings(database) == [HIKING]
    assert sql(database, "SELECT * FROM maintenance_profile_wear") == []


def test_each_pass_of_one_run_wears(database: Database) -> None:
    """A text that was written anew from texts written in the same run was written twice."""
    walk = "walks along the river to the old mill and back with friends on"
    for day in ("Monday", "Tuesday", "Friday", "Sunday"):
        add_row(database, "hobby", f'"{walk} {day}"')

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        days = " ".join(row["value"].removeprefix(walk).strip() for row in asked["rows"])
        group = {"reason": "", "op": "merge", "ids": ids(asked, "hobby"), "value": f"{walk} {days}"}
        return {**reply(asked), "groups": [group]}

    two = settings(profile_maintenance={"max_rows_per_request": 2})
    model = ScriptedModel(script)
    consolidate(context(database, model, settings=two), NICK)
    assert [len(keys) for keys in model.keys_asked] == [2, 2, 2]
    (left,) = rows_of(database)
    worn = dict(sql(database, "SELECT row_id, rewrites FROM maintenance_profile_wear"))
    assert worn[str(left.id)] == 2


def _pin(database: Database, key: str, *, entity_type: str = "user", name: str = "nick") -> None:
    sql(
        database,
        "INSERT INTO maintenance_profile_pins (entity_type, entity_id, key, pinned_at) "
        "VALUES (:type, :id, :key, :now)",
        type=entity_type,
        id=name,
        key=key,
        now=NOW.replace(tzinfo=None).isoformat(sep=" "),
    )


def _wishing(wish: str, *keys: str) -> ScriptedModel:
    """Return a model that wants one thing of all rows of some keys."""

    def script(asked: dict[str, Any]) -> dict[str, Any]:
        found = ids(asked, *keys)
        if wish == "remove":
            return reply(asked, remove=found)
        group = {"reason": "", "op": wish, "ids": found, "value": "a smith, a joiner", "key": "job"}
        return {**reply(asked), "groups": [group]}

    return ScriptedModel(script)


def _pinned_row(database: Database, key: str) -> Attribute:
    return next(row for row in rows_of(database) if row.key == key)


@pytest.mark.parametrize("how", ["database", "settings"])
@pytest.mark.parametrize("key", ["first_job", "First Job", "first-job"])
@pytest.mark.parametrize("wish", ["remove", "supersede", "merge"])
@pytest.mark.parametrize("updated_at", [OLD, NEWER], ids=["older", "newer"])
def test_a_pinned_row_is_never_changed(
    database: Database, how: str, key: str, wish: str, updated_at: str
) -> None:
    """However its key is written, and whatever a model wants, not a byte of it changes."""
    add_row(database, key, '"a smith"', updated_at=updated_at, confidence=0.2)
    add_row(database, "job", '"a joiner"')
    before = _pinned_row(database, key)
    pinned = settings(profile_maintenance={"pinned_keys": ("First Job",)})
    if how == "database":
        _pin(database, "first_job")
        pinned = settings()
    consolidate(context(database, _wishing(wish, key, "job"), settings=pinned), NICK)
    assert _pinned_row(database, key) == before
    left = {row.key for row in rows_of(database)} - {key}
    newest_wins = wish == "supersede" and updated_at == NEWER
    assert left == (set() if wish == "remove" or newest_wins else {"job"})


@pytest.mark.parametrize("whose", [{"name": "ada"}, {"entity_type": "bot"}], ids=["ada", "a bot"])
def test_a_pin_of_somebody_else_protects_nobody(database: Database, whose: dict[str, str]) -> None:
    """Pins are of one entity."""
    add_row(database, "job", '"a smith"')
    _pin(database, "job", **whose)
    consolidate(context(database, _wishing("remove", "job")), NICK)
    assert rows_of(database) == []


@pytest.mark.parametrize("with_model", [False, True], ids=["code", "a model"])
def test_a_duplicate_folds_into_a_pinned_row(database: Database, *, with_model: bool) -> None:
    """The row that stays is as it was to the byte, and the copy goes."""
    add_row(database, "job", '"a smith"', updated_at=NEWER, confidence=0.2)
    add_row(database, "Job", '"A  Smith"', updated_at=OLD, confidence=0.9)
    _pin(database, "job")
    before = rows_of(database)[0]
    model = ScriptedModel(reply) if with_model else None
    assert consolidate(context(database, model), NICK).plan.accounting()["merged"] == 1
    assert rows_of(database) == [before]


def test_what_a_pinned_row_says_goes_into_it(database: Database) -> None:
    """A merge takes the other row, and leaves the pinned one its own text."""
    add_row(database, "job", '"a smith, a joiner in Oslo"', updated_at=OLD, confidence=0.2)
    add_row(database, "job_joiner", '"a joiner in Oslo"')
    _pin(database, "job")
    before = rows_of(database)[0]
    consolidate(context(database, _wishing("merge", "job", "job_joiner")), NICK)
    assert rows_of(database) == [before]


def test_a_key_pinned_while_a_model_thinks_is_protected(database: Database) -> None:
    """A pin holds from the moment it is set, for whatever is not yet written."""
    add_row(database, "job", '"a smith"')
    wishing = _wishing("remove", "job")
    model = ScriptedModel(lambda asked: _pin(database, "job") or wishing.script(asked))  # type: ignore[func-returns-value]
    consolidate(context(database, model), NICK)
    assert [row.key for row in rows_of(database)] == ["job"]


def test_a_key_pinned_after_a_plan_was_held_is_protected(database: Database) -> None:
    """Who pins one row of a held plan and applies it keeps that row."""
    keys = [f"job{number}" for number in range(5)]
    for key in keys:
        add_row(database, key, f'"{key} at the mill"')
    job = context(database, _wishing("remove", *keys))
    held = consolidate(job, NICK)
    assert held.plan_id is not None
    _pin(database, "job3")
    with database.read() as connection:
        stored = plans.find_plan(connection, held.plan_id)
    try:
        apply_held(job, stored)
    except PlanRefusedError:
        return  # to refuse the whole plan protects as well
    assert [row.key for row in rows_of(database)] == ["job3"]
