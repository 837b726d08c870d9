"""The assistant's profiles, read in place: entities, attributes, and summaries."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.json_values import parse_value
from llm_maint.domain.moments import parse_time
from llm_maint.domain.nearest import unknown
from llm_maint.domain.profile import Attribute
from llm_maint.domain.row import Image, RowId
from llm_maint.errors import DataError
from llm_maint.store.dialect import is_postgresql, lock_named
from llm_maint.store.driver import sqlite_time
from llm_maint.store.rows import pin_text_form, read_images
from llm_maint.store.user_tables import UserTable, user_table, visible_tables

ATTRIBUTES = "entity_profile_attributes"
PROFILES = "entity_profiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileHead:
    """A row of `entity_profiles`; `image` holds the columns that we may write, and the id."""

    display_name: str | None
    summary: str | None
    summary_updated_at: datetime | None
    image: Image


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityCount:
    """An entity with attributes, how many, and when one was last updated."""

    entity: Entity
    attributes: int
    updated_at: datetime | None


def entities(connection: Connection) -> list[EntityCount]:
    """Return every entity that has attributes or a profile, in order."""
    counted: dict[Entity, EntityCount] = {}
    table = user_table(connection, ATTRIBUTES)
    attributes = table.clause
    updated_at = attributes.c.updated_at if "updated_at" in table.columns else sa.null()
    query = sa.select(
        _lower(attributes.c.entity_type).label("type"),
        attributes.c.entity_id,
        sa.func.count().label("attributes"),
        sa.cast(sa.func.max(updated_at), sa.Text).label("updated_at"),
    ).group_by(attributes.c.entity_type, attributes.c.entity_id)
    for row in connection.execute(query):
        entity = Entity(row.type, row.entity_id)
        updated = _time_or_none(row.updated_at)
        counted[entity] = EntityCount(entity=entity, attributes=row.attributes, updated_at=updated)
    profiles = user_table(connection, PROFILES).clause
    for row in connection.execute(
        sa.select(_lower(profiles.c.entity_type).label("type"), profiles.c.entity_id)
    ):
        entity = Entity(row.type, row.entity_id)
        counted.setdefault(entity, EntityCount(entity=entity, attributes=0, updated_at=None))
    return [counted[entity] for entity in sorted(counted)]


def names(connection: Connection) -> set[str]:
    """Return the ids and display names of all entities that have a profile."""
    if PROFILES not in visible_tables(connection):
        return set()
    table = user_table(connection, PROFILES)
    found: set[str] = set()
    for name in ("entity_id", "display_name"):
        if name in table.columns:
            column = sa.cast(table.clause.c[name], sa.Text)
            found.update(filter(None, connection.execute(sa.select(column)).scalars()))
    return found


def known_entity(connection: Connection, entity: Entity) -> Entity:
    """Return the entity, as the database writes it, if there is anything of it.

    Raises:
        UnknownNameError: there is not, or more than one; the message names the nearest.

    """
    known = [counted.entity for counted in entities(connection)]
    if entity in known:
        return entity
    # Ids are lower case; of an assistant that does not keep to it, the one that is meant.
    alike = [each for each in known if Entity.named(each.id, entity.type) == entity]
    alike = [each for each in alike if each.type == entity.type]
    if len(alike) != 1:
        raise unknown("entity", str(entity), map(str, known))
    return alike[0]


def attributes_of(connection: Connection, entity: Entity, *, lock: bool = False) -> list[Attribute]:
    """Return an entity's rows in the order of their ids.

    Args:
        connection: an open transaction.
        entity: whose rows.
        lock: keep others from changing them until the transaction ends.

    """
    pin_text_form(connection)
    table = user_table(connection, ATTRIBUTES)
    found = read_images(connection, table, *of_entity(table, entity), lock=lock)
    return [as_attribute(image) for image in found]


def attributes_to_change(connection: Connection, entity: Entity) -> list[Attribute]:
    """Return an entity's rows, locked; and whoever asks so waits until the transaction ends.

    Locked rows keep nobody from inserting a further one, so this is for those who would insert one
    where there is none. On SQLite whoever writes is alone.
    """
    lock_named(connection, f"{entity.type} {entity.id}")
    return attributes_of(connection, entity, lock=True)


def head_of(connection: Connection, entity: Entity, *, lock: bool = False) -> ProfileHead | None:
    """Return an entity's row of `entity_profiles`, None where there is none.

    With `lock`, nobody can change it until the transaction ends.
    """
    pin_text_form(connection)
    table = user_table(connection, PROFILES)
    images = read_images(connection, table, *of_entity(table, entity), lock=lock)
    if not images:
        return None
    image = images[0]
    return ProfileHead(
        display_name=_text(image.get("display_name")),
        summary=_text(image.get("summary")),
        summary_updated_at=parse_time(image.get("summary_updated_at"), where="summary_updated_at"),
        image={n: image[n] for n in (*table.identity, *_SUMMARY_COLUMNS) if n in image},
    )


_SUMMARY_COLUMNS = ("summary", "summary_updated_at")


def of_entity(table: UserTable, entity: Entity) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that a row belongs to the entity."""
    clause = table.clause
    return clause.c.entity_id == entity.id, _lower(clause.c.entity_type) == entity.type


def as_attribute(image: Image) -> Attribute:
    """Return a row's image as a value.

    Raises:
        DataError: a time that is none, such as `infinity`.

    """
    row_id = _id(image["id"])
    where = f"attribute {row_id}"
    value = image.get("value")
    confidence = image.get("confidence")
    return Attribute(
        id=row_id,
        category=str(image.get("category") or ""),
        key=str(image.get("key") or ""),
        value=parse_value(value) if isinstance(value, str) else value,
        confidence=_confidence(confidence),
        source=_text(image.get("source")),
        source_message_id=_text(image.get("source_message_id")),
        created_at=parse_time(image.get("created_at"), where=f"{where}: created_at"),
        updated_at=parse_time(image.get("updated_at"), where=f"{where}: updated_at"),
        image=image,
    )


def exact_time(connection: Connection, moment: datetime) -> str:
    """Return a time as a column's exact text; read back without a zone it is UTC."""
    text = sqlite_time(moment)
    return f"{text}+00" if is_postgresql(connection) else text


def _lower(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    # An enum of upper-case labels on PostgreSQL, text on SQLite.
    return sa.func.lower(sa.cast(column, sa.Text))


def _id(value: object) -> RowId:
    text = str(value)
    number = int(text) if text.isascii() and text.isdecimal() else None
    return number if number is not None and str(number) == text else text


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    number = float(str(value))
    return number if isfinite(number) else None


def _time_or_none(text: object) -> datetime | None:
    # Over all entities: one with a time that is none must not hide the others.
    try:
        return parse_time(text, where="updated_at")
    except DataError:
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
