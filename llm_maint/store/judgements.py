"""What was judged of each profile and of each of its rows, and what was tried to no end."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.judged import Judged, KnownConflict, fingerprint
from llm_maint.domain.row import Row
from llm_maint.store.row_tables import profile_memory, profile_states, profile_tries


@dataclass(frozen=True, slots=True)
class Tried:
    """When an entity was last asked about to no end, and how often since it was last judged."""

    at: datetime
    times: int


NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When somebody was asked of whom nothing was ever asked."""


def judged_fingerprint(connection: Connection, entity: Entity) -> str | None:
    """Return the fingerprint of the entity's rows when they were last judged."""
    query = sa.select(profile_states.c.fingerprint).where(*_of(profile_states, entity))
    return connection.execute(query).scalar_one_or_none()


def remember_judged(
    connection: Connection, entity: Entity, rows: Iterable[Row], *, judge: str, now: datetime
) -> None:
    """Remember that these are all rows, judged by whom: while they stay so, nothing is done."""
    forget_tried(connection, entity)
    connection.execute(sa.delete(profile_states).where(*_of(profile_states, entity)))
    connection.execute(
        profile_states.insert().values(
            entity_type=entity.type,
            entity_id=entity.id,
            fingerprint=fingerprint(rows, judge=judge),
            judged_at=now,
        )
    )


def judged_of(connection: Connection, entity: Entity, *, judge: str) -> Judged:
    """Return what a judge has said of an entity; it knows nothing of what another one said."""
    query = sa.select(profile_memory).where(*_of(profile_memory, entity))
    row = connection.execute(query).one_or_none()
    if row is None or row.judge != judge:
        return Judged(judge=judge)
    document = json.loads(row.judged)
    return Judged(
        judge=judge,
        asked_at=row.asked_at,
        known=frozenset(document["known"]),
        pending=frozenset(document["pending"]),
        conflicts=tuple(
            KnownConflict(reason, tuple((row_id, mark) for row_id, mark in marks))
            for reason, marks in json.loads(row.conflicts)
        ),
    )


def remember(connection: Connection, entity: Entity, judged: Judged) -> None:
    """Keep what a judge has said of an entity; without a time of its own, the last one stays."""
    if judged.asked_at is None:
        before = judged_of(connection, entity, judge=judged.judge)
        judged = replace(judged, asked_at=before.asked_at or NEVER)
    connection.execute(sa.delete(profile_memory).where(*_of(profile_memory, entity)))
    document = {"known": sorted(judged.known), "pending": sorted(judged.pending)}
    connection.execute(
        profile_memory.insert().values(
            entity_type=entity.type,
            entity_id=entity.id,
            judge=judged.judge,
            asked_at=judged.asked_at,
            judged=json.dumps(document),
            conflicts=json.dumps([[each.reason, each.marks] for each in judged.conflicts]),
        )
    )


def remember_tried(connection: Connection, entity: Entity, *, now: datetime) -> None:
    """Remember that an entity was asked about and not judged to its end."""
    once_more = {"tried_at": now, "tries": profile_tries.c.tries + 1}
    update = sa.update(profile_tries).where(*_of(profile_tries, entity)).values(once_more)
    if connection.execute(update).rowcount:
        return
    first = profile_tries.insert().values(
        entity_type=entity.type, entity_id=entity.id, tried_at=now, tries=1
    )
    try:
        with connection.begin_nested():
            connection.execute(first)
    except sa.exc.IntegrityError:
        pass  # another process tried it at the same moment: that is as good


def forget_tried(connection: Connection, entity: Entity) -> None:
    """Forget that an entity was asked about to no end: it was judged."""
    connection.execute(sa.delete(profile_tries).where(*_of(profile_tries, entity)))


def tried(connection: Connection, entity: Entity | None = None) -> Mapping[Entity, Tried]:
    """Return which entities were asked about to no end: all of them, or one if it was."""
    query = sa.select(profile_tries)
    if entity is not None:
        query = query.where(*_of(profile_tries, entity))
    return {
        Entity(row.entity_type, row.entity_id): Tried(row.tried_at, row.tries)
        for row in connection.execute(query)
    }


def _of(table: sa.Table, entity: Entity) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.entity_type == entity.type, table.c.entity_id == entity.id
