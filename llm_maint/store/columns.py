"""Types and expressions of SQL that each database writes in its own way."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from llm_maint.domain.settlement import storable
from llm_maint.store.driver import sqlite_time
from llm_maint.store.due import DUE_AT_POSTGRESQL, DUE_AT_SQLITE
from llm_maint.store.values import read_document, read_time


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, sortable text on SQLite.

    The text is the form of SQLite's own `datetime()`, so that rows written by hand compare right.
    """

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(sa.Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401
        """Refuse naive times: nobody could say which moment they mean."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time: every time has a zone here")
        return value if dialect.name == "postgresql" else sqlite_time(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002
        """Read a time, also one written by hand; what is no time is none."""
        return read_time(value)


class JsonDocument(TypeDecorator[Any]):
    """A JSON object of our own; the assistant's JSON is read as text instead, see `rows`.

    `jsonb` on PostgreSQL, text on SQLite, where a row written by hand may hold anything: what is
    not JSON comes back as the text it is.
    """

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column."""
        jsonb = postgresql.JSONB(none_as_null=True)
        return dialect.type_descriptor(jsonb if dialect.name == "postgresql" else sa.Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """Write JSON that every database can hold."""
        if value is None:
            return None
        clean = storable(value)
        return clean if dialect.name == "postgresql" else json.dumps(clean, ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ANN401
        """Read JSON."""
        return value if dialect.name == "postgresql" else read_document(value)


class due_at(sa.sql.functions.FunctionElement[datetime]):  # noqa: N801 a function of SQL
    """When a job is due, as it is indexed: NULL, and on SQLite what is no time, before all else."""

    inherit_cache = True
    type = UtcTime()


@compiles(due_at)
@compiles(due_at, "postgresql")
def _due_at_postgresql(element: due_at, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return DUE_AT_POSTGRESQL.format(time=compiler.process(element.clauses, **kwargs))


@compiles(due_at, "sqlite")
def _due_at_sqlite(element: due_at, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    return DUE_AT_SQLITE.format(time=compiler.process(element.clauses, **kwargs))


class IdInsert(sa.Insert):
    """An insert that may name the id of a row that comes back, whoever makes ids in this table."""

    inherit_cache = True


@compiles(IdInsert, "postgresql")
def _id_insert(element: IdInsert, compiler: SQLCompiler, **kwargs: Any) -> str:  # noqa: ANN401
    text: str = compiler.visit_insert(element, **kwargs)  # type: ignore[no-untyped-call]
    # Where ids are GENERATED ALWAYS AS IDENTITY they are refused without it; else it does nothing.
    return text.replace(") VALUES (", ") OVERRIDING SYSTEM VALUE VALUES (", 1)


class RawType(sa.types.UserDefinedType[Any]):
    """A PostgreSQL type by its own name, for casting text to the type of a column."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:  # noqa: ANN401
        """Return the name."""
        return self.name
