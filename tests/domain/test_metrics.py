"""The numbers for Prometheus, read by its own client."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from building import MORNING
from prometheus_client.parser import text_string_to_metric_families

from llm_maint.domain.metrics import exposition, metrics_of
from llm_maint.domain.run_facts import OPERATIONS, RunFacts
from llm_maint.domain.runs import Status
from llm_maint.domain.vitals import HeldPlan, HostSeen, JobState, JournalSize, Vitals

HOUR = timedelta(hours=1)

JOB = JobState(name="nightly", job_type="noting", enabled=True, due_at=MORNING + HOUR)

VITALS = Vitals(
    now=MORNING,
    hosts=[
        HostSeen(host="here", first_seen_at=MORNING - HOUR, seen_at=MORNING - HOUR, version="1")
    ],
    jobs=[JOB],
    held=[HeldPlan(id="p", entity="nick", is_of_memories=False, created_at=MORNING)],
    journal=JournalSize(rows=3, octets=2**40, oldest=None),
)

Read = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def run(**fields: Any) -> RunFacts:  # noqa: ANN401 any field
    """Return a run."""
    values = {"id": "r", "job_name": "nightly", "status": "success", **fields}
    return RunFacts(started_at=MORNING, duration_ms=1, **values)


def read(vitals: Vitals, *past: RunFacts, enabled: bool = True) -> Read:
    """Return the samples that Prometheus reads, by name without our prefix, and labels."""
    text = exposition(metrics_of(vitals, past, version="1.2", enabled=enabled))
    assert text.endswith("\n")
    found: Read = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        assert family.samples
        for sample in family.samples:
            key = sample.name.removeprefix("llm_maint_"), tuple(sorted(sample.labels.items()))
            assert sample.name.startswith("llm_maint_")
            assert key not in found  # which the collector would refuse, and all others with it
            found[key] = sample.value
    return found


def value(found: Read, name: str, **labels: str) -> float:
    """Return one of them."""
    return found[name, tuple(sorted(labels.items()))]


def test_an_installation_is_told_in_numbers() -> None:
    """Each value is what it is called."""
    states = [
        JOB,
        replace(
            JOB,
            name="late",
            due_at=MORNING - 2 * HOUR,
            last_run_at=MORNING - 3 * HOUR,
            last_success_at=MORNING - 5 * HOUR,
            consecutive_failures=2,
        ),
        replace(JOB, name="off", enabled=False, due_at=None),
    ]
    found = read(replace(VITALS, jobs=states), enabled=False)
    assert value(found, "info", version="1.2") == 1
    assert value(found, "scheduler_enabled") == 0
    assert value(found, "jobs_due") == 1
    assert value(found, "job_enabled", job_name="nightly") == 1
    assert value(found, "job_enabled", job_name="off") == 0
    assert value(found, "job_overdue_seconds", job_name="late") == 7200
    assert value(found, "job_overdue_seconds", job_name="nightly") == 0
    late = "job_last_run_timestamp_seconds", "job_last_success_timestamp_seconds"
    assert [value(found, name, job_name="nightly") for name in late] == [0, 0]
    assert [value(found, name, job_name="late") for name in late] == [
        (MORNING - 3 * HOUR).timestamp(),
        (MORNING - 5 * HOUR).timestamp(),
    ]
    assert value(found, "job_consecutive_failures", job_name="late") == 2
    seen = (MORNING - HOUR).timestamp()
    assert value(found, "last_tick_timestamp_seconds", host="here") == seen
    assert value(found, "held_plans") == 1
    assert value(found, "journal_bytes") == 2**40
    assert value(found, "journal_rows") == 3


def test_the_last_day_is_summed_up() -> None:
    """Runs by status, tokens by kind, rows by operation; of a job that is gone as well."""
    found = read(
        VITALS,
        run(prompt_tokens=70, completion_tokens=30, rows={"merged": 2, "removed": 1}),
        run(status="failed", prompt_tokens=5, rows={"merged": 3}),
        run(job_name="gone"),
    )
    assert value(found, "runs_last_day", job_name="nightly", status="success") == 1
    assert value(found, "runs_last_day", job_name="nightly", status="failed") == 1
    assert value(found, "runs_last_day", job_name="gone", status="success") == 1
    assert value(found, "tokens_last_day", job_name="nightly", kind="prompt") == 75
    assert value(found, "tokens_last_day", job_name="nightly", kind="completion") == 30
    assert value(found, "rows_last_day", operation="merged") == 5
    assert value(found, "rows_last_day", operation="removed") == 1


def test_what_has_not_happened_is_zero() -> None:
    """An alert compares with something from the first tick on."""
    found = read(VITALS)
    for status in Status:
        assert value(found, "runs_last_day", job_name="nightly", status=status) == 0
    for kind in ("prompt", "completion"):
        assert value(found, "tokens_last_day", job_name="nightly", kind=kind) == 0
    for operation in OPERATIONS:
        assert value(found, "rows_last_day", operation=operation) == 0


@pytest.mark.parametrize(
    "name",
    [
        'a"b',
        "a\\",
        "a\\nb",
        "a\nb 1\nllm_maint_jobs_due 99",
        '"} 1',
        "räume 日本 \U0001f600",
        "a\r\x00\x85\u2028b",
        "{x=y},",
        "",
    ],
)
def test_no_name_breaks_the_file(name: str) -> None:
    """Whatever a job or a host is called, it is read back as it is, and nothing else changes."""
    hostile = replace(
        VITALS,
        jobs=[replace(JOB, name=name)],
        hosts=[HostSeen(host=name, first_seen_at=MORNING, seen_at=MORNING, version="1")],
    )
    found = read(hostile, run(job_name=name, status=name))
    assert value(found, "job_enabled", job_name=name) == 1
    assert value(found, "last_tick_timestamp_seconds", host=name) == MORNING.timestamp()
    assert value(found, "runs_last_day", job_name=name, status=name) == 1
    assert value(found, "jobs_due") == 0


def test_jobs_of_one_name_are_one_the_worst_of_them() -> None:
    """Rows that somebody has inserted without a name are called by their type."""
    twins = [
        replace(JOB, due_at=MORNING - HOUR, last_success_at=MORNING, consecutive_failures=1),
        replace(JOB, enabled=False, last_success_at=MORNING - HOUR),
    ]
    found = read(replace(VITALS, jobs=twins), run())
    assert value(found, "job_enabled", job_name="nightly") == 1
    assert value(found, "job_overdue_seconds", job_name="nightly") == 3600
    assert value(found, "job_consecutive_failures", job_name="nightly") == 1
    earlier = (MORNING - HOUR).timestamp()
    assert value(found, "job_last_success_timestamp_seconds", job_name="nightly") == earlier


def test_an_installation_without_anything_is_told_as_well() -> None:
    """No metric is without a value in a new database, but those of jobs and hosts."""
    empty = replace(
        VITALS, hosts=[], jobs=[], held=[], journal=JournalSize(rows=0, octets=0, oldest=None)
    )
    text = exposition(metrics_of(empty, [], version="1", enabled=True))
    names = {family.name for family in text_string_to_metric_families(text) if family.samples}
    assert {"llm_maint_jobs_due", "llm_maint_rows_last_day", "llm_maint_held_plans"} <= names
