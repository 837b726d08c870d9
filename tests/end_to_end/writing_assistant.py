"""An assistant as a process of its own: it writes rows of a profile, and says what it wrote.

Each line of standard input is a JSON list: what to do, and with what. A line of standard output
tells of a write that is committed, with the whole row as the database then had it, or answers. No
two rows that it ever writes are alike, so whoever has read one can be told from who has not.
"""

import json
import random
import re
import select
import sqlite3
import sys
from collections.abc import Callable, Mapping
from typing import Any

COLUMNS = (
    *("id", "entity_type", "entity_id", "category", "key", "value", "confidence", "source"),
    *("source_message_id", "created_at", "updated_at"),
)

TABLE = "entity_profile_attributes"

BUSY_SECONDS = 30
"""How long the assistant waits for a lock of somebody else."""

Run = Callable[[str, Mapping[str, Any]], list[dict[str, Any]]]


def connected(url: str) -> tuple[Run, str]:
    """Return what runs a statement and commits, and the list of columns as exact text."""
    if url.startswith("sqlite:///"):
        file = sqlite3.connect(
            url.removeprefix("sqlite:///"), timeout=BUSY_SECONDS, isolation_level=None
        )
        file.row_factory = sqlite3.Row
        run_file: Run = lambda said, values: [dict(row) for row in file.execute(said, values)]  # noqa: E731
        return run_file, ", ".join(COLUMNS)
    import psycopg
    from psycopg.rows import dict_row

    server = psycopg.connect(url, autocommit=True, row_factory=dict_row)

    def run(said: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        named = re.sub(r"(?<!:):(\w+)", r"%(\1)s", said)
        found = server.execute(named.encode(), values)
        return found.fetchall() if found.description else []

    return run, ", ".join(f"{name}::text AS {name}" for name in COLUMNS)


class Assistant:
    """Writes, one committed statement after the other, until somebody wants something else."""

    def __init__(self, url: str) -> None:
        self.run, self.columns = connected(url)
        self.heard = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115 never ahead
        self.entity = ""
        self.ids: list[Any] = []
        self.number = 0

    def serve(self) -> None:
        """Obey until nobody says anything any more."""
        while line := self.heard.readline():
            what, *how = json.loads(line)
            getattr(self, what)(*how)

    def begin(self, entity: str, rows: list[dict[str, Any]]) -> None:
        """Write a profile that nobody knows yet."""
        self.entity = entity
        names = "INSERT INTO entity_profiles (entity_type, entity_id, display_name)"
        self.run(f"{names} VALUES ('USER', :entity, 'Nick')", {"entity": entity})
        self.run("BEGIN", {})
        inserted = [self._inserted(row) for row in rows]
        self.run("COMMIT", {})
        self.ids = [row["id"] for row in inserted]
        self._say("begun", inserted)

    def write(self, seed: int, times: int, pause: float) -> None:
        """Write so often with pauses up to `pause` seconds, or until the next line comes."""
        chance = random.Random(seed)
        for _ in range(times):
            if select.select([self.heard], [], [], chance.uniform(0, pause))[0]:
                return
            kinds = [self._insert, self._describe, *[self._delete] * 2, *[self._update] * 6]
            self.number += 1
            chance.choice(kinds)(chance)

    def look(self) -> None:
        """Say what stands in the tables."""
        mine = {"entity": self.entity}
        query = f"SELECT {self.columns} FROM {TABLE} WHERE entity_id = :entity"
        told = "SELECT description FROM entity_profiles WHERE entity_id = :entity"
        self._say("seen", self.run(query, mine), self.run(told, mine)[0]["description"])

    def _insert(self, chance: random.Random) -> None:
        key = chance.choice(("color", "pet", "employer", "greeting", "drink"))
        row = {**self._updates(), "category": "fact", "key": key, "source": "inferred"}
        inserted = self._inserted(row)
        self.ids.append(inserted["id"])
        self._say("wrote", inserted)

    def _update(self, chance: random.Random) -> None:
        if not self.ids:
            return
        changed = self._updates()
        name = chance.choice(list(changed))  # one column alone: all of them have to be heeded
        query = f"UPDATE {TABLE} SET {name} = :new WHERE id = :id RETURNING {self.columns}"
        row_id = chance.choice(self.ids)
        for row in self.run(query, {"new": changed[name], "id": row_id}):
            self._say("wrote", row)

    def _delete(self, chance: random.Random) -> None:
        if not self.ids:
            return
        row_id = self.ids.pop(chance.randrange(len(self.ids)))
        query = f"DELETE FROM {TABLE} WHERE id = :id RETURNING {self.columns}"
        for row in self.run(query, {"id": row_id}):
            self._say("deleted", row)

    def _describe(self, _chance: random.Random) -> None:
        text = f"described {self.number}"
        said = "UPDATE entity_profiles SET description = :text WHERE entity_id = :entity"
        self.run(said, {"text": text, "entity": self.entity})
        self._say("described", text)

    def _updates(self) -> dict[str, Any]:
        """Return values that no row has had yet."""
        return {
            "value": json.dumps(f"says {self.number}"),
            "confidence": self.number / 100_000,
            "source_message_id": f"message {self.number}",
            "updated_at": f"2026-01-20 10:00:00.{self.number:06}",
        }

    def _inserted(self, row: Mapping[str, Any]) -> dict[str, Any]:
        row = {"entity_type": "USER", "entity_id": self.entity, **row}
        names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        query = f"INSERT INTO {TABLE} ({names}) VALUES ({values}) RETURNING {self.columns}"
        return self.run(query, row)[0]

    def _say(self, *what: Any) -> None:  # noqa: ANN401 any JSON
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    Assistant(sys.argv[1]).serve()
