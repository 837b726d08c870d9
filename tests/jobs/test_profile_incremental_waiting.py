"""Rows that wait: a few new ones for more of them, young ones for their age; and copies do not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from building import NICK
from claiming import claim_next
from consolidating import NOW, ScriptedModel, context, ids, reply, rows_of, settings
from databases import ATTRIBUTES, add_profile, add_row, dump, sql

from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import Claim, Success, Trigger
from llm_maint.domain.schedule import Every
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.reading import FEW
from llm_maint.rounds import consolidate
from llm_maint.store import job_edits
from llm_maint.store.database import Database

HOURLY = timedelta(hours=1)

GATHER = timedelta(minutes=360)


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a profile of three facts with ids 1 to 3."""
    add_profile(database, display_name="Nick")
    add_row(database, "city", '"lives in Oslo"')
    add_row(database, "music", '"plays the violin"')
    add_row(database, "pet", '"a cat named Tom"')
    return database


def _nobody() -> ScriptedModel:
    """Return a model that must not be asked."""

    def script(asked: dict[str, Any]) -> None:
        raise AssertionError(f"it was asked about {len(asked['rows'])} rows")

    return ScriptedModel(script)


@pytest.fixture
def claim(nick: Database) -> Claim:
    """Return a claim on the job of every entity, for the length of the test."""
    lease = timedelta(days=99)
    with nick.write() as connection:
        job = job_edits.add_job(
            connection,
            job_type="profile_maintenance",
            name="profiles",
            timing=Timing(schedule=Every(HOURLY)),
            bot_id="*",
            config={},
            now=NOW,
        )
        due = claim_next(
            connection, now=NOW, due_by=NOW + HOURLY, lease=lease, host="here", job_id=job.id
        )
    assert due is not None
    assert due.trigger is Trigger.DUE
    return due


def _ran(
    database: Database,
    model: ScriptedModel,
    claim: Claim | None,
    *,
    after: timedelta = timedelta(0),
    **changed: Any,  # noqa: ANN401 any field of a context
) -> list[list[str]]:
    """Run the job so long after `NOW`; return the keys of each request, in order."""
    given = {"clock": lambda: NOW + after, "claim": claim, "config": {"entity_id": "*"}, **changed}
    outcome = JOB.run(context(database, model, **given))
    assert isinstance(outcome, Success)
    assert not [line["error"] for line in outcome.result["entities"] if line["error"]]
    return [sorted(keys) for keys in model.keys_asked]


def _written(after: timedelta) -> str:
    moment: datetime = NOW + after
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def _add_lately(database: Database, *keys: str, after: timedelta = HOURLY) -> None:
    for key in keys:
        add_row(database, key, f'"about {key}"', updated_at=_written(after))


def test_a_few_young_new_rows_wait_for_more(nick: Database, claim: Claim) -> None:
    """A due run of all neither asks nor writes, until the time is over; then all go together."""
    assert _ran(nick, ScriptedModel(reply), claim) == [["city", "music", "pet"]]
    _add_lately(nick, "shoes")
    before = dump(nick)
    assert _ran(nick, _nobody(), claim, after=2 * HOURLY) == []
    assert dump(nick) == before
    _add_lately(nick, "tea", after=3 * HOURLY)
    assert _ran(nick, _nobody(), claim, after=GATHER - timedelta(seconds=1)) == []
    assert _ran(nick, ScriptedModel(reply), claim, after=GATHER) == [["shoes", "tea"]]
    _add_lately(nick, "hat", after=GATHER)
    assert _ran(nick, _nobody(), claim, after=GATHER + HOURLY) == []


ASKED_AT_ONCE: list[Any] = [
    pytest.param({"claim": None}, id="by a person, without a claim"),
    pytest.param({"trigger": Trigger.MANUAL}, id="by a person, as the job"),
    pytest.param({"config": {"entity_id": "nick"}}, id="the job of one profile"),
    pytest.param({"gather_minutes": 0}, id="no gathering"),
    pytest.param({"gather_minutes": 60}, id="a shorter time"),
    pytest.param({"model": "another"}, id="another model, which knows nothing"),
]


