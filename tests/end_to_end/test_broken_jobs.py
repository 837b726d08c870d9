"""Broken jobs among good ones: in one and the same tick the good ones run, all of them."""

from datetime import timedelta

import pytest
from databases import sql
from workshop import Workshop

TEN_MEGABYTES = 10 * 2**20

ENOUGH = 5_000
"""Characters that are kept or said of one error: more than anybody reads."""


def test_broken_jobs_delay_nobody(workshop: Workshop) -> None:
    """One raises, two have 10 MB to say, one's type is gone, one's configuration is refused."""
    workshop.add("noting", "good-1")
    workshop.add("raising", "raises")
    workshop.add("noting", "good-2")
    workshop.add("raising", "raises-much", characters=TEN_MEGABYTES)
    workshop.add("telling", "tells-much", characters=TEN_MEGABYTES)
    workshop.add("noting", "good-3")
    workshop.add("uninstalled", "unknown")
    workshop.add("picky", "refused")
    workshop.add("noting", "good-4")
    done = workshop.tick("--json", code=1)
    assert {run["job_name"]: run["status"] for run in done.json["runs"]} == {
        "good-1": "success",
        "raises": "failed",
        "good-2": "success",
        "raises-much": "failed",
        "tells-much": "failed",
        "good-3": "success",
        "unknown": "skipped",
        "refused": "failed",
        "good-4": "success",
    }
    assert len(done.out) < 5 * ENOUGH
    for name in ("raises", "raises-much", "tells-much", "unknown", "refused"):
        assert f"llm-maint: {name} " in done.errors
        (said,) = sql(
            workshop.database,
            "SELECT error_message FROM job_runs WHERE job_name = :name",
            name=name,
        )
        assert 0 < len(said[0]) < ENOUGH
    assert max(map(len, done.errors.splitlines())) < ENOUGH
    assert workshop.claims() == []
    assert not workshop.tick("--json").json["runs"]  # nothing of it is tried again at once


@pytest.mark.parametrize("how", ["asleep", "busy", "stubborn"])
def test_a_job_that_hangs_is_ended_by_its_time_out(workshop: Workshop, how: str) -> None:
    """It has failed as timed out, and those behind it run in the same tick."""
    workshop.add("hanging", "hangs", how=how)
    workshop.add("noting", "good")
    sql(workshop.database, "UPDATE scheduled_jobs SET timeout_seconds = 1 WHERE name = 'hangs'")
    done = workshop.tick("--json", code=1)
    assert [(run["job_name"], run["status"]) for run in done.json["runs"]] == [
        ("hangs", "failed"),
        ("good", "success"),
    ]
    hung = done.json["runs"][0]
    assert 1_000 <= hung["duration_ms"] < 3_000
    assert "timed out" in hung["error_message"]
    assert "hangs" in done.errors
    assert "Traceback" not in done.errors
    assert workshop.claims() == []
    assert workshop.job("hangs").next_run_at is not None


def test_a_job_with_time_to_spare_is_not_ended(workshop: Workshop) -> None:
    """The alarm of one job rings neither for it after its end nor for the next."""
    workshop.add("noting", "short", "quick")
    workshop.add("noting", "patient", seconds=1.2)
    sql(workshop.database, "UPDATE scheduled_jobs SET timeout_seconds = 1 WHERE name <> 'patient'")
    workshop.tick()
    assert workshop.runs() == [("success", 1)] * 3
    assert workshop.succeeded() == {"short": 1, "quick": 1, "patient": 1}


def test_a_tick_waits_for_nothing_of_the_future(workshop: Workshop) -> None:
    """A job that is due in some seconds is one for a later tick; this one ends at once."""
    workshop.add("noting", "soon", due=timedelta(seconds=12))
    workshop.add("noting", "now")
    assert workshop.tick().out == ""
    assert workshop.notes() == ["now"]
    assert workshop.runs("soon") == []
    assert workshop.tick().errors == ""
    assert workshop.notes() == ["now"]
