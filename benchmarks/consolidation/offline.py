"""A consolidation without database and server: the package's own decisions, in one process."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from datasets import DataSet, Row
from kinds import MEMORY, PINS
from oracle import Answer
from unguarded import Outcome

from llm_maint.domain.chat import Completion, Prompt
from llm_maint.domain.consultation import Case, consult
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import fold
from llm_maint.domain.loss_guard import guard_losses
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import plan_document
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.transfer import export_row

REQUEST_ROWS = 60
"""The default of `profile_maintenance.max_rows_per_request`."""


def consolidated(dataset: DataSet, answer: Answer, *, size: int = REQUEST_ROWS) -> Outcome:
    """Return what one run makes of a set, as the commands would print it."""
    entity, policy, rows = entity_of(dataset), policy_of(dataset), values_of(dataset)
    folds, survivors = fold(rows, policy)
    case = Case(
        entity=entity,
        rows=survivors,
        new=frozenset(row.id for row in survivors),
        policy=policy,
    )
    verdict = asyncio.run(consult(_completing(answer), case, size=size))
    plan = Plan(
        entity=entity,
        rows=tuple(rows),
        operations=(*folds, *verdict.operations),
        refused=verdict.refused,
        unreviewed=verdict.asked - verdict.judged,
    )
    plan.check()
    plan = guard_losses(plan, policy)
    after = rows if plan.held else plan.survivors()
    if dataset.kind is MEMORY:
        return plan_document(plan), [MEMORY.row(row.document()) for row in after]
    return plan_document(plan), [export_row(row, entity) for row in after]


def entity_of(dataset: DataSet) -> Entity:
    """Return whose rows a set has."""
    return Entity("memory" if dataset.kind is MEMORY else "user", dataset.owner)


def policy_of(dataset: DataSet) -> Policy:
    """Return the default policy for rows of a set."""
    return Policy(protected_tags=frozenset(PINS)) if dataset.kind is MEMORY else Policy()


def values_of(dataset: DataSet) -> Sequence[Any]:
    """Return rows as they are read from a database: attributes or memories."""
    return (memories if dataset.kind is MEMORY else attributes)(dataset.rows)


def memories(rows: Sequence[Row]) -> list[Memory]:
    """Return memories as they are read from a database, in the order of their ids."""
    return [Memory.read(row, _columns(row)) for row in sorted(rows, key=lambda found: found["id"])]


def _columns(row: Row) -> dict[str, Any]:
    """Return the columns of a memory that its value is made of."""
    lists = {name: json.dumps(row[name]) for name in ("tags", "source_message_ids")}
    plain = ("id", "content", "importance", "access_count", "last_accessed")
    times = ("created_at", "updated_at")
    return {**{name: row[name] for name in (*plain, *times)}, **lists}


def attributes(rows: Sequence[Row]) -> list[Attribute]:
    """Return rows as they are read from a database, with ids of its own."""
    return [_attribute(number, row) for number, row in enumerate(rows, start=1)]


def _attribute(number: int, row: Row) -> Attribute:
    names = ("category", "key", "value", "confidence", "source", "source_message_id")
    columns: dict[str, Any] = {name: row[name] for name in names}
    times = {name: datetime.fromisoformat(row[name]) for name in ("created_at", "updated_at")}
    image = {"id": number, **columns, "value": json.dumps(row["value"], ensure_ascii=False)}
    image |= {name: str(moment) for name, moment in times.items()}
    return Attribute(id=number, image=image, **columns, **times)


def _completing(answer: Answer) -> Any:  # noqa: ANN401 a callable that the domain describes
    async def complete(prompt: Prompt) -> Completion:
        return Completion(text=json.dumps(answer(json.loads(prompt.user))), model="simulated")

    return complete
