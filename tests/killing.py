"""Kills in tests: many entities to tidy, and what there is of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from building import MORNING
from command import ids_by_key, reply
from databases import ATTRIBUTES, PROFILES, insert, is_sqlite, schedule_all
from model_server import Raw
from sqlalchemy.engine import Connection

from llm_maint.store.database import Database

ENTITIES = [f"person-{number:02}" for number in range(20)]

DELAY = 0.008
"""Seconds that the model thinks: about as long as it takes to write what it says."""

ROWS = [
    ("color", "blue"),
    ("color", " Blue"),
    ("pet", "has a cat"),
    ("pet", "has a cat named Tom"),
    ("drink", "likes tea"),
    ("drink", "drinks tea with milk"),
    ("employer", "works at Alder Books"),
    ("employer", "works at Birch Maps"),
    ("greeting", "said good morning"),
    ("hobby", "plays the cello"),
]


def tidy_all(body: Mapping[str, Any]) -> Raw:
    """Answer as a good model does for `ROWS`, after a while."""
    ids = ids_by_key(body)
    value = "likes tea and drinks tea with milk"
    groups = [
        {"reason": "one pet", "op": "merge", "ids": ids["pet"]},
        {"reason": "one drink", "op": "merge", "ids": ids["drink"], "value": value},
        {"reason": "changed jobs", "op": "supersede", "ids": ids["employer"]},
    ]
    remove = [{"reason": "a greeting", "id": ids["greeting"][0], "why": "noise"}]
    reviewed = [row_id for each in ids.values() for row_id in each]
    return Raw(body=reply(groups, remove, reviewed), finish_reason="stop", delay=DELAY)


def fill(database: Database) -> None:
    """Write all entities, and one job for them that is due."""
    for name in ENTITIES:
        _add_entity(database, name)
    schedule_all(database, now=MORNING)


def _add_entity(database: Database, name: str) -> None:
    whose = {"entity_type": "USER", "entity_id": name}
    insert(database, PROFILES, {**whose, "display_name": name.title(), "summary": "nothing yet"})
    for number, (key, said) in enumerate(ROWS, start=1):
        row = {
            **whose,
            "category": "fact",
            "key": key,
            "value": json.dumps(f"{said} "),
            "confidence": 0.8 if number % 2 else 0.5,
            "source": "inferred",
            "created_at": f"2026-01-{number:02} 08:00:00",
            "updated_at": f"2026-01-{number:02} 09:30:00.5",
        }
        insert(database, ATTRIBUTES, row)


@dataclass(frozen=True, slots=True)
class State:
    """All there is of an entity: its rows, its profile, when that was summed up, our records."""

    rows: tuple[str, ...]
    head: tuple[Any, ...]
    summed_up: str | None
    records: tuple[int, ...]

    @property
    def timeless(self) -> tuple[Any, ...]:
        """What two runs have in common."""
        return self.rows, self.head, self.records


States = Mapping[str, State]


def states_of(database: Database) -> States:
    """Return the state of each entity, all of one moment; the records belong together by count."""
    with database.read() as connection:
        row = "*" if is_sqlite(database) else f"{ATTRIBUTES}::text"
        rows = _by_entity(connection, f"SELECT entity_id, {row} FROM {ATTRIBUTES} ORDER BY id")
        names = "id, entity_type, display_name, description, summary, created_at, updated_at"
        heads = _by_entity(connection, f"SELECT entity_id, {names} FROM {PROFILES}")
        times = _by_entity(connection, f"SELECT entity_id, summary_updated_at FROM {PROFILES}")
        records = [_by_entity(connection, query) for query in RECORDS]
        loose = "SELECT count(*) FROM maintenance_journal WHERE plan_id NOT IN (SELECT id FROM {})"
        assert connection.scalar(sa.text(loose.format("maintenance_plans"))) == 0
    return {
        name: State(
            rows=tuple(map(repr, rows[name])),
            head=heads[name][0],
            summed_up=times[name][0][0] and str(times[name][0][0]),
            records=tuple(len(found.get(name, ())) for found in records),
        )
        for name in ENTITIES
    }


RECORDS = [
    "SELECT entity_id, id FROM maintenance_plans WHERE kind = 'consolidation'",
    "SELECT entity_id, id FROM maintenance_plans WHERE status = 'applied'",
    "SELECT entity_id, id FROM maintenance_plans",
    "SELECT entity_id, position FROM maintenance_journal JOIN maintenance_plans ON plan_id = id",
    "SELECT entity_id, judged_at FROM maintenance_profile_states",
    "SELECT entity_id, asked_at FROM maintenance_profile_memory",
    "SELECT entity_id, row_id FROM maintenance_profile_wear",
    "SELECT entity_id, tried_at FROM maintenance_profile_tries",
]


def _by_entity(connection: Connection, query: str) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, *columns in connection.execute(sa.text(query)):
        found.setdefault(name, []).append(tuple(columns))
    return found
