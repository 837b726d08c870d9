"""The user's tables as they really are: which there are, and what columns each has."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.errors import SchemaError
from llm_maint.store.dialect import is_postgresql


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the database declares it; `required` means that an insert must name it."""

    name: str
    type: str
    required: bool
    generated: bool = False


@dataclass(frozen=True)
class UserTable:
    """A table that is not ours, with the columns it really has."""

    name: str
    columns: Mapping[str, Column]

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """The columns that name a row: beside its id the bot, where one table is for all bots."""
        return ("id", "bot_id") if "bot_id" in self.columns else ("id",)

    @cached_property
    def clause(self) -> sa.TableClause:
        """The table for building statements."""
        return sa.table(self.name, *(sa.column(name) for name in self.columns))


def user_table(connection: Connection, name: str) -> UserTable:
    """Return a table of the user as it is there now; it is looked at once in a transaction.

    Raises:
        SchemaError: there is none of that name on the search path.

    """
    transaction, seen = connection.info.get(_SEEN, (None, {}))
    if transaction is None or transaction is not connection.get_transaction():
        seen = {}
        connection.info[_SEEN] = (connection.get_transaction(), seen)
    if name not in seen:
        seen[name] = _looked_up(connection, name)
    table: UserTable = seen[name]
    return table


_SEEN = "llm_maint.user_tables"


def _looked_up(connection: Connection, name: str) -> UserTable:
    columns = _postgresql_columns if is_postgresql(connection) else _sqlite_columns
    found = {column.name: column for column in columns(connection, name)}
    if not found:
        raise SchemaError(f"there is no table {name}; create it with: llm-maint db upgrade")
    return UserTable(name, found)


def visible_tables(connection: Connection) -> list[str]:
    """Return the names of all tables that a statement finds without naming a schema.

    Of a partitioned table the parts are left out: they are found by the whole.
    """
    if not is_postgresql(connection):
        return sa.inspect(connection).get_table_names()
    query = sa.text("""
        SELECT relname FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND pg_table_is_visible(oid)
        """)
    return list(connection.execute(query).scalars())


def cascading_table(connection: Connection, table: UserTable) -> str | None:
    """Return a table whose rows the database changes by itself when a row of this one is deleted.

    None where there is none. What a cascade takes along is in no journal.
    """
    if is_postgresql(connection):
        query = sa.text("""
            SELECT conrelid::regclass::text FROM pg_constraint
            WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')
              AND confrelid = to_regclass(quote_ident(:name))
            """)
    else:
        query = sa.text("""
            SELECT child.name
            FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS key
            WHERE child.type = 'table' AND lower(key."table") = lower(:name)
              AND key.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT')
            """)
    return connection.execute(query, {"name": table.name}).scalars().first()


def is_unique(connection: Connection, table: UserTable, column: str) -> bool:
    """Return whether no two rows of a table may have the same in a column."""
    if is_postgresql(connection):
        query = sa.text("""
            SELECT 1 FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
            WHERE indrelid = to_regclass(quote_ident(:name)) AND attname = :column
              AND indisunique AND indnkeyatts = 1 AND indpred IS NULL
            """)
    else:
        query = sa.text("""
            SELECT 1 FROM pragma_index_list(:name) AS list
            WHERE list."unique" AND NOT list.partial
              AND (SELECT group_concat(name) FROM pragma_index_info(list.name)) = :column
            """)
    found = connection.execute(query, {"name": table.name, "column": column})
    return found.first() is not None


def _sqlite_columns(connection: Connection, name: str) -> list[Column]:
    query = sa.text(
        'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(:name)'
    )
    return [
        Column(
            row.name,
            row.type,
            required=bool(row.notnull) and row.dflt_value is None and not row.pk,
            generated=row.hidden > 1,
        )
        for row in connection.execute(query, {"name": name})
    ]


def _postgresql_columns(connection: Connection, name: str) -> list[Column]:
    query = sa.text("""
        SELECT attname, format_type(atttypid, atttypmod) AS type, attgenerated <> '' AS generated,
               attnotnull AND NOT atthasdef AND attidentity = '' AS required
        FROM pg_attribute
        WHERE attrelid = to_regclass(quote_ident(:name)) AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum
        """)
    return [
        Column(row.attname, row.type, required=row.required, generated=row.generated)
        for row in connection.execute(query, {"name": name})
    ]
