"""Among 20,000 jobs that are not due and 50,000 runs: what a tick does follows from what is due."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from building import MORNING
from databases import Server, is_sqlite, opened, sql
from explaining import explained
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.runs import Claim, Success
from llm_maint.domain.settlement import settle
from llm_maint.store import claims, history, overview, queue, shares, workers
from llm_maint.store.database import Database
from llm_maint.store.dialect import source_of
from llm_maint.store.due import anything_due
from llm_maint.store.jobs import all_jobs, find_job
from llm_maint.store.news import News
from llm_maint.store.past import rows_changed
from llm_maint.store.tables import jobs
from llm_maint.store.vitals import vitals

LEASE = timedelta(minutes=2)
DUE, OLD = 5, 40
_OLD = datetime(2025, 1, 1, 0, OLD, 30, tzinfo=UTC)

ROWS = 300
"""Of tens of thousands: several for each of the few that are due, held or old."""

STEPS = 6_000
"""Of SQLite's machine: what that many rows take, and a tenth of what it takes to see each job."""

COLUMNS = {
    "scheduled_jobs": "id, job_type, name, priority, claim_run_id, last_run_at, lease_expires_at, "
    "next_run_at",
    "job_runs": "id, job_id, job_name, status, started_at, finished_at, scheduled_for",
}
LONG_AGO, FAR_OFF = "'2026-01-01 00:00:00+00:00'", "'2100-01-01 00:00:00+00:00'"
_JOB = "'{0}-' || n, 'any', '{0} ' || n, n % 3"
_RUN = "'{0}-' || n, '{1}-' || (n % 20000 + 1), '{1}', '{2}', {{time}}"
MANY = [
    ("scheduled_jobs", f"{_JOB.format('later')}, NULL, NULL, NULL, {FAR_OFF}", 20_000),
    ("job_runs", f"{_RUN.format('run', 'later', 'success')}, {{time}}, {{time}}", 50_000),
]
FEW = [
    ("scheduled_jobs", f"{_JOB.format('due')}, NULL, NULL, NULL, {LONG_AGO}", DUE),
    ("scheduled_jobs", f"{_JOB.format('lost')}, 'lost-1', {LONG_AGO}, {LONG_AGO}, NULL", 1),
    ("scheduled_jobs", f"{_JOB.format('held')}, 'held-1', {LONG_AGO}, {FAR_OFF}, NULL", 1),
    ("job_runs", f"{_RUN.format('lost', 'lost', 'running')}, NULL, NULL", 1),
    ("job_runs", f"{_RUN.format('held', 'held', 'running')}, NULL, NULL", 1),
]
"""Table, a row for each number n, and how many numbers."""

NUMBERS = {
    "sqlite": "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :last)",
    "postgresql": "WITH n (n) AS (SELECT generate_series(1, CAST(:last AS integer)))",
}
TIME = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', '2025-01-01', n || ' minutes')",
    "postgresql": "timestamptz '2025-01-01 00:00:00+00' + n * interval '1 minute'",
}


@pytest.fixture(scope="module", params=["few known", "few unknown"])
def are_known(request: pytest.FixtureRequest) -> bool:
    """Return whether the database's statistics are younger than the few that are due or held."""
    return bool(request.param == "few known")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def big(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    are_known: bool,  # noqa: FBT001 a case
) -> Iterator[Database]:
    """Return a database with so many jobs and runs; nothing that a test does to it stays."""
    if request.param == "sqlite":
        ready = request.getfixturevalue("ready_sqlite")
        path = shutil.copy(ready, tmp_path_factory.mktemp("big"))
        yield from _filled(f"sqlite:///{path}", are_known=are_known)
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.create(template=request.getfixturevalue("ready_postgresql"))
    yield from _filled(url, are_known=are_known)
    server.drop(url)


def _filled(url: str, *, are_known: bool) -> Iterator[Database]:
    database = opened(url)
    _fill(database, MANY)
    sql(database, "ANALYZE")
    _fill(database, FEW)
    with database.write() as connection:
        entities = [Entity("user", str(number)) for number in range(2_000)]
        shares.open_share(connection, _held(connection), entities, now=MORNING)
    if are_known:
        sql(database, "ANALYZE")
    yield database
    database.close()


def _fill(database: Database, tables: list[tuple[str, str, int]]) -> None:
    kind = "sqlite" if is_sqlite(database) else "postgresql"
    for table, row, last in tables:
        into = f"INSERT INTO {table} ({COLUMNS[table]}) {NUMBERS[kind]}"
        sql(database, f"{into} SELECT {row.format(time=TIME[kind])} FROM n", last=last)


def _held(connection: Connection) -> Claim:
    """Return the claim of a living process, which has opened its run to others."""
    claim = queue.unclaimed(source_of(connection), "held-1", now=MORNING)
    return replace(claim, run_id="held-1")


def _claimed(connection: Connection) -> list[Claim]:
    tick = queue.Tick(due_by=MORNING, lease=LEASE, host="here")
    claimed = []
    while (claim := tick.claim_next(source_of(connection), now=MORNING)) is not None:
        claimed.append(claim)
    return claimed


