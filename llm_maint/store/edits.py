"""What a person changes: rows imported, set and unset; journalled, so that it can be undone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.profile import Attribute
from llm_maint.domain.row import Image, Scalar
from llm_maint.domain.transfer import NewAttribute
from llm_maint.errors import SchemaError
from llm_maint.store import journal, profiles, rows, wear
from llm_maint.store.plans import EDIT, IMPORT
from llm_maint.store.recorder import Recorder
from llm_maint.store.user_tables import UserTable, user_table


def import_rows(
    connection: Connection,
    entity: Entity,
    new: Iterable[NewAttribute],
    occasion: journal.Occasion,
) -> str:
    """Insert rows of one entity, and its profile where it has none; return the plan's id."""
    recorder = Recorder(connection)
    rows.pin_text_form(connection)
    ensure_profile(recorder, entity, occasion)
    table = user_table(connection, profiles.ATTRIBUTES)
    now = profiles.exact_time(connection, occasion.now)
    for row in new:
        image = _image(connection, row, now)
        recorder.write(table, None, _present(table, image), "inserted")
    journal.keep(recorder, entity, occasion, kind=IMPORT, document={})
    return recorder.plan_id


def ensure_profile(recorder: Recorder, entity: Entity, occasion: journal.Occasion) -> None:
    """Insert the entity's row of `entity_profiles` if it has none and the table lets us."""
    if profiles.head_of(recorder.connection, entity) is not None:
        return
    table = user_table(recorder.connection, profiles.PROFILES)
    now = profiles.exact_time(recorder.connection, occasion.now)
    image: dict[str, Any] = {
        "entity_type": entity.type.upper(),
        "entity_id": entity.id,
        "created_at": now,
        "updated_at": now,
    }
    required = {column.name for column in table.columns.values() if column.required}
    if required <= image.keys():
        recorder.write(table, None, _present(table, image), "inserted")


def set_row(
    connection: Connection, before: Attribute | None, new: NewAttribute, occasion: journal.Occasion
) -> tuple[Attribute, str | None]:
    """Give a row another value, or insert one where there is none before.

    The value has another origin then: source and confidence are those of `new`, where it has none
    explicit and 1 as far as the table has columns for them; and no message says it. Id, key,
    creation and all other columns stay.

    Returns:
        The row as the database then has it, and the plan's id; None where it was so already.

    """
    table = user_table(connection, profiles.ATTRIBUTES)
    image = dict(_image(connection, new, profiles.exact_time(connection, occasion.now)))
    for name, default in _BY_HAND.items():
        if image[name] is None and name in table.columns:
            image[name] = default
    image = dict(_present(table, image))
    recorder = Recorder(connection)
    if before is None:
        ensure_profile(recorder, new.entity, occasion)
        written = recorder.write(table, None, image, "inserted")
    else:
        changed = {name: image[name] for name in _SET if name in image}
        if _same(before, profiles.as_attribute({**before.image, **changed})):
            return before, None
        written = recorder.write(table, before.image, {**before.image, **changed}, "edited")
    assert written is not None
    after = profiles.as_attribute(written)
    wear.forget(connection, new.entity, [after.id])
    journal.write_summary(recorder, new.entity, occasion)
    journal.keep(recorder, new.entity, occasion, kind=EDIT, document={})
    return after, recorder.plan_id


_SET = ("value", "confidence", "source", "source_message_id", "updated_at")

_BY_HAND: Mapping[str, Scalar] = {"source": "explicit", "confidence": 1.0}


def _same(row: Attribute, other: Attribute) -> bool:
    """Return whether two rows say the same, to the type of the value, and as surely."""
    one, two = ((json.dumps(each.value), each.confidence, each.source) for each in (row, other))
    return one == two


def delete_rows(
    connection: Connection, entity: Entity, gone: Sequence[Attribute], occasion: journal.Occasion
) -> str:
    """Delete rows because a person said so, protected ones too; return the plan's id."""
    recorder = Recorder(connection)
    table = user_table(connection, profiles.ATTRIBUTES)
    journal.refuse_cascades(connection, table)
    for row in gone:
        recorder.write(table, row.image, None, "deleted")
    wear.forget(connection, entity, [row.id for row in gone])
    journal.write_summary(recorder, entity, occasion)
    journal.keep(recorder, entity, occasion, kind=EDIT, document={})
    return recorder.plan_id


def _image(connection: Connection, row: NewAttribute, now: str) -> Image:
    created, updated = (
        profiles.exact_time(connection, moment) if moment else now
        for moment in (row.created_at or row.updated_at, row.updated_at or row.created_at)
    )
    return {
        "entity_type": row.entity.type.upper(),
        "entity_id": row.entity.id,
        "category": row.category,
        "key": row.key,
        "value": json.dumps(row.value, ensure_ascii=False),
        "confidence": row.confidence,
        "source": row.source,
        "source_message_id": row.source_message_id,
        "created_at": created,
        "updated_at": updated,
    }


def _present(table: UserTable, image: Image) -> Image:
    """Return the columns that the table has; refuse to drop what a row says."""
    said = {name for name in image if name in _NEEDED or image[name] is not None} - _OUR_TIMES
    missing = sorted(said - table.columns.keys())
    if missing:
        raise SchemaError(f"{table.name} has no column {missing[0]}")
    return {name: value for name, value in image.items() if name in table.columns}


_NEEDED = frozenset({"entity_type", "entity_id", "category", "key", "value"})
_OUR_TIMES = frozenset({"created_at", "updated_at"})  # a table may do without
