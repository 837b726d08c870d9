"""Installations with a past, for the report: a year of hourly runs, and real plans about people."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from consolidating import ScriptedModel, context, occasion, reply, settings
from databases import add_row, sql
from recollecting import merging, recalled, remember_all, remembering

from llm_maint import __version__
from llm_maint.domain.entity import Entity
from llm_maint.domain.firing import Timing
from llm_maint.domain.schedule import Every
from llm_maint.rounds import consolidate, meter_of
from llm_maint.store import job_edits, undo
from llm_maint.store.database import Database
from llm_maint.store.plans import CONSOLIDATION, StoredPlan, list_plans
from llm_maint.store.tables import jobs, plans, runs

JOBS = {
    "profile-maintenance": "profile_maintenance",
    "memory-consolidation": "memory_consolidation",
    "memory-recurrence": "memory_recurrence",
    "memory-decay": "memory_decay",
    "history-pruning": "history_pruning",
}

HOURLY = dict.fromkeys(JOBS, 1)

AS_INIT_HAS_THEM = dict(zip(JOBS, (1, 6, 6, 6, 24), strict=True))
"""How many hours there are between two runs."""

PEOPLE = ("nick", "anna", "bob", "carla", "dario", "elena", "farid", "greta", "hugo", "ines")

TOPICS = (
    ("employer", ("works at Alder Books as a clerk", "works at Birch Maps as a surveyor")),
    ("home", ("lives in a flat in Porto with two cats", "lives in a house in Braga with two cats")),
    ("car", ("drives a grey estate car", "drives a small red electric car")),
    ("training", ("trains for a marathon in spring", "trains for a triathlon in summer")),
)
"""Keys with a value and a later one."""

SAID_AGAIN = (
    ("favorite_color", "blue", "likes blue"),
    ("breakfast", "eats porridge with apples", "eats porridge with apples for breakfast"),
    ("instrument", "plays the cello", "plays the cello in a quartet"),
)
"""Keys with two wordings of one fact."""


def fill_profile(database: Database, name: str, *, seed: int) -> None:
    """Insert what an assistant learnt about a person: facts, their copies, versions and noise."""
    chance = random.Random(seed)

    def learn(key: str, value: Any, days: int, **columns: Any) -> None:  # noqa: ANN401 any column
        when = f"2026-{1 + days // 28:02}-{1 + days % 28:02} 08:00:00"
        times = {"created_at": when, "updated_at": when}
        add_row(database, key, json.dumps(value), entity_id=name, **{**times, **columns})

    for key, (older, newer) in chance.sample(TOPICS, 2):
        learn(key, older, 0)
        learn(key, newer, 40)
    for key, brief, full in chance.sample(SAID_AGAIN, 2):
        learn(key, brief, 1, category="preference")
        learn(key, full, 20, category="preference")
    learn("greeting", "said good morning", 3, category="misc")
    learn("allergy", "is allergic to peanuts", 2, category="health", source="explicit")
    learn("allergy", " Is allergic to PEANUTS", 9, category="health", source="inferred")
    for number in range(20):
        learn(f"note_{number}", f"remembers scene {number} of a film seen in May", number)


def tidy(document: dict[str, Any]) -> dict[str, Any]:
    """Answer as a good model does, and once as a hasty one, so that a guard has something to do."""
    by_key: dict[str, list[str]] = {}
    for row in document["rows"]:
        by_key.setdefault(row["key"], []).append(row["id"])
    answered = reply(document, remove=by_key.get("greeting", []))
    for names, op, reason in (
        ([key for key, *_ in SAID_AGAIN], "merge", "one fact in two wordings"),
        ([key for key, _ in TOPICS], "supersede", "the newer value replaced the older one"),
    ):
        for group in (by_key[name] for name in names if len(by_key.get(name, [])) > 1):
            answered["groups"].append({"reason": reason, "op": op, "ids": group})
    both = [*by_key.get("note_1", []), *by_key.get("note_2", [])]
    answered["groups"].append({"reason": "two notes on a film", "op": "merge", "ids": both})
    return answered


def consolidated(database: Database, people: Sequence[str] = PEOPLE) -> list[StoredPlan]:
    """Fill and really consolidate profiles by a scripted model; return the plans of it."""
    job = context(database, ScriptedModel(tidy), settings=settings())
    for seed, name in enumerate(people):
        fill_profile(database, name, seed=seed)
        consolidate(job, Entity("user", name), meter_of(job.settings))
    with database.read() as connection:
        return list_plans(connection, limit=None, kind=CONSOLIDATION)


def recollected(database: Database) -> None:
    """Remember and consolidate some memories of a bot."""
    told = ("We walked to the lake in the rain", "We walked to the lake in the rain in May")
    remember_all(database, *told, "Bakes bread on Sundays", "bakes bread on SUNDAYS")
    recalled(remembering(database, merging(told)))


def add_jobs(database: Database, *, now: datetime) -> None:
    """Add the five jobs of `init`, each of which has run and is due soon; a host ticks."""
    with database.write() as connection:
        for name, job_type in JOBS.items():
            job_edits.add_job(
                connection,
                job_type=job_type,
                name=name,
                timing=Timing(schedule=Every(timedelta(hours=1))),
                bot_id="*",
                config={},
                now=now,
            )
        soon = {"next_run_at": now + timedelta(minutes=20), "last_run_at": now}
        connection.execute(sa.update(jobs).values(**soon, last_status="success"))
    sql(
        database,
        "INSERT INTO maintenance_ticks (host, first_seen_at, seen_at, version) "
        "VALUES ('lark', :at, :at, :version)",
        at=f"{now:%Y-%m-%d %H:%M:%S.%f}",
        version=__version__,
    )


def _job_ids(database: Database) -> dict[str, str]:
    with database.read() as connection:
        return {job.name or "": job.id for job in connection.execute(sa.select(jobs))}


def add_runs(
    database: Database, *, now: datetime, days: int, every: Mapping[str, int] = HOURLY
) -> int:
    """Record runs of jobs up to now, each every so many hours; return how many."""
    chance, ids = random.Random(7), _job_ids(database)
    rows: list[dict[str, Any]] = []
    sizes = {name: 20.0 + 15 * number for number, name in enumerate(PEOPLE)}
    memories = {"nova": 900.0, "orla": 350.0}
    for hour in range(24 * days, 0, -1):
        started = now - timedelta(hours=hour) + timedelta(seconds=chance.random() * 60)
        for name in (name for name, hours in every.items() if hour % hours == 0):
            row = _run(name, started, hour, chance, sizes, memories)
            rows.append({**row, "job_id": ids.get(name, name)})
    with database.write() as connection:
        connection.execute(sa.insert(runs), rows)
    return len(rows)


def _run(
    name: str,
    started: datetime,
    hour: int,
    chance: random.Random,
    sizes: dict[str, float],
    memories: dict[str, float],
) -> dict[str, Any]:
    status = chance.choices(
        ("success", "failed", "skipped", "interrupted", "abandoned"), (970, 12, 12, 4, 2)
    )[0]
    busy = 1 + (6 <= started.hour <= 22) * 2
    took = int(chance.lognormvariate(6.5 if "profile" in name else 4.5, 0.6) * busy)
    failed = "llm.base_url: http://127.0.0.1:8080/v1 did not answer within 120 s"
    return {
        "id": f"{name[:9]}{hour:07}".replace("-", ""),
        "job_name": name,
        "job_type": JOBS.get(name, name),
        "status": status,
        "attempt": 1,
        "trigger": "due",
        "host": "lark",
        "started_at": started,
        "finished_at": started + timedelta(milliseconds=took),
        "duration_ms": took,
        "result_json": _result(name, chance, sizes, memories) if status == "success" else None,
        "error_message": failed if status == "failed" else None,
    }


def _result(
    name: str, chance: random.Random, sizes: dict[str, float], memories: dict[str, float]
) -> dict[str, Any]:
    if name == "profile-maintenance":
        return _consolidation("entities", "attributes", "user", chance, sizes)
    if name == "memory-consolidation":
        return _consolidation("bots", "memories", "memory", chance, memories)
    return {"bots": [], "failed": 0}


def _consolidation(
    who: str, rows: str, kind: str, chance: random.Random, sizes: dict[str, float]
) -> dict[str, Any]:
    entity = chance.choice(list(sizes))
    before = sizes[entity] + chance.randrange(6)
    sizes[entity] = max(before - chance.randrange(6), 5) + chance.random() / 4
    line = {
        "entity_type": kind,
        "entity_id": entity,
        f"{rows}_before": int(before),
        f"{rows}_after": int(sizes[entity]),
        "accounting": {"kept": int(sizes[entity]), "merged": int(before - sizes[entity])},
        "llm": {"calls": 1, "prompt_tokens": 900, "completion_tokens": 150},
        "error": None,
        "held": False,
    }
    tokens = int(chance.lognormvariate(7, 0.5))
    llm = {"calls": 1, "prompt_tokens": tokens, "completion_tokens": tokens // 6}
    return {who: [line], "failed": 0, "held": 0, "accounting": {"merged": 1}, "llm": llm}


def add_plans(
    database: Database, real: Sequence[StoredPlan], *, now: datetime, days: int, number: int
) -> None:
    """Keep copies of real plans, spread evenly over so many days."""
    documents = [json.dumps(plan.document) for plan in real]
    rows = []
    for n in range(number):
        at, plan = now - timedelta(days=days) * ((n + 0.5) / number), real[n % len(real)]
        rows.append(
            {
                "id": f"{n:032x}"[::-1],
                "kind": plan.kind,
                "status": plan.status,
                "entity_type": plan.entity.type,
                "entity_id": plan.entity.id,
                "created_at": at,
                "applied_at": at,
                "document": documents[n % len(real)],
            }
        )
    with database.write() as connection:
        connection.execute(sa.insert(plans), rows)


def lived(
    database: Database,
    *,
    now: datetime,
    days: int = 30,
    changes: int = 40,
    every: Mapping[str, int] = HOURLY,
) -> None:
    """Give an installation a past: jobs, runs, real plans about people and a bot, one undone."""
    add_jobs(database, now=now)
    real = consolidated(database)
    recollected(database)
    undo.undo_plan(database, real[0].id, occasion(now))
    lately = now - timedelta(hours=3)
    with database.write() as connection:
        connection.execute(sa.update(plans).values(created_at=lately, applied_at=lately))
    add_runs(database, now=now, days=days, every=every)
    add_plans(database, real[1:], now=now, days=days, number=changes)
