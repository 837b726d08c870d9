"""Runs of the profile job against a faulty server, and what became of profile and requests."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from building import MORNING, NICK, at_once
from consolidating import NOW, settings
from databases import ATTRIBUTES, PROFILES, add_profile, records, sql
from fault_server import Entry, FaultServer, Request

from llm_maint.bootstrap.root import model_client
from llm_maint.contract import JobContext
from llm_maint.domain.runs import Failure, Success
from llm_maint.errors import (
    ConfigurationError,
    ExitCode,
    MaintError,
    ModelBusyError,
    ModelFailedError,
    ModelRefusalError,
    ModelReplyError,
    ModelUnavailableError,
    UnreadableReplyError,
)
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.rounds import consolidate
from llm_maint.store.database import Database

Came = tuple[str, type[MaintError] | None, int]
"""What became of the profile, the error, and the exit code."""

CHANGED, KEPT, SUMMARISED = "as the reply says", "as it was", "as it was, with a summary"

TOLD: Came = (CHANGED, None, 0)
LEFT: Came = (KEPT, None, 0)
UNREADABLE: Came = (KEPT, UnreadableReplyError, ExitCode.JOB_FAILED)
REFUSED: Came = (KEPT, ModelRefusalError, ExitCode.JOB_FAILED)
BAD: Came = (KEPT, ModelReplyError, ExitCode.JOB_FAILED)
FAILED: Came = (KEPT, ModelFailedError, ExitCode.UNAVAILABLE)
DOWN: Came = (KEPT, ModelUnavailableError, ExitCode.UNAVAILABLE)
BUSY: Came = (KEPT, ModelBusyError, ExitCode.BUSY)
WRONG: Came = (KEPT, ConfigurationError, ExitCode.CONFIGURATION)

KNOWN = (*(came[1] for came in (UNREADABLE, REFUSED, BAD, FAILED, DOWN, BUSY, WRONG)), MaintError)
"""What tests tell apart; a subclass counts as the nearest of these."""

SINCE = "2025-01-01 00:00:00"

ROWS = (
    ("employer", '"Ainsworth & Sons"', SINCE),
    ("employer", '"Brightwater Ltd"', "2025-11-01 00:00:00"),
    ("greeting", '"hello there"', "2025-03-01 00:00:00"),
    ("hobby", '"rowing"', "2025-04-01 00:00:00"),
    ("language", '"Portuguese"', "2025-05-01 00:00:00"),
    ("pet", '"a tortoise"', "2025-06-01 00:00:00"),
)
"""Of these the right reply retires the first and the third."""

VALUES = tuple(value for _, value, _ in ROWS)

OF_THE_PERSON = "entity_type, entity_id, email, display_name, description, color, created_at"
PERSON = ("USER", NICK.id, None, "Nick", None, None, SINCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run: what it came to, and how the server was asked."""

    came: Came
    requests: list[Request]
    waits: list[float]
    said: str = ""
    advice: tuple[str, ...] = ()

    @property
    def attempts(self) -> int:
        """Requests that arrived at the chat endpoint."""
        return len(self.requests)

    @property
    def structures(self) -> list[str]:
        """How each request asked for structure."""
        return [request.structure for request in self.requests]

    @property
    def sizes(self) -> list[int]:
        """The rows of each request."""
        return [len(request.asked["rows"]) for request in self.requests]


def ran(database: Database, *entries: Entry, **llm: Any) -> Ran:  # noqa: ANN401 any setting
    """Consolidate a fresh profile against a server with these entries; `llm` are settings."""
    with FaultServer(*entries) as server:
        return ran_at(database, server, **llm)


def ran_at(database: Database, server: FaultServer, **llm: Any) -> Ran:  # noqa: ANN401 any setting
    """Consolidate a fresh profile against a server; its `url` may be replaced before."""
    fill(database, NICK.id)
    waits: list[float] = []
    before = records(database)
    context = _context(database, server, waits, llm)
    try:
        done = consolidate(context, NICK)
    except MaintError as error:
        kept = KEPT if records(database) == before else "changed by a failure"
        known = next(kind for kind in type(error).__mro__ if kind in KNOWN)
        came: Came = (kept, known, error.exit_code)
        return Ran(came=came, requests=server.requests, waits=waits, said=str(error))
    return Ran(
        came=(_became(database, before), None, 0),
        requests=server.requests,
        waits=waits,
        advice=done.plan.advice,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RanAll:
    """A run over several entities: counts of its result, and the requests."""

    attempts: int
    exit_code: int
    failed: int
    deferred: int
    untouched: bool
    result: dict[str, Any] = field(repr=False)


def ran_all(database: Database, entities: int, *entries: Entry, **llm: Any) -> RanAll:  # noqa: ANN401
    """Run the job over so many entities, each with the same fresh profile."""
    for number in range(entities):
        fill(database, f"person{number}")
    before = records(database)
    with FaultServer(*entries) as server:
        outcome = JOB.run(_context(database, server, [], llm))
    assert isinstance(outcome, Success | Failure)
    result = dict(outcome.result or {})
    return RanAll(
        attempts=len(server.requests),
        exit_code=outcome.exit_code if isinstance(outcome, Failure) else 0,
        failed=result["failed"],
        deferred=result.get("deferred", 0),
        untouched=records(database) == before,
        result=result,
    )


def fill(database: Database, entity_id: str) -> None:
    """Add the profile of one entity, in two statements: this happens hundreds of times."""
    add_profile(database, entity_id=entity_id, display_name="Nick", created_at=SINCE)
    shared = f"'USER', '{entity_id}', 'fact', 0.8, 'inferred', '{SINCE}'"
    rows = ", ".join(f"({shared}, '{key}', '{value}', '{updated}')" for key, value, updated in ROWS)
    columns = "entity_type, entity_id, category, confidence, source, created_at, key, value"
    sql(database, f"INSERT INTO {ATTRIBUTES} ({columns}, updated_at) VALUES {rows}")


def _context(
    database: Database, server: FaultServer, waits: list[float], llm: dict[str, Any]
) -> JobContext:
    """Return what a job gets; the client is the one that the settings make, but never waits."""
    maintenance = llm.pop("profile_maintenance", {})
    base = {"base_url": server.url, "model": "m", "timeout_seconds": 5}
    given = settings(llm={**base, **llm}, profile_maintenance=maintenance)
    client = model_client(given)
    client.sleep = at_once(waits)
    client.draw = random.Random(7)
    client.clock = lambda: MORNING
    return JobContext(
        config={}, database=database, settings=given, clock=lambda: NOW, model=lambda: client
    )


def _became(database: Database, before: dict[str, list[str]]) -> str:
    """Return how the profile of before the run, which has no summary yet, is now."""
    after = records(database)
    if all(after[name] == before[name] for name in (ATTRIBUTES, PROFILES)):
        return KEPT
    ((summary,),) = sql(database, "SELECT summary FROM entity_profiles")
    (profile,) = sql(database, f"SELECT {OF_THE_PERSON} FROM entity_profiles")
    gone = ("Ainsworth", "hello there")
    told = [row for row in before[ATTRIBUTES] if not any(text in row for text in gone)]
    absent = [text for text in map(json.loads, VALUES) if text not in summary]
    if profile != PERSON:
        return f"changed: {profile} {summary}"
    if (after[ATTRIBUTES], absent) == (before[ATTRIBUTES], []):
        return SUMMARISED
    sound = after[ATTRIBUTES] == told and absent == ["Ainsworth & Sons", "hello there"]
    return CHANGED if sound else f"changed: {after[ATTRIBUTES]}"
