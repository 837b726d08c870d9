"""The assistant's memories, read in place: one table for all bots, or a table for each."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.lists import read_list
from llm_maint.domain.memory import COLUMNS, Memory
from llm_maint.domain.moments import parse_time
from llm_maint.domain.nearest import unknown
from llm_maint.domain.row import Image, RowId, Scalar
from llm_maint.errors import DataError, SchemaError
from llm_maint.store.dialect import is_postgresql, lock_named
from llm_maint.store.rows import holds, pin_text_form, read_images, with_ids
from llm_maint.store.user_tables import UserTable, user_table, visible_tables

MEMORIES = "memories"
"""The table of all bots; that of one bot alone is named after it: `nova_memories`."""

ONLY_BOT = "default"
"""The bot of a table `memories` that names none."""

NEEDED = ("id", "content")
"""The columns without which a table holds no memories."""

MARKS = ("pinned", "is_pinned", "protected", "is_protected")
"""Columns by which an assistant says that a memory is to stay as it is."""

SESSIONS = ("session_id", "conversation_id", "thread_id")
"""Columns that name the conversation that a memory is from."""

PORTION = 500
"""Ids that one statement names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotCount:
    """A bot with memories, how many, and when one was last updated."""

    entity: Entity
    memories: int
    updated_at: datetime | None


def are_kept(connection: Connection) -> bool:
    """Return whether there is a table of memories: one named so may hold something else."""
    columns = (user_table(connection, name).columns.keys() for name in tables(connection))
    return all(set(NEEDED) <= each for each in columns)


def tables(connection: Connection) -> Sequence[str]:
    """Return the tables of memories: the one of all bots, or one for each.

    Where there are both, that of all bots counts if it holds anything: `init` may have made it.
    """
    names = visible_tables(connection)
    # SQLite knows no case in names.
    has_one = MEMORIES in (names if is_postgresql(connection) else map(str.lower, names))
    alike = sorted(name for name in names if name.endswith(f"_{MEMORIES}") and _bot_of(name))
    own = [name for name in alike if set(NEEDED) <= user_table(connection, name).columns.keys()]
    if has_one and (not own or _holds_any(connection, user_table(connection, MEMORIES))):
        return [MEMORIES]
    return own


def bots(connection: Connection) -> list[BotCount]:
    """Return every bot that has memories, in order of their ids; of a table of its own, any bot.

    Raises:
        SchemaError: the table `memories` holds none.

    """
    found: list[BotCount] = []
    for name in tables(connection):
        table = _checked(user_table(connection, name))
        clause = table.clause
        updated_at = clause.c.updated_at if "updated_at" in table.columns else sa.null()
        if "bot_id" in table.columns:
            bot: sa.ColumnElement[str] = sa.cast(clause.c.bot_id, sa.Text)
        else:
            bot = sa.literal(_bot_of(name))
        latest = sa.cast(sa.func.max(updated_at), sa.Text)
        query = sa.select(bot, sa.func.count(), latest).select_from(clause)
        if "bot_id" in table.columns:
            query = query.group_by(bot)
            if name != MEMORIES:  # of its own bot: rows of another are in no table that is read
                query = query.where(bot == _bot_of(name))
        for bot_id, number, updated in connection.execute(query):
            if bot_id is not None:
                entity = Entity.remembering(bot_id)
                moment = _time_or_none(updated)
                found.append(BotCount(entity=entity, memories=number, updated_at=moment))
    return sorted(found, key=lambda each: each.entity)


def known_bot(connection: Connection, bot_id: str) -> Entity:
    """Return the memories of a bot, as the database writes its id, if it has any.

    Raises:
        UnknownNameError: it has none, or more than one is meant; the message names the nearest.

    """
    known = [counted.entity.id for counted in bots(connection)]
    meant = _meant(bot_id, known)
    if len(meant) != 1:
        raise unknown("bot", bot_id, known)
    return Entity.remembering(meant[0])


def bot_to_fill(connection: Connection, bot_id: str) -> Entity:
    """Return a bot that has memories, as the database writes its id, or else a new one.

    Raises:
        UnknownNameError: more than one is meant.

    """
    if not _meant(bot_id, [counted.entity.id for counted in bots(connection)]):
        return Entity.remembering(bot_id.strip())
    return known_bot(connection, bot_id)


def table_of(connection: Connection, entity: Entity) -> UserTable:
    """Return the table that holds a bot's memories, or would.

    Raises:
        SchemaError: there is none, or it lacks what a memory needs.

    """
    names = tables(connection)
    wanted = f"{entity.id}_{MEMORIES}"
    own = next((name for name in names if name != MEMORIES and _bot_of(name) == entity.id), None)
    name = MEMORIES if MEMORIES in names else own
    if name is None:
        others = f"; each bot has its own: {', '.join(names)}" if names else ""
        raise SchemaError(f"there is no table {wanted}{others}")
    table = _checked(user_table(connection, name))
    if name == MEMORIES and "bot_id" not in table.columns and entity.id != ONLY_BOT:
        raise SchemaError(f"the table {name} has no column bot_id: it is of the bot {ONLY_BOT!r}")
    return table


