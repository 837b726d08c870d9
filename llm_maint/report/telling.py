"""What the page tells of an installation: its health, its figures, its jobs and their failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from llm_maint.domain.checkup import Check as Found
from llm_maint.domain.checkup import State, worst_state
from llm_maint.domain.spans import span
from llm_maint.domain.vitals import JobState, Vitals
from llm_maint.report.amounts import compact, count, counted, duration, moment, share, shortened
from llm_maint.report.page import Check, Fact, Listing, Page
from llm_maint.report.pictures import duration_charts, runs_chart, size_charts, tokens_chart
from llm_maint.report.tally import Tally, high, is_of_memories, middle

MOST_JOBS = 100

LONG = 300
"""Characters of an error, a name or a finding that are shown."""

LONG_NAME = 80

NOTHING = "No runs in this window."

OPERATIONS = {
    "folded": "folded",
    "merged": "merged",
    "superseded": "superseded",
    "removed": "removed",
    "pruned": "pruned",
    "rewritten": "rewritten",
    "tagged": "tagged",
    "untagged": "untagged",
}
"""Effects that are figures; rows that were imported, edited or put back are in the list below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and when a report was made. `database` is its URL without the password."""

    database: str
    host: str
    version: str
    made_at: datetime
    since: datetime


def page_of(
    place: Place,
    *,
    vitals: Vitals,
    checks: Sequence[Found],
    tally: Tally,
    rows: Mapping[str, int],
    notes: Sequence[str],
    values: bool,
) -> Page:
    """Return what the page tells but the changes.

    Args:
        place: where and when.
        vitals: how the installation is.
        checks: what was judged of it.
        tally: the runs of the window.
        rows: how many rows met each effect in it.
        notes: what a reader should know of what is shown.
        values: whether texts that may repeat what a row says are shown.

    """
    has_tokens = bool(tally.prompt_tokens or tally.completion_tokens)
    return Page(
        title=f"llm-maint report, {moment(place.made_at)[:10]}",
        about=_about(place),
        verdict=_verdict(checks),
        state=worst_state(checks),
        checks=[_check(each) for each in checks],
        figures=_figures(tally, rows),
        empty="" if tally.runs else NOTHING,
        runs=runs_chart(tally) if tally.runs else None,
        durations=duration_charts(tally),
        tokens=tokens_chart(tally) if has_tokens else None,
        sizes=size_charts(tally),
        jobs=_jobs(vitals, tally),
        failures=_failures(tally, values=values),
        notes=[shortened(note, LONG) for note in notes],
    )


def _about(place: Place) -> list[Fact]:
    days = (place.made_at - place.since).days
    return [
        Fact("Window", f"{counted(days, 'day')}, since {moment(place.since)} UTC"),
        Fact("Made", f"{moment(place.made_at)} UTC"),
        Fact("Database", shortened(place.database, LONG)),
        Fact("Host", shortened(place.host, LONG_NAME)),
        Fact("Version", place.version),
    ]


def _check(found: Found) -> Check:
    told = shortened(found.found, LONG)
    return Check(name=found.name, state=found.state, found=told, mend=shortened(found.mend, LONG))


def _verdict(checks: Sequence[Found]) -> str:
    failures = sum(check.state is State.FAILURE for check in checks)
    warnings = sum(check.state is State.WARNING for check in checks)
    told = [counted(n, name) for n, name in ((failures, "failure"), (warnings, "warning")) if n]
    return f"{' and '.join(told)} to look at." if told else "All is well."


def _figures(tally: Tally, rows: Mapping[str, int]) -> list[Fact]:
    good, bad = tally.statuses["success"], tally.statuses["failed"] + tally.statuses["abandoned"]
    tokens = tally.prompt_tokens + tally.completion_tokens
    done = [f"{count(rows[name])} {told}" for name, told in OPERATIONS.items() if rows.get(name)]
    changed = sum(rows.get(name, 0) for name in OPERATIONS)
    return [
        Fact("Runs", count(tally.runs), f"of {counted(len(tally.jobs), 'job')}"),
        Fact("Success", share(good, good + bad), f"{count(bad)} of {count(good + bad)} failed"),
        Fact(
            "Tokens",
            compact(tokens),
            f"{count(tally.prompt_tokens)} prompt, {count(tally.completion_tokens)} completion, "
            f"{counted(tally.calls, 'call')}",
        ),
        Fact("Rows changed", count(changed), ", ".join(done) or "none"),
        *_sizes(tally),
    ]


def _sizes(tally: Tally) -> list[Fact]:
    """Return how many rows there were before the first run of each entity, and after the last."""
    sizes = tally.sizes()
    facts = []
    for name, things, are in (("Profiles", "entities", False), ("Memories", "bots", True)):
        of_kind = [entity for entity in sizes if is_of_memories(entity) == are]
        if of_kind:
            before = sum(tally.first_sizes[entity] for entity in of_kind)
            after = sum(sizes[entity][-1] or 0 for entity in of_kind)
            more = f"rows of {count(len(of_kind))} {things} that runs dealt with"
            facts.append(Fact(name, f"{count(before)} → {count(after)}", more))
    return facts


def _jobs(vitals: Vitals, tally: Tally) -> Listing:
    listed = vitals.jobs[:MOST_JOBS]
    more = len(vitals.jobs) - len(listed)
    return Listing(
        headers=(
            *("Job", "Next due", "Last run", "Last success", "Failures in a row"),
            *("Runs", "Median", "95th percentile"),
        ),
        numeric=frozenset({4, 5, 6, 7}),
        rows=[_job(each, vitals, tally) for each in listed],
        note=f"{count(more)} more are in: llm-maint jobs list" if more else "",
    )


def _job(job: JobState, vitals: Vitals, tally: Tally) -> Sequence[str]:
    took = tally.durations.get(job.name, [])
    last = f"{moment(job.last_run_at)} {shortened(job.last_status or '', LONG_NAME)}".strip()
    return (
        shortened(job.name, LONG_NAME),
        _next(job, now=vitals.now),
        last or "never",
        moment(job.last_success_at) or "never",
        count(job.consecutive_failures),
        count(tally.jobs[job.name]),
        duration(middle(took)) if took else "",
        duration(high(took)) if took else "",
    )


def _next(job: JobState, *, now: datetime) -> str:
    if not job.enabled:
        return "disabled"
    if job.is_running(now=now):
        return "running"
    if job.is_claimed:
        return "held by a dead process"
    late = job.overdue(now=now)
    if job.due_at is None or late:
        return f"due for {span(late)}" if late else "due now"
    return moment(job.due_at)


def _failures(tally: Tally, *, values: bool) -> Listing:
    return Listing(
        headers=("Run", "Started", "Job", "Status", "What was wrong"),
        rows=[
            (
                each.id[:8],
                moment(each.started_at),
                shortened(each.job_name, LONG_NAME),
                each.status,
                _error(each.error_message or "", values=values),
            )
            for each in tally.failures
        ],
        note="In full: llm-maint runs show RUN" if tally.failures else "",
    )


def _error(text: str, *, values: bool) -> str:
    if text and not values:
        return "left out, as it may repeat what a row says"
    return shortened(text, LONG)