@pytest.mark.parametrize("wanted", ASKED_AT_ONCE)
def test_who_is_asked_for_by_name_does_not_wait(
    nick: Database, claim: Claim, wanted: dict[str, Any]
) -> None:
    """Only a due run of all profiles gathers."""
    _ran(nick, ScriptedModel(reply), claim)
    _add_lately(nick, "shoes")
    held = replace(claim, trigger=wanted.get("trigger", Trigger.DUE))
    limits: dict[str, Any] = {
        name: wanted[name] for name in ("gather_minutes", "model") if name in wanted
    }
    asked = _ran(
        nick,
        ScriptedModel(reply),
        wanted.get("claim", held),
        after=HOURLY,
        settings=settings(profile_maintenance=limits),
        config=wanted.get("config", {}),
    )
    assert "shoes" in asked[0]


def test_consolidate_by_name_does_not_wait(nick: Database, claim: Claim) -> None:
    """A person who asks about one profile gets an answer."""
    _ran(nick, ScriptedModel(reply), claim)
    _add_lately(nick, "shoes")
    model = ScriptedModel(reply)
    consolidate(context(nick, model), NICK)
    assert model.keys_asked == [["shoes"]]


@pytest.mark.parametrize(
    ("number", "waits"), [(FEW - 1, True), (FEW, False)], ids=["few", "enough"]
)
def test_many_new_rows_do_not_wait(
    nick: Database, claim: Claim, number: int, *, waits: bool
) -> None:
    """So many in one request cost no more than they would later."""
    _ran(nick, ScriptedModel(reply), claim)
    _add_lately(nick, *(f"key{n}" for n in range(number)))
    asked = _ran(nick, ScriptedModel(reply), claim, after=2 * HOURLY)
    assert [len(keys) for keys in asked] == ([] if waits else [number])


def test_a_new_row_of_old_does_not_wait(nick: Database, claim: Claim) -> None:
    """One that was written long ago, or tells no time, has waited: all go with it."""
    _ran(nick, ScriptedModel(reply), claim)
    _add_lately(nick, "shoes")
    row_id = add_row(nick, "tea", '"green"', updated_at="2025-01-01 00:00:00")
    assert _ran(nick, ScriptedModel(reply), claim, after=HOURLY) == [["shoes", "tea"]]
    sql(nick, f"UPDATE {ATTRIBUTES} SET updated_at = NULL WHERE id = :id", id=row_id)
    (asked,) = _ran(nick, ScriptedModel(reply), claim, after=HOURLY)
    assert "tea" in asked


def test_a_held_plan_waits_on_while_new_rows_wait(nick: Database, claim: Claim) -> None:
    """Neither is it made again for a few young rows, nor are they asked about for its sake."""
    strict = settings(profile_maintenance={"max_loss_ratio": 0})
    for number in range(4):
        add_row(nick, f"noise{number}", f'"well {number}"')

    def greedy(asked: dict[str, Any]) -> dict[str, Any]:
        return reply(asked, remove=ids(asked, *(f"noise{number}" for number in range(4))))

    _ran(nick, ScriptedModel(greedy), claim, settings=strict)
    assert sql(nick, "SELECT status FROM maintenance_plans") == [("held",)]
    _add_lately(nick, "shoes")
    before = dump(nick)
    assert _ran(nick, _nobody(), claim, after=2 * HOURLY, settings=strict) == []
    assert dump(nick) == before
    asked = _ran(nick, ScriptedModel(greedy), claim, after=GATHER, settings=strict)
    assert asked[0] == ["noise0", "noise1", "noise2", "noise3", "shoes"]


