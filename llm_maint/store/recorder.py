"""Writes of a user's rows, each noted in the journal as it was before and is after."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy.engine import Connection

from llm_maint.domain.row import Image
from llm_maint.errors import DataError
from llm_maint.store import rows
from llm_maint.store.tables import journal
from llm_maint.store.user_tables import UserTable


@dataclass(slots=True)
class Recorder:
    """Writes rows of one plan and notes each with its before- and after-image."""

    connection: Connection
    plan_id: str = field(default_factory=lambda: uuid4().hex)
    entries: list[dict[str, Any]] = field(default_factory=list)

    def write(
        self,
        table: UserTable,
        before: Image | None,
        after: Image | None,
        effect: str,
        *,
        whole: Image | None = None,
    ) -> Image | None:
        """Insert, change or delete a row; return it as the database then has it.

        Args:
            table: where it is.
            before: the row, or those of its columns that are to be compared and noted.
            after: the same as they are to be.
            effect: what the journal says of it.
            whole: more columns of the row as it was: noted as well where a trigger changes them.

        Raises:
            DataError: the database itself kept the change out: the row was locked.

        """
        written: Image | None
        if before is None:
            assert after is not None
            written = rows.insert_image(self.connection, table, after)
        elif after is None:
            written = None
            if not rows.delete_image(self.connection, table, before):
                raise _kept_out(table, before)
        else:
            written = rows.update_image(self.connection, table, before, after)
            if written is None:
                raise _kept_out(table, before)
            known = {**(whole or {}), **before}
            names = [n for n, was in known.items() if n in before or written[n] != was]
            before, written = {n: known[n] for n in names}, {n: written[n] for n in names}
        self.note(table, before, written, effect)
        return written

    def save(self) -> None:
        """Write the journal."""
        if self.entries:
            self.connection.execute(journal.insert(), self.entries)

    def note(
        self, table: UserTable, before: Image | None, after: Image | None, effect: str
    ) -> None:
        """Note what was done to a row."""
        row = before or after
        assert row is not None
        self.entries.append(
            {
                "plan_id": self.plan_id,
                "position": len(self.entries),
                "table_name": table.name,
                "row_id": str(row["id"]),
                "effect": effect,
                "before_image": before and json.dumps(before),
                "after_image": after and json.dumps(after),
            }
        )


def _kept_out(table: UserTable, row: Image) -> DataError:
    return DataError(
        f"{table.name}: row {row['id']} could not be written (a trigger?); nothing was changed"
    )
