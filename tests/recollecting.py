"""Memories in tests of jobs: a bot's store, what is there of it, models that answer about them."""

import json
from array import array
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from building import day
from consolidating import ScriptedModel, context, reply, settings
from databases import is_sqlite

from llm_maint.contract import Job, JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.memory import Memory
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.recalling import Recalled, meter_of, recall
from llm_maint.rounds import Round
from llm_maint.store import memories, plans
from llm_maint.store.database import Database

NOVA = Entity.remembering("nova")

MEMORIES = "memories"


def remember(database: Database, content: str | None, **columns: Any) -> str:  # noqa: ANN401 any column
    """Insert a memory of nova as an assistant does; return its id: m1, m2, and so on.

    Lists are written as JSON, moments as the database has them.
    """
    row = {"bot_id": "nova", "content": content, "created_at": day(0), "updated_at": day(0)}
    row |= columns
    row.setdefault("id", f"m{_last(database) + 1}")
    values = {n: sa.literal(_written(v), sa.types.NullType()) for n, v in row.items()}
    with database.write() as connection:
        target = sa.table(MEMORIES, *map(sa.column, row))
        connection.execute(sa.insert(target).values(values))
    return str(row["id"])


def _last(database: Database) -> int:
    """Return the highest number that was given to a memory of nova."""
    with database.read() as connection:
        found = connection.execute(sa.text("SELECT id FROM memories WHERE bot_id = 'nova'"))
        made = [row_id[1:] for row_id in found.scalars() if row_id[1:].isdigit()]
    return max(map(int, made), default=0)


def _written(value: Any) -> Any:  # noqa: ANN401 any column
    if isinstance(value, list | tuple):
        return json.dumps(value)
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if isinstance(value, datetime) else value


def remember_all(database: Database, *contents: str, **columns: Any) -> list[str]:  # noqa: ANN401 any column
    """Insert memories, each written a day after the one before; return their ids."""
    return [
        remember(database, content, **{"updated_at": day(number), **columns})
        for number, content in enumerate(contents)
    ]


def vector_of(*numbers: float) -> bytes:
    """Return a vector as a server of embeddings gives it."""
    return array("f", numbers).tobytes()


def column_of(database: Database, *numbers: float) -> object:
    """Return a vector as the assistant's column has it."""
    if is_sqlite(database):
        return vector_of(*numbers)
    return "{" + ",".join(map(str, numbers)) + "}"


def memories_in(
    database: Database, bot: Entity = NOVA, *, whole: bool = False
) -> dict[str, Memory]:
    """Return a bot's memories as they are now, by id."""
    with database.read() as connection:
        return {row.id: row for row in memories.memories_of(connection, bot, whole=whole)}


def texts(database: Database, bot: Entity = NOVA) -> dict[str, str]:
    """Return what a bot remembers, by id."""
    return {row.id: row.content for row in memories_in(database, bot).values()}


def plans_of(database: Database, bot: Entity = NOVA) -> list[tuple[str, str]]:
    """Return kind and status of the plans about a bot's memories, oldest first."""
    with database.read() as connection:
        found = plans.list_plans(connection, limit=None, entity=bot)
    return [(plan.kind, plan.status) for plan in found]


def ran(job: Job, given: JobContext) -> tuple[Outcome, dict[str, Any]]:
    """Run a job; return what it came to, and its result."""
    outcome = job.run(given)
    assert isinstance(outcome, Success | Failure)
    assert outcome.result is not None
    return outcome, dict(outcome.result)


def recalled(job: JobContext, bot: Entity = NOVA) -> Recalled:
    """Consolidate a bot's memories."""
    return recall(Round(job, meter_of(job.settings)), bot)


def values_asked(model: ScriptedModel) -> list[list[str]]:
    """Return the texts of each request, sorted."""
    return [sorted(row["value"] for row in document["rows"]) for document in model.asked]


def named(document: Mapping[str, Any], *wanted: str) -> list[str]:
    """Return the request's ids of the memories that say one of these."""
    return [row["id"] for row in document["rows"] if row["value"] in wanted]


def seen(document: dict[str, Any]) -> dict[str, Any]:
    """Answer that nothing is to be done."""
    return reply(document)


def merging(*groups: Iterable[str], value: str | None = None, op: str = "merge") -> ScriptedModel:
    """Return a model that groups the memories that say one of these, as far as it sees them."""

    def answer(document: dict[str, Any]) -> dict[str, Any]:
        found = [named(document, *group) for group in groups]
        answered = reply(document)
        answered["groups"] = [
            {"reason": f"they {op}", "op": op, "ids": ids, "value": value}
            for ids in found
            if len(ids) > 1
        ]
        return answered

    return ScriptedModel(answer)


def removing(*contents: str) -> ScriptedModel:
    """Return a model that would remove the memories that say one of these."""
    return ScriptedModel(lambda asked: reply(asked, remove=named(asked, *contents)))


def remembering(
    database: Database,
    model: ScriptedModel | None = None,
    **memory: Any,  # noqa: ANN401 any setting
) -> JobContext:
    """Return the context of a job on memories with settings of the section `memory`."""
    given = settings(memory=memory) if model else settings(llm={}, memory=memory)
    return context(database, model, settings=given)


def row(row_id: str, content: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 any JSON value
    """Return a memory to import."""
    return {"id": row_id, "content": content, "created_at": "2026-01-01T00:00:00Z", **fields}


ROWS = [
    row("a1", "Plays chess on Tuesdays", tags=["hobby"], importance=0.8, access_count=2),
    row("a2", "plays chess  on TUESDAYS", importance=0.7, updated_at="2026-02-01T00:00:00Z"),
    row("a3", "Plays chess on Tuesdays at the club", updated_at="2026-03-01T00:00:00Z"),
    row("b1", "Saw a dull film", importance=0.3, created_at="2021-01-01T00:00:00Z"),
    row("b2", "Bakes bread", importance=0.9, created_at="2021-01-02T00:00:00Z"),
]
"""Five memories, of which two are one to the word."""

LAKES = [
    row(f"c{n}", f"Swims in lake number {word}", created_at=f"2026-03-0{n}T00:00:00Z")
    for n, word in enumerate(("one", "two", "three"), start=1)
]
"""A theme of three days."""
