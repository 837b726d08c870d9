"""Jobs, runs, profiles and settings as tables for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from llm_maint.console.output import Line, Table
from llm_maint.domain.firing import Misfire, in_words
from llm_maint.domain.profile import Attribute
from llm_maint.domain.runs import Run
from llm_maint.domain.schedule import Cron
from llm_maint.domain.spans import span

if TYPE_CHECKING:
    from llm_maint.domain.memory import Memory
    from llm_maint.store.listing import ScheduledJob
    from llm_maint.store.memories import BotCount
    from llm_maint.store.plans import StoredPlan
    from llm_maint.store.profiles import EntityCount


def jobs_table(jobs: "Iterable[ScheduledJob]", *, now: datetime) -> Table:
    """Return jobs: what runs, how often, when next, and how it went last."""
    return Table(
        ("ID", "NAME", "TYPE", "BOT", "WHEN", "NEXT", "LAST", "STATUS"),
        [
            (
                job.id[:8],
                job.name,
                job.job_type,
                job.bot_id or "",
                in_words(job.timing.schedule),
                _next(job, now=now),
                short_time(job.last_run_at),
                _status(job),
            )
            for job in jobs
        ],
        spare=frozenset({"TYPE", "BOT", "LAST"}),
    )


def job_lines(job: "ScheduledJob", *, now: datetime) -> list[Line]:
    """Return one job in full."""
    facts = {
        "id": job.id,
        "name": job.name,
        "type": job.job_type,
        "bot": job.bot_id or "",
        "state": _state(job, now=now),
        **_timing_facts(job),
        "next runs": ", ".join(map(short_time, job.slots(5, now=now))),
        "last run": short_time(job.last_run_at),
        "last status": _status(job),
        "failures in a row": str(job.consecutive_failures),
        "config": "not a JSON object" if job.config is None else str(dict(job.config)),
    }
    return fact_lines(facts)


def _state(job: "ScheduledJob", *, now: datetime) -> str:
    state = "enabled" if job.enabled else "disabled"
    return f"{state}, running now" if job.is_running(now=now) else state


def _timing_facts(job: "ScheduledJob") -> dict[str, str]:
    timing = job.timing
    cron = isinstance(timing.schedule, Cron)
    facts = {
        "cron" if cron else "every": in_words(timing.schedule),
        "problem": job.problem or "",
        "priority": str(timing.priority or ""),
        "misfire": "" if timing.misfire is Misfire.LATEST else timing.misfire,
        "grace": _duration(timing.grace),
        "jitter": _duration(timing.jitter or None),
        "time-out": _duration(timing.timeout),
    }
    return {name: text for name, text in facts.items() if text}


def _duration(duration: timedelta | None) -> str:
    return "" if duration is None else str(duration)


def runs_table(runs: Iterable[Run]) -> Table:
    """Return runs: when, what, how long, and what came of it."""
    return Table(
        ("RUN", "STARTED", "JOB", "STATUS", "TOOK", "WHAT"),
        [
            (
                run.id[:8] or "(dry run)",
                short_time(run.started_at),
                run.job_name,
                run.status,
                took(run.duration_ms),
                outcome(run),
            )
            for run in runs
        ],
        numeric=frozenset({"TOOK"}),
    )


def entities_table(entities: "Iterable[EntityCount]") -> Table:
    """Return whose profiles there are."""
    return Table(
        ("ENTITY", "TYPE", "ATTRIBUTES", "UPDATED"),
        [
            (each.entity.id, each.entity.type, str(each.attributes), short_time(each.updated_at))
            for each in entities
        ],
        numeric=frozenset({"ATTRIBUTES"}),
    )


def attributes_table(rows: Sequence[Attribute]) -> Table:
    """Return a profile's rows."""
    return Table(
        ("ID", "CATEGORY", "KEY", "VALUE", "CONF", "SOURCE", "CREATED", "UPDATED"),
        [
            (
                str(row.id),
                row.category,
                row.key,
                row.text,
                "" if row.confidence is None else f"{row.confidence:g}",
                row.source or "",
                short_time(row.created_at),
                short_time(row.updated_at),
            )
            for row in rows
        ],
        numeric=frozenset({"ID", "CONF"}),
        spare=frozenset({"CREATED", "UPDATED"}),
    )


