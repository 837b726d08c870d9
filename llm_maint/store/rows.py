"""A user's rows, exact to the byte: read, compared, written and put back with every column.

On PostgreSQL each column travels as the text of its own output function, which its input function
reads back unchanged, whatever the type; on SQLite as the value the driver gives.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.lists import as_array, is_list, read_list
from llm_maint.domain.row import Image, Scalar
from llm_maint.errors import DataError, SchemaError
from llm_maint.store.columns import IdInsert, RawType
from llm_maint.store.dialect import is_postgresql
from llm_maint.store.driver import RawText
from llm_maint.store.user_tables import UserTable


def read_images(
    connection: Connection,
    table: UserTable,
    *conditions: sa.ColumnElement[bool],
    lock: bool = False,
    columns: Collection[str] | None = None,
) -> list[Image]:
    """Return the rows that meet the conditions, in the order of their ids.

    Args:
        connection: an open transaction.
        table: the table to read.
        conditions: what a row must meet, in terms of `table.clause`.
        lock: keep others from changing the rows until the transaction ends.
        columns: only these, where a row holds more than is wanted.

    Raises:
        SchemaError: the table has no ids.

    """
    if "id" not in table.columns:
        raise SchemaError(f"the table {table.name} has no column id, which tells its rows apart")
    clause = table.clause
    names = list(table.columns) if columns is None else [n for n in table.columns if n in columns]
    query = sa.select(*(_exact(connection, clause.c[name]) for name in names))
    query = query.select_from(clause).where(*conditions).order_by(clause.c.id)
    if lock:
        query = query.with_for_update()
    return [_image(names, row) for row in connection.execute(query)]


def with_ids(
    connection: Connection, table: UserTable, ids: Iterable[object]
) -> sa.ColumnElement[bool]:
    """Return the condition that a row has one of these ids."""
    typed = [_typed(connection, table, "id", str(row_id)) for row_id in ids]
    return table.clause.c.id.in_(typed)


def holds(
    connection: Connection,
    table: UserTable,
    name: str,
    value: Scalar,
    *,
    of: sa.FromClause | None = None,
) -> sa.ColumnElement[bool]:
    """Return the condition that a column of a table, or `of` an alias of it, holds a value."""
    column = (table.clause if of is None else of).c[name]
    return column == _typed(connection, table, name, value)


def of_row(connection: Connection, table: UserTable, image: Image) -> sa.ColumnElement[bool]:
    """Return the condition that a row is the one of this image, whatever else has changed."""
    typed = {name: _typed(connection, table, name, image[name]) for name in table.identity}
    return sa.and_(*(table.clause.c[name] == value for name, value in typed.items()))


def insert_image(connection: Connection, table: UserTable, image: Image) -> Image:
    """Insert a row of these columns; return it as the database then has it, or raise DataError."""
    clause = table.clause
    values = {
        name: _typed(connection, table, name, value)
        for name, value in image.items()
        if not table.columns[name].generated
    }
    inserted = _returned(connection, table, IdInsert(clause).values(values))
    if inserted is None:
        raise DataError(f"{table.name}: a row was not inserted (a trigger?); nothing was changed")
    return inserted


def insert_images(connection: Connection, table: UserTable, images: Sequence[Image]) -> None:
    """Insert rows that all name the same columns, quickly; what the database makes is not told."""
    if not images:
        return
    names = [name for name in images[0] if not table.columns[name].generated]
    values: dict[str, sa.ColumnElement[Any]] = {}
    for name in names:
        if is_postgresql(connection):
            text = sa.bindparam(name, type_=sa.Text)
            values[name] = sa.cast(text, _column_type(table, name))
        else:
            values[name] = sa.bindparam(name, type_=sa.types.NullType())
    found = [
        {name: _bound(connection, table, name, image[name]) for name in names} for image in images
    ]
    connection.execute(IdInsert(table.clause).values(values), found)


def update_image(
    connection: Connection, table: UserTable, before: Image, after: Image
) -> Image | None:
    """Change a row from one image to another, if it is still as it was.

    Returns:
        The row as the database then has it, None where it has changed or is gone.

    """
    changed = {
        name: value
        for name, value in after.items()
        if value != before.get(name) and not table.columns[name].generated
    }
    clause = table.clause
    values = {name: _typed(connection, table, name, value) for name, value in changed.items()}
    if not values:
        return before
    statement = sa.update(clause).values(values).where(*_as_read(connection, table, before))
    return _returned(connection, table, statement)


def delete_image(connection: Connection, table: UserTable, before: Image) -> bool:
    """Delete a row if it is still as it was; return whether it was."""
    statement = sa.delete(table.clause).where(*_as_read(connection, table, before))
    return connection.execute(statement).rowcount == 1


def pin_text_form(connection: Connection) -> None:
    """Make PostgreSQL write times, numbers and bytes in one form, whatever the session's settings.

    For this transaction only, so a pooler in front does not matter.
    """
    if is_postgresql(connection):
        settings = {
            "TimeZone": "UTC",
            "DateStyle": "ISO, YMD",
            "IntervalStyle": "postgres",
            "extra_float_digits": "1",
            "bytea_output": "hex",
        }
        calls = (sa.func.set_config(name, value, True) for name, value in settings.items())
        connection.execute(sa.select(*calls))


def _image(names: Iterable[str], row: Iterable[Any]) -> Image:
    return {name: _json_safe(value) for name, value in zip(names, row, strict=True)}


def _json_safe(value: Any) -> Any:  # noqa: ANN401 a column is any scalar
    # Images are kept as JSON; only SQLite hands out bytes.
    if not isinstance(value, bytes):
        return value
    mark = _TEXT64 if isinstance(value, RawText) else _BASE64
    return f"{mark}{b64encode(value).decode()}"


# No text of a database starts so: SQLite's own functions end it at NUL.
_BASE64, _TEXT64 = "\x00base64:", "\x00text64:"


def _exact(connection: Connection, column: sa.ColumnClause[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(column, sa.Text) if is_postgresql(connection) else column


def _typed(
    connection: Connection, table: UserTable, name: str, value: Scalar
) -> sa.ColumnElement[Any] | Scalar:
    """Return a value for a column: text cast to the column's type on PostgreSQL."""
    if not is_postgresql(connection):
        return _native(value)
    text = _text_or_none(table, name, value)
    return sa.cast(sa.literal(text, sa.Text), _column_type(table, name))


