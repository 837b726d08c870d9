"""Memories that a person imports; journalled, so that it can be undone."""

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.lists import read_list
from llm_maint.domain.memory import Memory
from llm_maint.domain.memory_transfer import NewMemory
from llm_maint.domain.moments import iso, parse_time
from llm_maint.domain.row import Image, Scalar
from llm_maint.errors import DataError, SchemaError
from llm_maint.store import holdings, journal, memories, profiles, rows
from llm_maint.store.dialect import is_postgresql
from llm_maint.store.plans import IMPORT
from llm_maint.store.recorder import Recorder
from llm_maint.store.user_tables import UserTable, is_unique


def import_memories(
    connection: Connection,
    entity: Entity,
    new: Iterable[NewMemory],
    occasion: journal.Occasion,
) -> str:
    """Insert memories of one bot; return the plan's id.

    A row keeps the id that it brings along, unless another one has it already; where ids are
    numbers, the database gives each row its own.

    Raises:
        DataError: the database itself kept a row out.
        SchemaError: a row says what the table has no column for.

    """
    rows.pin_text_form(connection)
    table = memories.table_of(connection, entity)
    now = profiles.exact_time(connection, occasion.now)
    new = list(new)
    taken = _taken(connection, entity, table, new)
    images = [_image(connection, table, row, entity, now, taken) for row in new]
    ids = _inserted(connection, table, images)
    recorder = Recorder(connection)
    for image in _as_written(connection, entity, table, ids):
        recorder.note(table, None, image, "inserted")
    if len(recorder.entries) != len(new):
        raise DataError(f"{table.name}: not every row came (a trigger?); nothing was imported")
    journal.keep(recorder, entity, occasion, kind=IMPORT, document={})
    return recorder.plan_id


def _taken(
    connection: Connection, entity: Entity, table: UserTable, new: Iterable[NewMemory]
) -> set[str]:
    """Return which of the ids that rows bring along are there: of this bot or, if need be, of any.

    Mostly two bots may each have a memory of one id.
    """
    if _gives_numbers(table):
        return set()
    ids = [row.id for row in new if row.id is not None]
    whose = None if is_unique(connection, table, "id") else entity
    found: set[str] = set()
    for wanted in memories.portions_of(connection, table, whose, ids):
        images = rows.read_images(connection, table, *wanted, columns=("id",))
        found.update(str(image["id"]) for image in images)
    return found


def _gives_numbers(table: UserTable) -> bool:
    """Return whether ids are numbers: one that we chose may be the next that a database gives."""
    kind = table.columns["id"].type.upper()
    return "INT" in kind or kind.startswith(("NUMERIC", "DECIMAL"))


def _image(
    connection: Connection,
    table: UserTable,
    row: NewMemory,
    entity: Entity,
    now: str,
    taken: set[str],
) -> Image:
    columns = dict(row.columns)
    created, updated = columns.get("created_at"), columns.get("updated_at")
    columns["created_at"], columns["updated_at"] = created or updated, updated or created
    for name, value in columns.items():
        # An export tells an empty list of what its table has no column for.
        if value and name not in table.columns and name not in _OUR_TIMES:
            raise SchemaError(f"{table.name} has no column {name}")
    image: dict[str, Scalar] = {}
    if not _gives_numbers(table):
        image["id"] = row.id if row.id is not None and row.id not in taken else str(uuid4())
    if "bot_id" in table.columns:
        image["bot_id"] = entity.id
    for name, value in columns.items():
        if name in table.columns:
            image[name] = now if value is None else _column(connection, table, name, value)
    return image


def _inserted(connection: Connection, table: UserTable, images: Iterable[Image]) -> list[str]:
    """Insert rows, all of the same columns at once; return their ids."""
    by_columns: dict[tuple[str, ...], list[Image]] = {}
    ids: list[str] = []
    for image in images:
        if "id" in image:
            by_columns.setdefault(tuple(image), []).append(image)
        else:
            image = rows.insert_image(connection, table, image)  # noqa: PLW2901 with its id
        ids.append(str(image["id"]))
    for alike in by_columns.values():
        rows.insert_images(connection, table, alike)
    return ids


def _column(connection: Connection, table: UserTable, name: str, value: Any) -> Scalar:  # noqa: ANN401 any field
    if name in _MOMENTS:
        return profiles.exact_time(connection, value)
    if name in _VECTORS:
        return _vector(connection, table, name, value)
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    found: Scalar = value
    return found


_OUR_TIMES = frozenset({"created_at", "updated_at"})  # a table may do without
_MOMENTS = frozenset({"created_at", "updated_at", "last_accessed", "meaning_updated_at"})
_VECTORS = frozenset({"embedding", "meaning_embedding"})


def _vector(connection: Connection, table: UserTable, name: str, floats: "array[float]") -> str:
    """Return a vector as its column takes it: a blob, pgvector's text, or an array's."""
    if not is_postgresql(connection):
        text = table.columns[name].type.upper() in ("TEXT", "JSON")
        return json.dumps(list(floats)) if text else rows.blob(floats.tobytes())
    numbers = ",".join(f"{each:.9g}" for each in floats)
    return f"{{{numbers}}}" if table.columns[name].type.endswith("[]") else f"[{numbers}]"


def _as_written(
    connection: Connection, entity: Entity, table: UserTable, ids: Sequence[str]
) -> Iterable[Image]:
    """Yield what the journal keeps of each row, as the database now has it."""
    for wanted in memories.portions_of(connection, table, entity, ids):
        yield from rows.read_images(connection, table, *wanted, columns=holdings.TELLING)


def exported(memory: Memory, vectors: Mapping[str, bytes | None]) -> dict[str, Any]:
    """Return a memory read whole as `read_memories` reads it, with all that its table knows."""
    image = memory.image
    moment = parse_time(image.get("meaning_updated_at"), where=f"memory {memory.id}")
    charge = image.get("emotional_charge")
    found = {
        **memory.document(),
        "intent": image.get("intent"),
        "stakes": image.get("stakes"),
        "emotional_charge": None if charge is None else float(charge),
        "recurrence_keywords": read_list(image.get("recurrence_keywords")),
        "meaning_updated_at": moment and iso(moment),
    }
    for name, packed in vectors.items():
        found[name] = None if packed is None else _floats(packed)
    return found


def _floats(packed: bytes) -> list[float]:
    # Nine digits are what tells any two numbers of 32 bits apart.
    return [float(f"{each:.9g}") for each in array("f", packed)]