def _run_all(connection: Connection) -> int:
    """Claim and record as a tick does; return how many jobs that was."""
    claimed = _claimed(connection)
    for claim in claimed:
        settlement = settle(claim, Success(), now=MORNING)
        claims.record(source_of(connection), claim, settlement, now=MORNING)
    return len(claimed)


def _share(connection: Connection) -> object:
    """Take part in a run as another process does."""
    source = source_of(connection)
    (run,) = workers.under_way(source, now=MORNING, host="there")
    assert run.is_open
    worker = workers.join(source, run.claim, now=MORNING, lease=LEASE)
    item = shares.take(connection, worker.claim.run_id, worker.id)
    workers.renew(source, worker, now=MORNING, lease=LEASE)
    workers.fence(source, worker, now=MORNING)
    return item and item.entity.id


def _follow(connection: Connection, job_id: str | None) -> tuple[int, int]:
    """Look for news twice; return how many runs came, and how many are waited for."""
    source = source_of(connection)
    news = News.beginning(source, clock=lambda: MORNING, job_id=job_id)
    found = [run for _ in range(2) for run in news.read(source)]
    return len(found), len(news.known)


WORK: dict[str, tuple[Callable[[Connection], object], object]] = {
    "a tick": (_run_all, DUE),
    "a dry run": (lambda at: len(queue.due(source_of(at), now=MORNING)), DUE),
    "one job alone": (lambda at: len(queue.due(source_of(at), now=MORNING, job_id="due-1")), 1),
    "renew": (lambda at: claims.renew(source_of(at), _held(at), now=MORNING, lease=LEASE), True),
    "fence": (lambda at: claims.fence(source_of(at), _held(at), now=MORNING), None),
    "rescue": (lambda at: len(claims.rescue_expired(source_of(at), now=MORNING)), 1),
    "next due": (lambda at: str(queue.next_due_at(source_of(at)))[:4], "2026"),
    "take part": (_share, "0"),
    "count old runs": (lambda at: history.prunable_runs(at, before=_OLD), OLD),
    "prune": (lambda at: history.prune_runs(at, before=_OLD), OLD),
    "prune in part": (lambda at: history.prune_runs(at, before=MORNING, limit=OLD), OLD),
    "the last runs": (lambda at: len(history.tail(at, limit=20)), 20),
    "of a job": (lambda at: len(history.tail(at, limit=20, job_id="later-7")), 3),
    "follow": (lambda at: _follow(at, None), (0, 2)),
    "follow a job": (lambda at: _follow(at, "held-2"), (0, 1)),
    "a job by its id": (lambda at: find_job(at, "later-7").id, "later-7"),
}


@pytest.mark.parametrize("what", WORK)
def test_work_follows_from_what_is_due(big: Database, what: str) -> None:
    """No statement reads a big table from end to end, or more of it than a few rows for each."""
    work, result = WORK[what]
    with explained(big) as told, big.write(rolls_back=True) as connection:
        assert work(connection) == result
    assert told
    for each in told:
        assert not {"scheduled_jobs", "job_runs"} & set(each.scans), each
        assert each.work < (STEPS if is_sqlite(big) else ROWS), each


def test_an_empty_tick_looks_at_next_to_nothing(big: Database) -> None:
    """One question, answered by the first rows of two indexes."""
    with big.write() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id.like("due-%")).values(enabled=False))
    with explained(big) as told:
        source = big.source()
        assert anything_due(source, host="studio", now=MORNING) == (True, False)  # a dead process
        source.close()
    with big.write() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id.like("due-%")).values(enabled=True))
    (each,) = told
    assert "scheduled_jobs" not in each.scans, each
    assert each.work < (STEPS if is_sqlite(big) else ROWS) / 10, each


def test_what_status_shows_is_read_of_few_runs(big: Database) -> None:
    """It looks at each job, and at no run but the last ones; failures are sought among those."""
    with explained(big) as told, big.read() as connection:
        source = source_of(connection)
        found = vitals(source, now=MORNING)
        overview.last_statuses(source, [job.id for job in found.jobs[:12]])
        overview.last_failures(source, limit=3)
        overview.tokens_by_day(source, now=MORNING)
        rows_changed(source, MORNING)
        for_one = len(told)
        vitals(source, now=MORNING, job_id="later-7")
        overview.last_failures(source, limit=3, job_id="later-7")
        overview.tokens_by_day(source, now=MORNING, job_id="later-7")
        rows_changed(source, MORNING, job_id="later-7")
    assert len(found.jobs) == 20_000 + DUE + 2
    assert not [each for each in told if "job_runs" in each.scans]
    assert not [each for each in told[for_one:] if "scheduled_jobs" in each.scans]
    steps = STEPS / ROWS if is_sqlite(big) else 1
    of_runs = [each.work for each in told if "scheduled_jobs" not in each.statement]
    assert max(of_runs) < steps * (overview.LOOKED_THROUGH + ROWS)
    assert max(each.work for each in told[for_one:]) < (STEPS if is_sqlite(big) else ROWS)


def test_what_reads_everything_is_told(big: Database) -> None:
    """The measure that the others go by finds what reads a table from end to end."""
    with explained(big) as told, big.read() as connection:
        assert len(all_jobs(connection)) == 20_000 + DUE + 2
    each = told[-1]
    assert each.scans == ["scheduled_jobs"]
    assert each.work > 2 * (STEPS if is_sqlite(big) else ROWS)
