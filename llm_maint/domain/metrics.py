"""An installation in numbers, as Prometheus reads them from a text file."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from llm_maint.domain.run_facts import OPERATIONS, RunFacts
from llm_maint.domain.runs import Status
from llm_maint.domain.vitals import JobState, Vitals

DAY = timedelta(days=1)
"""What is counted of the past. Recorded runs are pruned, and a counter that shrinks is taken for
one that began anew: what was left of it would be counted twice. So these are gauges."""

JOB = "job_name"
"""The label of a job. Prometheus has `job` for what it asks, and would rename ours."""

Labels = tuple[tuple[str, str], ...]
"""Names and values of labels, in the order in which they are written."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge: its name without our prefix, what it means, and its values by their labels."""

    name: str
    help: str
    values: Mapping[Labels, float]


def exposition(metrics: Iterable[Metric]) -> str:
    """Return metrics in the text format 0.0.4 of Prometheus."""
    return "".join(f"{line}\n" for metric in metrics for line in _lines(metric))


def metrics_of(
    vitals: Vitals, past: Iterable[RunFacts], *, version: str, enabled: bool
) -> Iterator[Metric]:
    """Yield all that is told of an installation.

    Args:
        vitals: as it is now.
        past: the runs of the last `DAY`.
        version: of llm-maint on this host.
        enabled: whether the scheduler is.

    """
    jobs, now = vitals.jobs, vitals.now
    yield Metric("info", "Version of llm-maint on this host.", {(("version", version),): 1})
    yield _one("scheduler_enabled", "Whether ticks run what is due.", enabled)
    yield _one("jobs_due", "Jobs that are due now.", sum(job.is_due(now=now) for job in jobs))
    yield from _of_jobs(jobs, now)
    hosts: dict[Labels, float] = {
        (("host", each.host),): each.seen_at.timestamp() for each in vitals.hosts
    }
    ticked = "When a host was last seen to tick; noted every five minutes."
    yield Metric("last_tick_timestamp_seconds", ticked, hosts)
    yield _one("held_plans", "Plans that wait for a person.", len(vitals.held))
    if vitals.journal is not None:
        yield _one("journal_bytes", "Bytes of plans and before-images.", vitals.journal.octets)
        yield _one("journal_rows", "Before-images in the journal.", vitals.journal.rows)
    yield from _of_the_past(jobs, past)


def _of_jobs(jobs: Iterable[JobState], now: datetime) -> Iterator[Metric]:
    """Yield what is known of each job. Those of one name are one, the worst of them."""
    states: dict[Labels, list[JobState]] = {}
    for job in jobs:
        states.setdefault(((JOB, job.name),), []).append(job)
    for name, text, read, worst in _OF_JOBS:
        yield Metric(
            name,
            text,
            {label: worst(read(job, now) for job in each) for label, each in states.items()},
        )


_OF_JOBS: tuple[
    tuple[str, str, Callable[[JobState, datetime], float], Callable[[Iterable[float]], float]], ...
] = (
    ("job_enabled", "Whether the job runs when it is due.", lambda job, _: job.enabled, max),
    (
        "job_overdue_seconds",
        "For how long the job has been due.",
        lambda job, now: job.overdue(now=now).total_seconds(),
        max,
    ),
    (
        "job_last_run_timestamp_seconds",
        "When the job was last begun; 0 for never.",
        lambda job, _: _timestamp(job.last_run_at),
        max,
    ),
    (
        "job_last_success_timestamp_seconds",
        "When a recorded run of the job last ended well; 0 for never.",
        lambda job, _: _timestamp(job.last_success_at),
        min,
    ),
    (
        "job_consecutive_failures",
        "How often in a row the job has failed.",
        lambda job, _: job.consecutive_failures,
        max,
    ),
)
"""Name, meaning, value, and which value is the worst."""


def _of_the_past(jobs: Iterable[JobState], past: Iterable[RunFacts]) -> Iterator[Metric]:
    """Yield sums over runs; what is not there is 0, so that an alert has something to compare."""
    runs: dict[Labels, float] = {}
    tokens: dict[Labels, float] = {}
    rows: dict[Labels, float] = {(("operation", name),): 0 for name in OPERATIONS}
    for name in dict.fromkeys(job.name for job in jobs):
        runs |= {((JOB, name), ("status", status)): 0 for status in Status}
        tokens |= {((JOB, name), ("kind", kind)): 0 for kind in _KINDS}

    def add(sums: dict[Labels, float], number: int, *labels: tuple[str, str]) -> None:
        sums[labels] = sums.get(labels, 0) + number

    for run in past:
        job = (JOB, run.job_name)
        add(runs, 1, job, ("status", run.status))
        for kind, number in zip(_KINDS, (run.prompt_tokens, run.completion_tokens), strict=True):
            add(tokens, number, job, ("kind", kind))
        for operation, number in run.rows.items():
            add(rows, number, ("operation", operation))
    yield Metric("runs_last_day", f"Runs {_LAST_DAY}", runs)
    yield Metric("tokens_last_day", f"Tokens of the model in runs {_LAST_DAY}", tokens)
    yield Metric("rows_last_day", f"Rows that runs have changed, of those {_LAST_DAY}", rows)


_KINDS = ("prompt", "completion")

_LAST_DAY = "begun in the last 24 hours; a gauge, for old runs are pruned."


def _one(name: str, text: str, value: float) -> Metric:
    return Metric(name, text, {(): value})


def _timestamp(moment: datetime | None) -> float:
    return 0 if moment is None else moment.timestamp()


def _lines(metric: Metric) -> Iterator[str]:
    name = f"llm_maint_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} gauge"
    for labels, value in metric.values.items():
        written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
        where = f"{{{written}}}" if written else ""
        yield f"{name}{where} {int(value) if float(value).is_integer() else value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