def test_a_copy_does_not_wait_and_wakes_nobody(nick: Database, claim: Claim) -> None:
    """It folds at once and without a call, while what is new goes on waiting."""
    _ran(nick, ScriptedModel(reply), claim)
    _add_lately(nick, "shoes")
    add_row(nick, "Music", '"Plays  the VIOLIN"', updated_at=_written(HOURLY))
    assert _ran(nick, _nobody(), claim, after=2 * HOURLY) == []
    assert [row.id for row in rows_of(nick)] == [1, 3, 4, 5]
    before = dump(nick)
    assert _ran(nick, _nobody(), claim, after=3 * HOURLY) == []
    assert dump(nick) == before
    assert _ran(nick, ScriptedModel(reply), claim, after=GATHER) == [["shoes"]]


@pytest.mark.parametrize("model", [_nobody, None], ids=["a model", "code"])
@pytest.mark.parametrize("confidence", [0.1, 0.95])
def test_an_exact_copy_of_a_known_fact_folds_without_a_call(
    nick: Database, model: Callable[[], ScriptedModel] | None, confidence: float
) -> None:
    """Whichever row wins, no model is asked, and the next run is free."""
    known = ScriptedModel(reply) if model else None
    consolidate(context(nick, known), NICK)
    add_row(nick, "pet", '"A cat named TOM"', confidence=confidence, updated_at=_written(HOURLY))
    done = consolidate(context(nick, model and model()), NICK)
    assert done.plan.accounting()["merged"] == 1
    assert [row.id for row in rows_of(nick)] == [1, 2, 4]
    before = dump(nick)
    assert consolidate(context(nick, model and model()), NICK).unchanged
    assert dump(nick) == before


def test_a_copy_of_a_disputed_fact_is_news(nick: Database) -> None:
    """It may decide the conflict, being the latest."""

    def disputing(asked: dict[str, Any]) -> dict[str, Any]:
        return reply(asked, groups={"conflict": ids(asked, "city", "music")})

    consolidate(context(nick, ScriptedModel(disputing)), NICK)
    add_row(nick, "city", '"lives in Oslo"', updated_at=_written(HOURLY))
    model = ScriptedModel(reply)
    consolidate(context(nick, model), NICK)
    assert "city" in model.keys_asked[0]


AGED = settings(profile_maintenance={"min_age_minutes": 90})


def _naming_all(asked: dict[str, Any]) -> dict[str, Any]:
    """Group and remove rows that it was not asked about as well."""
    return reply(asked, groups={"merge": ["r1", "r8", "r9"]}, remove=["r4", "r5", "r6"])


def test_young_rows_are_not_touched(nick: Database) -> None:
    """Not sent, not folded, not removed whatever the model names; judged once they are old."""
    _add_lately(nick, "shoes", "pet")
    add_row(nick, "city", '"lives in Oslo"', updated_at=_written(HOURLY))
    young = [row.image for row in rows_of(nick)][3:]
    for after in (HOURLY, 2 * HOURLY):
        model = ScriptedModel(_naming_all)
        job = context(nick, model, settings=AGED, clock=lambda after=after: NOW + after)
        assert consolidate(job, NICK).plan.accounting()["kept"] == 6
        assert len(model.asked) == (after == HOURLY)
        assert [row.image for row in rows_of(nick)][3:] == young
    late = timedelta(minutes=150)
    model = ScriptedModel(reply)
    job = context(nick, model, settings=AGED, clock=lambda: NOW + late)
    assert consolidate(job, NICK).plan.accounting()["merged"] == 1
    assert sorted(model.keys_asked[0]) == ["pet", "pet", "shoes"]
    assert consolidate(job, NICK).unchanged


def test_rows_that_have_come_of_age_were_not_asked_about_before(
    nick: Database, claim: Claim
) -> None:
    """The first request about a profile waits for nothing but their age."""
    sql(nick, f"UPDATE {ATTRIBUTES} SET updated_at = :time", time=_written(timedelta(0)))
    assert _ran(nick, _nobody(), claim, after=HOURLY, settings=AGED) == []
    asked = _ran(nick, ScriptedModel(reply), claim, after=2 * HOURLY, settings=AGED)
    assert asked == [["city", "music", "pet"]]
