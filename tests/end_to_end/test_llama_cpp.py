"""The real llama.cpp server: whatever it says, nothing crashes and no profile is harmed.

Where its model slips, replies are applied, refused, cut or asked for again. Where it says random
bytes no reply is ever usable: what is applied there is what code folds, beside replies that were
cut. Replies differ from run to run; what is asserted holds for all of them.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any, Self

import llama_server
import pytest
from building import at_once
from command import ROWS as SEVEN_ROWS
from command import Command
from consolidating import NOW, occasion, rows_of
from databases import ATTRIBUTES, PROFILES, add_profile, add_row, dump, opened

from llm_maint.bootstrap.root import model_client
from llm_maint.contract import JobContext
from llm_maint.domain.enquiry import VARIATIONS
from llm_maint.domain.entity import Entity
from llm_maint.domain.profile import Attribute
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.errors import ExitCode
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.settings.sections import Settings
from llm_maint.store import plans
from llm_maint.store.database import Database
from llm_maint.store.undo import undo_plan

ROWS, ASKED = 5, 4
"""Rows of an entity, and those that are left to ask about: code folds two into one."""

REPLIES = 2 * (2 * ASKED - 1) * VARIATIONS
"""The most replies about one entity: about all rows, and once more about those left out; each time
halved down to single rows where they are cut, and asked for again where they cannot be read."""

ATTEMPTS = 3


@pytest.fixture(scope="module")
def tame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that keeps to the schema and slips now and then."""
    with llama_server.running(llama_server.TAME, tmp_path_factory.mktemp("tame")) as address:
        yield address


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server that says random bytes and has little room."""
    with llama_server.running(llama_server.WILD, tmp_path_factory.mktemp("wild")) as address:
        yield address


@pytest.fixture
def database(tmp_path: Path, ready_sqlite: Path) -> Iterator[Database]:
    """Return a fresh SQLite database: which kind it is changes nothing here."""
    copyfile(ready_sqlite, tmp_path / "assistant.db")
    fresh = opened(f"sqlite:///{tmp_path / 'assistant.db'}")
    yield fresh
    fresh.close()


@pytest.fixture(autouse=True)
def _nothing_is_wrong(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Refuse any error in the log: what a model says is no error of ours."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_model_that_slips_harms_no_profile(database: Database, tame: str) -> None:
    """Of a hundred replies that obey the schema some are applied, the others change nothing."""
    profiles = Profiles.of(database, entities=44)
    outcome = run(database, tame, concurrency=4, max_output_tokens=240, temperature=1)
    result = profiles.check(outcome, calls=44 * REPLIES)
    spent, server = result["llm"], llama_server.counted(tame)
    assert spent["calls"] >= 100
    assert spent["completion_tokens"] == server["tokens_predicted_total"]
    assert spent["cached_tokens"] == server["prompt_tokens_cached_total"]
    assert spent["prompt_tokens"] == spent["cached_tokens"] + server["prompt_tokens_total"]
    assert result["accounting"]["removed"] > 0, "no reply was ever applied"
    refused = [entity for entity in result["entities"] if entity["error"] or entity["dropped"]]
    assert refused, "no reply was ever refused"


def test_random_bytes_harm_no_profile(
    database: Database, wild: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a hundred replies of random bytes none is taken for one; what is too long is halved."""
    caplog.set_level(logging.INFO, "llm_maint")
    profiles = Profiles.of(database, entities=25, long=3)
    outcome = run(database, wild, concurrency=3, structured_output="none", temperature=2)
    told_the_context = 1
    result = profiles.check(outcome, calls=25 * REPLIES + told_the_context)
    assert result["llm"]["calls"] >= 100
    assert {fate for fate, rows in result["accounting"].items() if rows} == {"merged", "unreviewed"}
    assert "exceed_context_size_error" in caplog.text


def test_a_server_that_fails_now_and_then_harms_no_profile(database: Database, wild: str) -> None:
    """Where a schema makes the server fail, it is tried again, given up, or the run ends."""
    profiles = Profiles.of(database, entities=5)
    outcome = run(database, wild, concurrency=2, temperature=1)
    profiles.check(outcome, calls=5 * REPLIES * ATTEMPTS)


