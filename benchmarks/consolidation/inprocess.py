"""Many consolidations in one process: a real database and a real client, and a clock of our own."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from datasets import Row
from seen import Reply

from llm_maint.bootstrap.root import model_client, open_database
from llm_maint.contract import JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.firing import Timing
from llm_maint.domain.profile import Attribute
from llm_maint.domain.schedule import Every
from llm_maint.domain.transfer import export_row
from llm_maint.jobs.profile_maintenance import JOB
from llm_maint.rounds import consolidate
from llm_maint.runner import Runner
from llm_maint.settings.sections import Settings
from llm_maint.store import profiles
from llm_maint.store.database import Database
from llm_maint.store.job_edits import add_job
from llm_maint.store.plans import APPLIED, CONSOLIDATION, HELD, list_plans

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
"""When the simulated time begins."""

MANY = 1_000_000

COLUMNS = ("category", "key", "value", "confidence", "source", "source_message_id")


@dataclass
class World:
    """A database with one profile, a model server, and the time."""

    database: Database
    settings: Settings
    entity: Entity
    now: datetime = NEW_YEAR
    _seen: set[str] = field(default_factory=set)
    _operations: list[Reply] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database.upgrade(now=self.now)
        self._client = model_client(self.settings) if self.settings.llm.uses_model else None

    def clock(self) -> datetime:
        """Return the simulated present."""
        return self.now

    def schedule(self) -> None:
        """Add the job that `init` adds."""
        with self.database.write() as connection:
            add_job(
                connection,
                job_type=JOB.type,
                name="profile-maintenance",
                timing=Timing(schedule=Every(timedelta(hours=1))),
                bot_id="*",
                config=JOB.default_config,
                now=self.now,
            )

    def insert(self, rows: Sequence[Row]) -> None:
        """Write rows as an assistant does: into its own table, and nowhere else."""
        with self.database.write() as connection:
            for row in rows:
                times = {name: _stored(row[name]) for name in ("created_at", "updated_at")}
                columns = {name: row[name] for name in COLUMNS}
                columns["value"] = json.dumps(row["value"], ensure_ascii=False)
                connection.execute(_INSERT, {"entity_id": self.entity.id, **columns, **times})

    def update(self, row: Row) -> bool:
        """Write a new value into the row of the same name; return whether there is one."""
        found = {
            "value": json.dumps(row["value"], ensure_ascii=False),
            "updated_at": _stored(row["updated_at"]),
            "name": row["source_message_id"],
        }
        with self.database.write() as connection:
            return connection.execute(_UPDATE, found).rowcount > 0

    def tick(self) -> None:
        """Do what `run-due` does."""
        runner = Runner(
            settings=self.settings,
            database=self.database,
            clock=self.clock,
            model=lambda: self._client,
            host="simulated",
            interruptible=nullcontext,
        )
        for done in runner.run_due():
            if done.run.error_message:
                raise RuntimeError(done.run.error_message)

    def consolidate(self) -> None:
        """Do what `profile consolidate` does."""
        consolidate(self._context(), self.entity)

    def attributes(self) -> list[Attribute]:
        """Return the rows as they are now."""
        with self.database.read() as connection:
            return profiles.attributes_of(connection, self.entity)

    def exported(self) -> list[Row]:
        """Return the rows as they are now, as `profile export` prints them."""
        return [export_row(row, self.entity) for row in self.attributes()]

    def held(self) -> int:
        """Return how many plans were ever held."""
        with self.database.read() as connection:
            found = list_plans(connection, limit=MANY, entity=self.entity)
        return sum(plan.status in (HELD, "outdated") for plan in found)

    def report(self, rows: int) -> Mapping[str, Any]:
        """Return all that was ever applied as one report about `rows` rows.

        A database may give the id of a deleted row to a new one, so rows are named as in the set.
        """
        with self.database.read() as connection:
            plans = list_plans(connection, limit=MANY, entity=self.entity)
        for plan in plans:
            if plan.kind == CONSOLIDATION and plan.status == APPLIED and plan.id not in self._seen:
                self._seen.add(plan.id)
                self._operations += map(_named, plan.document["operations"])
        return {"operations": list(self._operations), "accounting": {"kept": rows}}

    def _context(self) -> JobContext:
        return JobContext(
            config={"entity_id": "*"},
            database=self.database,
            settings=self.settings,
            clock=self.clock,
            model=lambda: self._client,
        )


@contextmanager
def world(entity: str, address: str | None = None, **limits: Any) -> Iterator[World]:  # noqa: ANN401
    """Give a world; `limits` are settings of `profile_maintenance`."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'memory.db'}"
        llm = {"base_url": address, "model": "simulated"} if address else {}
        settings = Settings.model_validate(
            {"database": {"url": url}, "llm": llm, "profile_maintenance": limits}
        )
        database = open_database(settings, create=True)
        try:
            yield World(database, settings, Entity("user", entity))
        finally:
            database.close()


def _named(operation: Reply) -> Reply:
    """Return an operation in terms of the names of the set."""
    name = {row["id"]: row["source_message_id"] for row in operation["before"]}
    ids = [name[row_id] for row_id in operation["row_ids"]]
    return {
        "op": operation["op"],
        "row_ids": ids,
        "winner_id": name.get(operation["winner_id"]),
        "before": [{"id": row_id, "source_message_id": row_id} for row_id in ids],
    }


def _stored(text: str) -> str:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


_INSERT = sa.text(
    "INSERT INTO entity_profile_attributes (entity_type, entity_id, category, key, value, "
    "confidence, source, source_message_id, created_at, updated_at) VALUES ('USER', :entity_id, "
    ":category, :key, :value, :confidence, :source, :source_message_id, :created_at, :updated_at)"
)

_UPDATE = sa.text(
    "UPDATE entity_profile_attributes SET value = :value, updated_at = :updated_at "
    "WHERE source_message_id = :name"
)
