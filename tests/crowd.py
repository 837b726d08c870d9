"""Hosts that share a run: each a thread with a database and a model of its own, on one clock."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from building import day
from consolidating import ScriptedModel, ids, reply, settings
from databases import ATTRIBUTES, opened, schedule_all, sql
from workshop import wait_until

from llm_maint.contract import LanguageModel
from llm_maint.domain.runs import Finished
from llm_maint.runner import Runner
from llm_maint.settings.sections import Settings
from llm_maint.store.database import Database

NOW = day(30)

SECONDS = 10
"""Nobody waits longer for another, however busy the machine is."""

Script = Callable[[dict[str, Any]], Any]

MakeCrowd = Callable[[int], "Crowd"]


def greetings_go(asked: dict[str, Any]) -> dict[str, Any]:
    """Answer as a model does that removes greetings."""
    return reply(asked, remove=ids(asked, "hello"))


@dataclass
class Host:
    """A host: `runs` is what its tick recorded, `error` what it ended with."""

    name: str
    database: Database
    model: LanguageModel
    given: Settings
    clock: Callable[[], datetime] = lambda: NOW
    runs: list[Finished] = field(default_factory=list)
    error: BaseException | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def tick(self) -> list[Finished]:
        """Run what is due, or take part in what another runs; return the runs it recorded."""
        runner = Runner(
            settings=self.given,
            database=self.database,
            clock=self.clock,
            model=lambda: self.model,
            host=self.name,
            interruptible=lambda _timeout: nullcontext(),
            end_process=lambda _code: None,
        )
        self.runs = list(runner.run_due())
        return self.runs

    @property
    def asked(self) -> list[str]:
        """The entities that its model was asked about."""
        assert isinstance(self.model, ScriptedModel)
        return [document["entity"]["id"] for document in self.model.asked]


@dataclass
class Crowd:
    """The hosts at one database, which holds so many entities and the job for them all."""

    url: str
    database: Database
    names: Sequence[str]
    hosts: list[Host] = field(default_factory=list)

    def host(self, script: Script = greetings_go, **limits: int) -> Host:
        """Add a host whose model follows a script."""
        return self.host_with(ScriptedModel(script), settings(profile_maintenance=limits))

    def host_with(self, model: LanguageModel, given: Settings) -> Host:
        """Add a host with any model."""
        host = Host(f"host-{len(self.hosts)}", opened(self.url, create=False), model, given)
        self.hosts.append(host)
        return host

    def tick(self, *, led: bool = False) -> list[Finished]:
        """Let all hosts tick at once, or the first before the others; return what was recorded."""
        threads = [threading.Thread(target=_run, args=(host,)) for host in self.hosts]
        for thread in threads:
            thread.start()
            if led and thread is threads[0]:
                wait_until(lambda: self.hosts[0].ended.is_set() or self.hosts[0].asked)
        for thread in threads:
            thread.join()
        for host in self.hosts:
            if host.error is not None:
                raise host.error
        return [finished for host in self.hosts for finished in host.runs]

    @property
    def asked(self) -> Counter[str]:
        """How often each entity was asked about, on all hosts."""
        return Counter(name for host in self.hosts for name in host.asked)

    def greeted(self) -> list[str]:
        """Return who still has a greeting: whom nobody has dealt with."""
        found = sql(self.database, f"SELECT entity_id FROM {ATTRIBUTES} WHERE key = 'hello'")
        return sorted(name for (name,) in found)

    def is_tidy(self) -> bool:
        """Return whether nothing is left of a shared run."""
        tables = ("shares", "share_items", "share_workers")
        return not any(sql(self.database, f"SELECT 1 FROM maintenance_{name}") for name in tables)

    def close(self) -> None:
        """Close the databases of all hosts."""
        for host in self.hosts:
            host.database.close()


def crowd_at(url: str, database: Database, entities: int) -> Crowd:
    """Return a crowd without hosts; each entity has a greeting and two facts.

    Whatever was in the database before is gone.
    """
    for table in TABLES:
        sql(database, f"DELETE FROM {table}")
    names = [f"e{number:02}" for number in range(entities)]
    facts = [("color", "blue"), ("hello", "hi!"), ("city", "by the sea")]
    rows = [
        f"('USER', '{name}', 'fact', '{key}', '\"{value}\"', 0.8, 'inferred', '{day(number)}', "
        f"'{day(number)}')"
        for number, name in enumerate(names)
        for key, value in facts
    ]
    columns = "entity_type, entity_id, category, key, value, confidence, source"
    times = "created_at, updated_at"
    sql(database, f"INSERT INTO {ATTRIBUTES} ({columns}, {times}) VALUES {', '.join(rows)}")
    schedule_all(database, now=NOW - timedelta(minutes=1))
    return Crowd(url, database, names)


TABLES = (
    "entity_profile_attributes",
    "entity_profiles",
    "scheduled_jobs",
    "job_runs",
    *(f"maintenance_{name}" for name in ("plans", "journal", "profile_states", "profile_tries")),
    "maintenance_profile_memory",
)
"""What a run leaves traces in."""


def together(hosts: int, script: Script = greetings_go) -> list[Script]:
    """Return scripts of so many hosts: nobody's first answer comes before all have been asked."""
    all_are_there = threading.Barrier(hosts)

    def of_one() -> Script:
        met: list[bool] = []

        def answered(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
            if not met:
                met.append(True)
                all_are_there.wait(SECONDS)
            return script(asked)

        return answered

    return [of_one() for _ in range(hosts)]


def _run(host: Host) -> None:
    try:
        host.tick()
    except BaseException as error:  # noqa: BLE001 raised again by the test's own thread
        host.error = error
    finally:
        host.ended.set()