def test_a_server_that_keeps_failing_harms_no_profile(
    database: Database, wild: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With a schema that may not be given up it is tried again, with another seed, and bounded."""
    caplog.set_level("INFO")
    profiles = Profiles.of(database, entities=20)
    fixed = {"structured_output": "json_schema", "max_output_tokens": 300}
    outcome = run(database, wild, concurrency=2, temperature=1, **fixed)
    assert isinstance(outcome, Failure)
    profiles.check(outcome, calls=20 * REPLIES * ATTEMPTS)
    assert "answered 500" in caplog.text


def test_requests_that_are_given_up_leave_the_server_to_the_next(
    database: Database, wild: str
) -> None:
    """A reply that takes too long ends the run; the server drops it and serves the next run."""
    profiles = Profiles.of(database, entities=4)
    long = {"max_output_tokens": 1_000, "structured_output": "none"}
    outcome = run(database, wild, concurrency=4, timeout_seconds=0.02, **long)
    assert isinstance(outcome, Failure)
    assert outcome.exit_code is ExitCode.UNAVAILABLE
    profiles.check(outcome, calls=4 * ATTEMPTS)
    outcome = run(database, wild, concurrency=4, structured_output="none")
    assert profiles.check(outcome, calls=4 * REPLIES)["llm"]["completion_tokens"] > 0


def test_the_command_consolidates_by_a_real_server(
    sqlite_command: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a real server says in the form that was asked for is applied by a tick, and undone."""
    before = sqlite_command.export()
    with llama_server.running(llama_server.SURE, tmp_path_factory.mktemp("sure")) as address:
        ticking = sqlite_command.having(llm_base_url=address, llm_max_output_tokens="240")
        tick = ticking("run-due")
    assert (tick.out, tick.errors) == ("", "")
    ran = next(ran for ran in sqlite_command.runs() if ran["job_name"] == "profile-maintenance")
    assert (ran["status"], ran["result"]["llm"]["calls"]) == ("success", 2)
    (entity,) = ran["result"]["entities"]
    assert sum(entity["accounting"].values()) == len(SEVEN_ROWS)
    assert len(sqlite_command.export()) == entity["attributes_after"] < len(SEVEN_ROWS)
    sqlite_command("profile", "undo", entity["plan_id"])
    assert sqlite_command.export() == before


def run(database: Database, address: str, **llm: Any) -> Outcome:  # noqa: ANN401 any setting
    """Run the job over every entity with the real client, which only does not wait to try again."""
    llm = {"base_url": f"{address}/v1", "max_attempts": ATTEMPTS, "max_output_tokens": 64, **llm}
    settings = Settings.model_validate({"llm": llm})
    client = model_client(settings)
    client.sleep = at_once()
    return JOB.run(
        JobContext(
            config={},
            database=database,
            settings=settings,
            clock=lambda: NOW,
            model=lambda: client,
        )
    )


@dataclass(frozen=True, slots=True)
class Profiles:
    """Entities of `ROWS` rows each, as they were before anybody was asked."""

    database: Database
    rows: Mapping[Entity, list[Attribute]]
    dumped: Mapping[str, list[str]]

    @classmethod
    def of(cls, database: Database, *, entities: int, long: int = 0) -> Self:
        """Add entities; of the first `long` no request fits whole."""
        named = [Entity("user", f"u{number}") for number in range(entities)]
        for number, entity in enumerate(named):
            _add_rows(database, entity.id, filling="x" * 900 if number < long else "")
        rows = {entity: rows_of(database, entity) for entity in named}
        return cls(database, rows, dump(database, ATTRIBUTES, PROFILES))

    def check(self, outcome: Outcome, *, calls: int) -> Mapping[str, Any]:
        """Refuse whatever is not accounted for; then undo all, and refuse what is not as before.

        `calls` is the most requests that the policy allows. Returns the result of the run.
        """
        assert isinstance(outcome, Success | Failure)
        assert outcome.result is not None
        assert "a bug" not in str(outcome)
        result = outcome.result
        self._check_accounts(result, calls=calls)
        with self.database.read() as connection:
            applied = plans.list_plans(connection, limit=1_000, status=plans.APPLIED)
        applied = [plan for plan in applied if plan.kind == plans.CONSOLIDATION]
        changed = {e for e, rows in self.rows.items() if rows_of(self.database, e) != rows}
        assert changed <= {plan.entity for plan in applied}
        for plan in applied:
            undo_plan(self.database, plan.id, occasion())
        assert dump(self.database, ATTRIBUTES, PROFILES) == self.dumped
        return result

    def _check_accounts(self, result: Mapping[str, Any], *, calls: int) -> None:
        whole = [entity for entity in result["entities"] if entity["error"] is None]
        for entity in whole:
            now = rows_of(self.database, Entity.named(entity["entity_id"]))
            assert sum(entity["accounting"].values()) == entity["attributes_before"] == ROWS
            assert entity["attributes_after"] == len(now)
        spent = result["llm"]
        assert 0 < spent["calls"] <= calls
        assert sum(entity["llm"]["calls"] for entity in whole) <= spent["calls"]
        assert len(result["entities"]) + result.get("deferred", 0) == len(self.rows)


def _add_rows(database: Database, name: str, *, filling: str) -> None:
    add_profile(database, entity_id=name, summary="as the assistant wrote it")
    later = {"entity_id": name, "updated_at": "2026-01-02 00:00:00"}
    add_row(database, "city", f'"lives in Alder {filling}"', entity_id=name)
    add_row(database, "city", f'"still lives in Alder, by the river {filling}"', **later)
    add_row(database, "colour", '"blue"', category="preference", entity_id=name)
    add_row(database, "colour", '" Blue"', category="preference", **later)
    add_row(database, "greeting", f'"said good morning {filling}"', category="misc", **later)
