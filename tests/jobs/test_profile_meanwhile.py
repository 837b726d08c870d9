"""What happens while the model thinks: no transaction is open, and nobody's change is lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from building import NICK
from consolidating import NOW, ScriptedModel, context, ids, reply, rows_of
from databases import ATTRIBUTES, add_row, dump, opened, sql

from llm_maint.applying import apply_held
from llm_maint.domain.firing import Timing
from llm_maint.domain.runs import Claim
from llm_maint.domain.schedule import Every
from llm_maint.errors import ClaimLostError, PlanRefusedError
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.rounds import consolidate
from llm_maint.store import claims, job_edits, plans, profiles, queue
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of

LEASE = timedelta(minutes=2)


@pytest.fixture
def nick(database: Database) -> Database:
    """Return a profile of ids 1 to 5: two duplicates, two employers, a greeting."""
    add_row(database, "color", '"blue"')
    add_row(database, "color", '"blue"')
    add_row(database, "employer", '"Alder"')
    add_row(database, "employer", '"Birch"', updated_at="2026-01-02 00:00:00")
    add_row(database, "greeting", '"hi"')
    return database


def _tidy(asked: dict[str, Any]) -> dict[str, Any]:
    groups = {"supersede": ids(asked, "employer")}
    return reply(asked, groups=groups, remove=ids(asked, "greeting"))


def _modest(asked: dict[str, Any]) -> dict[str, Any]:
    return reply(asked, remove=ids(asked, "greeting"))


def _meanwhile(
    happens: Callable[[], object], then: Callable[[dict[str, Any]], Any] = _tidy
) -> ScriptedModel:
    """Return a model during whose first answer something happens."""
    model = ScriptedModel(lambda _: None)

    def script(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
        if len(model.asked) == 1:
            happens()
        return then(asked)

    model.script = script
    return model


@pytest.mark.parametrize(
    ("change", "left", "counted"),
    [
        pytest.param(
            "UPDATE {} SET value = '\"hello, Nick moved\"' WHERE id = 5",
            [(1, "blue"), (4, "Birch"), (5, "hello, Nick moved")],
            {"merged": 1, "superseded": 1, "removed": 0},
            id="an edit",
        ),
        pytest.param(
            "DELETE FROM {} WHERE id = 4",
            [(1, "blue"), (3, "Alder")],
            {"merged": 1, "superseded": 0, "removed": 1},
            id="a deletion",
        ),
        pytest.param(
            "INSERT INTO {} (entity_type, entity_id, category, key, value) "
            "VALUES ('USER', 'nick', 'fact', 'greeting', '\"hi\"')",
            [(1, "blue"), (4, "Birch"), (6, "hi")],
            {"merged": 1, "superseded": 1, "removed": 1},
            id="a new row",
        ),
    ],
)
def test_a_writer_loses_nothing(
    nick: Database,
    database_url: str,
    change: str,
    left: list[tuple[int, str]],
    counted: dict[str, int],
) -> None:
    """An assistant that writes while the model thinks is neither blocked nor overwritten."""

    def write() -> None:
        other = opened(database_url)
        sql(other, change.format(ATTRIBUTES))
        other.close()

    model = _meanwhile(write)
    done = consolidate(context(nick, model), NICK)
    assert [(row.id, row.value) for row in rows_of(nick)] == left
    assert done.plan.accounting() == done.plan.accounting() | counted
    # What changed is judged in the next run, and then the profile is at rest.
    assert not consolidate(context(nick, model), NICK).unchanged
    assert consolidate(context(nick, model), NICK).unchanged


def test_two_at_one_entity_do_the_work_once(nick: Database) -> None:
    """The second finds its rows changed, drops its operations, and loses nothing twice."""
    first = context(nick, ScriptedModel(_modest))
    model = _meanwhile(lambda: consolidate(first, NICK), then=_modest)
    second = consolidate(context(nick, model), NICK)
    assert second.plan.operations == ()
    assert {refused.guard for refused in second.plan.refused} == {"changed_meanwhile"}
    assert [row.id for row in rows_of(nick)] == [1, 3, 4]
    with nick.read() as connection:
        assert plans.recent_losses(connection, NICK, now=NOW).lost == 1


def _claimed(database: Database) -> Claim:
    with database.write() as connection:
        job = job_edits.add_job(
            connection,
            job_type="profile_maintenance",
            name="profiles",
            timing=Timing(schedule=Every(timedelta(hours=1))),
            bot_id="*",
            config={},
            now=NOW,
        )
        claim = queue.claim_now(source_of(connection), job.id, now=NOW, lease=LEASE, host="here")
    assert claim is not None
    return claim


def test_a_claim_lost_while_the_model_thinks_writes_nothing(nick: Database) -> None:
    """A process that froze finds its claim rescued, and leaves the rows to its successor."""
    dumps = []

    def rescue() -> None:
        with nick.write() as connection:
            assert len(claims.rescue_expired(source_of(connection), now=NOW + LEASE)) == 1
        dumps.append(dump(nick))

    job = context(nick, _meanwhile(rescue), claim=_claimed(nick))
    with pytest.raises(ClaimLostError):
        consolidate(job, NICK)
    assert [dump(nick)] == dumps


def test_a_lease_that_ran_out_while_the_model_thought_writes_nothing(nick: Database) -> None:
    """Nobody has taken the job yet, but somebody may at any moment."""
    times = [NOW]
    model = _meanwhile(lambda: times.append(NOW + LEASE))
    job = context(nick, model, claim=_claimed(nick), clock=lambda: times[-1])
    before = dump(nick)
    with pytest.raises(ClaimLostError):
        consolidate(job, NICK)
    assert dump(nick) == before


def test_a_lost_claim_ends_the_work_on_all_entities(nick: Database) -> None:
    """What is lost for one entity is lost for all: the successor does the rest."""
    add_row(nick, "color", '"blue"', entity_id="zoe", updated_at="2026-01-09 00:00:00")
    times = [NOW]
    model = _meanwhile(lambda: times.append(NOW + LEASE))
    job = context(nick, model, claim=_claimed(nick), clock=lambda: times[-1])
    with pytest.raises(ClaimLostError):
        JOB.run(job)
    assert len(model.asked) == 1


def test_a_held_claim_writes_and_names_its_run(nick: Database) -> None:
    """The plan says on behalf of which run it was applied."""
    claim = _claimed(nick)
    done = consolidate(context(nick, ScriptedModel(_tidy), claim=claim), NICK)
    assert done.applied
    assert sql(nick, "SELECT id, run_id FROM maintenance_plans") == [(done.plan_id, claim.run_id)]


def test_a_held_plan_is_applied_to_the_rows_that_are_as_they_were(nick: Database) -> None:
    """A row edited between holding and review keeps its edit; a plan is applied once."""

    def greedy(asked: dict[str, Any]) -> dict[str, Any]:
        return reply(asked, remove=[row["id"] for row in asked["rows"]])

    job = context(nick, ScriptedModel(greedy))
    held = consolidate(job, NICK)
    assert held.held
    assert held.plan_id is not None
    sql(nick, f"UPDATE {ATTRIBUTES} SET value = '\"Cedar\"' WHERE id = 4")
    with nick.read() as connection:
        stored = plans.find_plan(connection, held.plan_id)
    done = apply_held(job, stored)
    assert [refused.row_ids for refused in done.plan.refused] == [(4,)]
    assert [(row.id, row.value) for row in rows_of(nick)] == [(4, "Cedar")]
    before = dump(nick)
    with pytest.raises(PlanRefusedError, match="is applied: it does not wait"):
        apply_held(job, stored)
    assert dump(nick) == before


def test_no_transaction_is_open_while_the_model_thinks(nick: Database) -> None:
    """Even the strictest lock on the rows can be had meanwhile."""

    def lock() -> None:
        with nick.write() as connection:
            if connection.dialect.name == "postgresql":
                statement = f"LOCK TABLE {ATTRIBUTES} IN ACCESS EXCLUSIVE MODE NOWAIT"
                connection.exec_driver_sql(statement)
            assert len(profiles.attributes_of(connection, NICK, lock=True)) == 5

    assert consolidate(context(nick, _meanwhile(lock)), NICK).applied


def test_a_plan_without_a_row_left_to_lose_is_not_held(nick: Database) -> None:
    """What another has done already is no loss: nothing waits for a review that has no subject."""
    first = context(nick, ScriptedModel(_tidy))
    second = consolidate(context(nick, _meanwhile(lambda: consolidate(first, NICK))), NICK)
    assert (second.held, second.plan.operations) == (False, ())
    with nick.read() as connection:
        assert plans.held_plan(connection, NICK) is None
        assert plans.recent_losses(connection, NICK, now=NOW).lost == 2