def bots_table(bots: "Iterable[BotCount]") -> Table:
    """Return whose memories there are."""
    return Table(
        ("BOT", "MEMORIES", "UPDATED"),
        [(each.entity.id, f"{each.memories:,}", short_time(each.updated_at)) for each in bots],
        numeric=frozenset({"MEMORIES"}),
    )


def memories_table(memories: "Iterable[Memory]") -> Table:
    """Return a bot's memories."""
    return Table(
        ("ID", "CONTENT", "TAGS", "IMPORTANCE", "USED", "CREATED", "LAST USED"),
        [
            (
                memory.id,
                memory.content,
                ", ".join(memory.tags),
                "" if memory.importance is None else f"{memory.importance:g}",
                str(memory.access_count or ""),
                short_time(memory.created_at),
                short_time(memory.last_accessed),
            )
            for memory in memories
        ],
        numeric=frozenset({"IMPORTANCE", "USED"}),
        spare=frozenset({"CREATED", "LAST USED", "USED"}),
    )


def plans_table(plans: "Iterable[StoredPlan]") -> Table:
    """Return plans: what was done to whom, and what can be undone."""
    return Table(
        ("PLAN", "CREATED", "ENTITY", "KIND", "STATUS", "ROWS"),
        [
            (
                plan.id[:8],
                short_time(plan.created_at),
                str(plan.entity),
                plan.kind,
                plan.status,
                before_after(plan.document),
            )
            for plan in plans
        ],
    )


def fact_lines(facts: Mapping[str, str]) -> list[Line]:
    """Return names and values, one a line."""
    width = max(map(len, facts))
    return [Line(f"{name:<{width}}  {value}".rstrip()) for name, value in facts.items()]


def outcome(run: Run) -> str:
    """Return in a few words what came of a run."""
    if run.error_message:
        return run.error_message
    result = run.result or {}
    if run.job_type in _CONSOLIDATING and {"entities", "bots"} & result.keys():
        return _consolidated(result)
    told = {n: v for n, v in result.items() if not isinstance(v, list | dict) and (n, v) != _FINE}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())


_FINE = ("failed", 0)

_CONSOLIDATING = ("profile_maintenance", "memory_consolidation")
"""Job types whose results we know; those of other packages may name anything as they like."""


def before_after(document: Mapping[str, Any]) -> str:
    """Return how many rows there were and are, in a result or a plan."""
    rows_are = "memories" if "memories_before" in document else "attributes"
    if document.get(f"{rows_are}_before") is None:
        return ""
    return f"{document[f'{rows_are}_before']} -> {document[f'{rows_are}_after']}"


def short_time(moment: datetime | None) -> str:
    """Return a time in UTC, to the second."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def took(duration_ms: int | None) -> str:
    """Return a duration for people."""
    if duration_ms is None:
        return ""
    if duration_ms >= _LONG:
        return span(timedelta(milliseconds=duration_ms))
    return f"{duration_ms} ms" if duration_ms < _ONE_SECOND else f"{duration_ms / 1000:.1f} s"


_ONE_SECOND, _LONG = 1_000, 120_000


def _consolidated(result: Mapping[str, Any]) -> str:
    entities = result["bots"] if "bots" in result else result["entities"]
    waiting = f", {result['deferred']} wait for the next run" if result.get("deferred") else ""
    if not entities:
        return f"nothing was consolidated{waiting}" if waiting else _NOTHING_CHANGED
    who = (
        entities[0]["entity_id"]
        if len(entities) == 1
        else f"{len(entities)} {'bots' if 'bots' in result else 'entities'}"
    )
    held = f", {result['held']} held for review" if result.get("held") else ""
    rows = "memories" if "bots" in result else "rows"
    return f"{who}: {before_after(result)} {rows}{held}{waiting}"


_NOTHING_CHANGED = "nothing has changed since the last run"


def _next(job: "ScheduledJob", *, now: datetime) -> str:
    if not job.enabled:
        return "disabled"
    if job.is_running(now=now):
        return "running"
    if job.next_run_at is None or job.next_run_at <= now:
        return "due now"
    return short_time(job.next_run_at)


def _status(job: "ScheduledJob") -> str:
    if job.consecutive_failures > 1:
        return f"{job.last_status} ({job.consecutive_failures} in a row)"
    return job.last_status or ""
