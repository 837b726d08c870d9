"""A crowd of processes on one database: each job runs once, and nobody goes hungry."""

from collections import Counter

import pytest
import sqlalchemy as sa
from workshop import Workshop, wait_until

from llm_maint.store.tables import jobs


@pytest.mark.parametrize(
    ("database_url", "processes", "number"),
    [("postgresql", 8, 200), ("sqlite", 4, 50)],
    indirect=["database_url"],
)
def test_a_crowd_runs_each_job_once(workshop: Workshop, processes: int, number: int) -> None:
    """None twice, none left, none at work at the end; and more than one process had a share."""
    names = [f"job-{each}" for each in range(number)]
    workshop.add("noting", *names)
    crowd = [workshop.start("run-due", "--json") for _ in range(processes)]
    done = [each.wait() for each in crowd]
    assert [(each.code, each.errors) for each in done] == [(0, "")] * processes
    assert Counter(workshop.notes()) == dict.fromkeys(names, 1)
    assert workshop.succeeded() == dict.fromkeys(names, 1)
    assert workshop.runs() == [("success", 1)] * number
    assert workshop.claims() == []
    told = [[run["job_name"] for run in each.json["runs"]] for each in done]
    assert sorted(name for share in told for name in share) == sorted(names)
    assert sum(map(bool, told)) > 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_slow_job_holds_up_no_other_process(workshop: Workshop) -> None:
    """While one works the others take what is behind it: the last job does not wait for it."""
    workshop.add("noting", "slow", until="the end")
    workshop.add("noting", *(f"job-{number}" for number in range(20)))
    crowd = [workshop.start("run-due", "--json") for _ in range(2)]
    wait_until(lambda: len(workshop.notes()) == 21)
    workshop.command.home.joinpath("the end").touch()
    done = [each.wait() for each in crowd]
    assert [(each.code, each.errors) for each in done] == [(0, "")] * 2
    assert Counter(workshop.notes()).most_common(1)[0][1] == 1
    assert set(workshop.succeeded().values()) == {1}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_row_that_somebody_has_locked_holds_up_no_other(workshop: Workshop) -> None:
    """A tick passes over a job that is being edited, due or dead, and runs what is behind it."""
    hasty = workshop.hasty()
    hasty.add("exiting", "dead")
    hasty.tick(code=9)
    hasty.outlive_leases()
    workshop.add("noting", "edited", "free")
    with workshop.database.write() as editing:
        rows = sa.select(jobs.c.id).where(jobs.c.name != "free").with_for_update()
        assert len(editing.execute(rows).all()) == 2
        done = workshop.tick()
        assert (done.out, done.errors) == ("", "")
        assert workshop.notes() == ["dead", "free"]
    assert workshop.tick("--job", "edited").errors.count("dead: ") == 1
    assert workshop.notes() == ["dead", "free", "edited"]