def _column_type(table: UserTable, name: str) -> RawType:
    # A cast to varchar(n) cuts what is too long without a word; the column itself refuses it.
    kind = table.columns[name].type
    return RawType("text" if _BOUNDED_TEXT.fullmatch(kind) else kind)


_BOUNDED_TEXT = re.compile(r"character( varying)?\(\d+\)")


def _as_read(
    connection: Connection, table: UserTable, before: Image
) -> Iterable[sa.ColumnElement[bool]]:
    clause = table.clause
    yield of_row(connection, table, before)
    for name, value in before.items():
        if is_postgresql(connection):
            read: sa.ColumnElement[Any] = sa.literal(value, sa.Text())
        else:
            read = _native(value)
        yield _exact(connection, clause.c[name]).is_not_distinct_from(read)


def blob(content: bytes) -> str:
    """Return bytes as an image has them."""
    return f"{_BASE64}{b64encode(content).decode()}"


def _bound(connection: Connection, table: UserTable, name: str, value: Scalar) -> Scalar | bytes:
    """Return a value of an image for the driver: text on PostgreSQL, else text, number or bytes."""
    if is_postgresql(connection):
        return _text_or_none(table, name, value)
    if isinstance(value, str) and value.startswith(_BASE64):
        return b64decode(value.removeprefix(_BASE64))
    return value


def _text_or_none(table: UserTable, name: str, value: Scalar) -> str | None:
    """Return a value as PostgreSQL reads it; a list in JSON is an array where the column is one."""
    if value is None:
        return None
    text = str(value)
    if text[:1] == "[" and table.columns[name].type.endswith("[]") and is_list(text):
        return as_array(read_list(text))
    return text


def _native(value: Scalar) -> sa.ColumnElement[Any]:
    """Return a value as SQLite had it."""
    if isinstance(value, str) and value.startswith(_TEXT64):
        content = sa.literal(b64decode(value.removeprefix(_TEXT64)), sa.LargeBinary())
        return sa.cast(content, sa.Text)
    if isinstance(value, str) and value.startswith(_BASE64):
        return sa.literal(b64decode(value.removeprefix(_BASE64)), sa.types.NullType())
    return sa.literal(value, sa.types.NullType())


def _returned(
    connection: Connection, table: UserTable, statement: sa.Insert | sa.Update
) -> Image | None:
    """Run a statement on one row; return the row as it then is, triggers included."""
    named = [_exact(connection, table.clause.c[name]) for name in table.identity]
    written = connection.execute(statement.returning(*named)).one_or_none()
    if written is None:
        return None
    condition = of_row(connection, table, _image(table.identity, written))
    return next(iter(read_images(connection, table, condition)), None)