def memories_of(
    connection: Connection,
    entity: Entity,
    *,
    ids: Iterable[RowId] | None = None,
    whole: bool = False,
    lock: bool = False,
) -> list[Memory]:
    """Return a bot's memories in the order of their ids.

    Args:
        connection: an open transaction.
        entity: whose memories.
        ids: only these.
        whole: with all columns in their images, as is needed to write them.
        lock: keep others from changing them until the transaction ends.

    """
    pin_text_form(connection)
    table = table_of(connection, entity)
    columns = None if whole else {*COLUMNS, *MARKS, *SESSIONS}
    found: list[Image] = []
    for wanted in portions_of(connection, table, entity, ids):
        found += read_images(connection, table, *wanted, lock=lock, columns=columns)
    return [as_memory(image) for image in found]


def memory_named(connection: Connection, entity: Entity, name: str) -> Memory:
    """Return the memory of an id or a unique start of one.

    Raises:
        UnknownNameError: there is none, or more than one; the message names the nearest.

    """
    found = memories_of(connection, entity)
    exact = [memory for memory in found if memory.id == name]
    alike = exact or [memory for memory in found if name and memory.id.startswith(name)]
    if len(alike) != 1:
        raise unknown("memory", name, (memory.id for memory in found))
    return alike[0]


def lock_bot(connection: Connection, entity: Entity) -> None:
    """Let only one process at once change a bot's memories, until the transaction ends."""
    lock_named(connection, f"{entity.type} {entity.id}")


def of_bot(
    connection: Connection, table: UserTable, entity: Entity | None, of: sa.FromClause | None = None
) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that a row of the table, or `of` an alias, belongs to the bot."""
    if entity is None or "bot_id" not in table.columns:
        return ()
    return (holds(connection, table, "bot_id", entity.id, of=of),)


def portions_of(
    connection: Connection, table: UserTable, entity: Entity | None, ids: Iterable[RowId] | None
) -> Iterable[tuple[sa.ColumnElement[bool], ...]]:
    """Return conditions that together mean a bot's rows with these ids; None: any bot's, any id."""
    own = of_bot(connection, table, entity)
    if ids is None:
        return [own]
    wanted = sorted(map(str, ids))
    parts = [wanted[start : start + PORTION] for start in range(0, len(wanted), PORTION)]
    return [(*own, with_ids(connection, table, part)) for part in parts]


def as_memory(image: Image) -> Memory:
    """Return a row's image as a value.

    Raises:
        DataError: a time that is none, such as `infinity`.

    """
    row_id = str(image["id"])
    where = f"memory {row_id}"
    return Memory(
        id=row_id,
        content=str(image.get("content") or ""),
        tags=tuple(str(tag) for tag in read_list(image.get("tags"))),
        importance=_number(image.get("importance")),
        source_message_ids=tuple(read_list(image.get("source_message_ids"))),
        access_count=_whole(image.get("access_count")),
        last_accessed=parse_time(image.get("last_accessed"), where=f"{where}: last_accessed"),
        created_at=parse_time(image.get("created_at"), where=f"{where}: created_at"),
        updated_at=parse_time(image.get("updated_at"), where=f"{where}: updated_at"),
        session=next((str(image[n]) for n in SESSIONS if image.get(n) is not None), None),
        is_marked=any(str(image.get(name)).lower() in _YES for name in MARKS),
        image=image,
    )


_YES = frozenset({"1", "true", "t", "yes", "on"})


def _holds_any(connection: Connection, table: UserTable) -> bool:
    found = sa.select(sa.literal(1)).select_from(table.clause).limit(1)
    return connection.execute(found).first() is not None


def _meant(bot_id: str, known: Collection[str]) -> list[str]:
    wanted = bot_id.strip().casefold()
    alike = [each for each in known if each.strip().casefold() == wanted]
    return [bot_id] if bot_id in known else alike


def _bot_of(table: str) -> str:
    return table.removesuffix(MEMORIES).removesuffix("_") or ONLY_BOT


def _checked(table: UserTable) -> UserTable:
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise SchemaError(f"the table {table.name} has no column {missing[0]}: no memories there")
    return table


def _number(value: Scalar) -> float | None:
    try:
        number = None if value is None else float(value)
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None


def _whole(value: Scalar) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _time_or_none(text: object) -> datetime | None:
    # Over all bots: one with a time that is none must not hide the others.
    try:
        return parse_time(text, where="updated_at")
    except DataError:
        return None
