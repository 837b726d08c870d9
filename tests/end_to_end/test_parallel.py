"""Many processes at once: each due job runs exactly once."""

import json
import threading
from collections import Counter

import pytest
import sqlalchemy as sa
from command import DEFAULT_JOBS, Command

JOBS, PROCESSES = 40, 6


@pytest.mark.parametrize("repetition", [1, 2])
def test_each_job_runs_once(stranger: Command, repetition: int) -> None:  # noqa: ARG001
    """40 due jobs and 6 processes: none runs twice, none is left, whoever comes first."""
    stranger("init")
    _add_jobs(stranger)
    processes = [stranger.started("run-due", "--json") for _ in range(PROCESSES)]
    # Read side by side: a full pipe would stop a process.
    printed: list[tuple[str, str]] = [("", "")] * PROCESSES

    def wait(number: int) -> None:
        printed[number] = processes[number].communicate(timeout=120)

    waiting = [threading.Thread(target=wait, args=(number,)) for number in range(PROCESSES)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    assert [process.returncode for process in processes] == [0] * PROCESSES, printed
    told = [run for out, _ in printed for run in json.loads(out)["runs"]]
    expected = dict.fromkeys([*(f"job-{n}" for n in range(JOBS))], 1)
    assert Counter(run["job_name"] for run in told) == {
        **expected,
        **dict.fromkeys(DEFAULT_JOBS, 1),
    }
    recorded = stranger("runs", "tail", "-n", "100", "--json").out.splitlines()
    assert Counter(json.loads(line)["job_name"] for line in recorded) == Counter(
        run["job_name"] for run in told
    )
    assert {json.loads(line)["status"] for line in recorded} == {"success"}


def _add_jobs(command: Command) -> None:
    url = command.settings["database_url"].replace("postgresql://", "postgresql+psycopg://")
    engine = sa.create_engine(url)
    insert = sa.text(
        "INSERT INTO scheduled_jobs (id, job_type, enabled, interval_minutes, name) "
        "VALUES (:name, 'history_pruning', true, 60, :name)"
    )
    with engine.begin() as connection:
        connection.execute(insert, [{"name": f"job-{number}"} for number in range(JOBS)])
    engine.dispose()
