"""Memories in tests: tables of assistants, rows in them, and plans about them by hand."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from consolidating import NOW, occasion
from databases import is_sqlite, sql

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation, fold, judge
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.reply import Proposal
from llm_maint.store import holdings, journal, memories, plans
from llm_maint.store.database import Database
from llm_maint.store.user_tables import user_table

NOVA = Entity.remembering("nova")

MEMORIES = memories.MEMORIES

COLUMNS: Mapping[str, str] = {
    "bot_id": "varchar(100)",
    "id": "varchar(36)",
    "content": "text",
    "tags": "json",
    "importance": "real",
    "source_message_ids": "json",
    "access_count": "integer",
    "last_accessed": "timestamp",
    "created_at": "timestamp",
    "updated_at": "timestamp",
}
"""The columns of most assistants; vectors aside."""


def make_table(
    database: Database,
    name: str = MEMORIES,
    *,
    without: Iterable[str] = (),
    more: str = "",
    end: str = "",
    **types: str,
) -> None:
    """Create a table of memories, in place of the one that is there.

    Args:
        database: where.
        name: of the table, as it is written in SQL.
        without: columns that it lacks.
        more: what else is declared within the brackets.
        end: what is declared behind them.
        types: of columns that are other than in most assistants, or that these do not have.

    """
    columns = {**COLUMNS, **types}
    declared = [f'"{each}" {kind}' for each, kind in columns.items() if each not in without]
    sql(database, f"DROP TABLE IF EXISTS {name}")
    sql(
        database, f"CREATE TABLE {name} ({', '.join([*declared, *([more] if more else [])])}) {end}"
    )


def add_memory(
    database: Database,
    content: str | None = "Plays chess on Tuesdays",
    *,
    table: str = MEMORIES,
    **columns: Any,  # noqa: ANN401 any column
) -> str:
    """Insert a memory as an assistant does, of the bot nova unless `columns` say; return its id.

    On PostgreSQL every text is taken for its column's type.
    """
    row = {
        "bot_id": "nova",
        "id": str(uuid4()),
        "content": content,
        "created_at": "2026-01-01 00:00:00",
        "updated_at": "2026-01-01 00:00:00",
        **columns,
    }
    with database.write() as connection:
        there = user_table(connection, table).columns
        known = {name: value for name, value in row.items() if name in there or name in columns}
        values = {name: sa.literal(value, sa.types.NullType()) for name, value in known.items()}
        target = sa.table(table, *map(sa.column, known))
        connection.execute(sa.insert(target).values(values))
    return str(row["id"])


def memories_in(
    database: Database, entity: Entity = NOVA, *, whole: bool = False
) -> dict[str, Memory]:
    """Return a bot's memories as they are now, by id."""
    with database.read() as connection:
        return {row.id: row for row in memories.memories_of(connection, entity, whole=whole)}


def planned(
    database: Database, *proposals: Proposal, entity: Entity = NOVA, ids: Iterable[str] = ()
) -> Plan:
    """Return the plan that folds copies and does what a model proposes; about `ids` alone."""
    only = set(ids)
    rows = [row for i, row in memories_in(database, entity).items() if not only or i in only]
    folds, survivors = fold(rows, Policy())
    judged = judge(survivors, proposals, Policy()).operations
    return Plan(entity=entity, rows=tuple(rows), operations=(*folds, *judged))


def merging(database: Database, text: str, winner: str, *others: str) -> Plan:
    """Return the plan that merges memories of nova into one, with a new text."""
    rows = memories_in(database)
    after = rows[winner].with_text(text).united(rows[i] for i in others)
    op = Operation(op=Op.MERGE, reason="one fact", row_ids=(winner, *others), after=after)
    return Plan(entity=NOVA, rows=tuple(rows.values()), operations=(op,))


def applied(database: Database, plan: Plan, *, plan_id: str | None = None) -> tuple[Plan, str]:
    """Apply a plan that changes something; return it as applied, and its id."""
    with database.write() as connection:
        present = holdings.rows_to_write(connection, plan)
        done, found = journal.apply(connection, plan, present, occasion(NOW), plan_id=plan_id)
    assert found is not None
    return done, found


def statuses(database: Database) -> dict[str, str]:
    """Return the status of every plan, by its id."""
    with database.read() as connection:
        return {plan.id: plan.status for plan in plans.list_plans(connection, limit=None)}


def json_type(database: Database) -> str:
    """Return the type of a column that holds any text, and is read as JSON."""
    return "text" if is_sqlite(database) else "json"


UNTIDY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("m1", "Plays chess", {"tags": '["a"]', "access_count": 2, "updated_at": "2026-01-02"}),
    ("m2", "plays  CHESS", {"tags": '["b"]', "access_count": 3, "created_at": "2025-01-01"}),
    ("m3", "Works at Alder", {"importance": 0.75, "source_message_ids": "[7]"}),
    ("m4", "Works at Birch", {"importance": 0.5, "updated_at": "2026-01-03"}),
    ("m5", "Good morning", {}),
    ("m6", "Learns the piano", {"tags": '["music"]', "access_count": 1}),
    ("m7", "Piano on Mondays", {"last_accessed": "2026-01-02"}),
    ("m8", "Likes tea", {"access_count": 7}),
)
"""Two copies, two employers, a greeting, two halves of one fact, and one more."""

MERGED = "Learns the piano on Mondays"
"""What the two halves are merged into."""


def untidy(database: Database) -> None:
    """Fill a table with memories of nova and their vectors; max has one of the same id."""
    make_table(database, embedding="text", mood="text", more="PRIMARY KEY (bot_id, id)")
    for number, (row_id, content, columns) in enumerate(UNTIDY):
        vector = vector_of(number)
        add_memory(database, content, id=row_id, embedding=vector, mood="calm", **columns)
    add_memory(database, "Plays chess", id="m1", bot_id="max")


def vector_of(number: int) -> str:
    """Return the vector of the memory at a place in `UNTIDY`, as it is written."""
    return json.dumps([100 + number, *([0.5] * 40)])


def tidying(database: Database) -> Plan:
    """Return the plan that tidies up what `untidy` has left: a fold, a merge, and so on."""
    rows = memories_in(database)
    folds, _ = fold(list(rows.values()), Policy())
    superseded = rows["m4"].united([rows["m3"]])
    merged = rows["m6"].with_text(MERGED).united([rows["m7"]])
    operations = (
        *folds,
        Operation(op=Op.SUPERSEDE, reason="moved", row_ids=("m4", "m3"), after=superseded),
        Operation(op=Op.REMOVE, reason="a greeting", row_ids=("m5",)),
        Operation(op=Op.MERGE, reason="one hobby", row_ids=("m6", "m7"), after=merged),
    )
    return Plan(entity=NOVA, rows=tuple(rows.values()), operations=operations)


def use(database: Database, row_id: str, **columns: object) -> None:
    """Change columns of a memory of nova, as an assistant does by using it."""
    with database.read() as connection:
        there = memories.table_of(connection, NOVA).columns
    for name, value in columns.items():
        new = ":value" if is_sqlite(database) else f"CAST(:value AS {there[name].type})"
        query = f"UPDATE {MEMORIES} SET {name} = {new} WHERE id = :id AND bot_id = 'nova'"
        sql(database, query, value=value, id=row_id)
