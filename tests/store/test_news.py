"""News of runs: each beginning and each end once, however many, and nothing kept for ever."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from building import MORNING
from databases import is_sqlite

from llm_maint.store import listing, news, words
from llm_maint.store.database import Database
from llm_maint.store.driver import Source
from llm_maint.store.news import News
from llm_maint.store.tables import jobs as job_table
from llm_maint.store.tables import runs as run_table


class Following:
    """A database whose clock stands where the test puts it, and the news of it."""

    def __init__(self, database: Database, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database, self.source = database, source
        self.now = MORNING
        if not is_sqlite(database):  # whose server has a clock of its own
            ask_together = words.ask_together
            monkeypatch.setattr(
                news,
                "ask_together",
                lambda source, *queries: ask_together(source, *map(self._clock_set, queries)),
            )
            monkeypatch.setattr(news, "ask", self._asked)

    def begin(self, job_id: str | None = None) -> None:
        """Know all that there is now."""
        self.news = News.beginning(self.source, clock=lambda: self.now, job_id=job_id)

    def add(self, *ids: str, job: str = "a", status: str = "success", age: float = 0) -> None:
        """Add runs that began some seconds ago and, but for running ones, have ended."""
        ended = None if status == "running" else self.now
        begun = self.now - timedelta(seconds=age)
        rows = [
            {"id": each, "job_id": job, "status": status, "started_at": begun, "finished_at": ended}
            for each in ids
        ]
        with self.database.write() as connection:
            connection.execute(sa.insert(run_table), rows)

    def end(self, name: str, status: str = "success") -> None:
        """End a run."""
        self._change(sa.update(run_table).where(run_table.c.id == name), status)

    def _change(self, statement: sa.Update, status: str) -> None:
        with self.database.write() as connection:
            connection.execute(statement.values(status=status, finished_at=self.now))

    def claim(self, run: str) -> None:
        """Let a job be claimed by a run."""
        with self.database.write() as connection:
            connection.execute(
                sa.insert(job_table), [{"id": "a", "job_type": "x", "claim_run_id": run}]
            )

    def look(self, *, after: float = 1) -> list[tuple[str, str]]:
        """Return what has come, some seconds after the last look."""
        self.now += timedelta(seconds=after)
        return [(run.id, run.status) for run in self.news.read(self.source)]

    def _asked(self, source: Source, query: str, **values: object) -> object:
        text, given = self._clock_set((query, values))
        return words.ask(source, text, **given)

    def _clock_set(self, query: tuple[str, dict[str, object]]) -> tuple[str, dict[str, object]]:
        text, values = query
        if "{clock}" not in text:
            return query
        return text.replace("{clock}", "CAST({now} AS timestamptz)"), {"now": self.now, **values}


@pytest.fixture
def following(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    """Return a database to be followed."""
    source = database.source()
    yield Following(database, source, monkeypatch)
    source.close()


def test_each_beginning_and_each_end_comes_once(following: Following) -> None:
    """A run that began and ended between two looks comes once, as it ended."""
    following.add("old", age=1)
    following.begin()
    assert following.look() == []
    following.add("slow", status="running")
    following.add("quick")
    assert following.look() == [("quick", "success"), ("slow", "running")]
    assert following.look() == []
    following.end("slow", "failed")
    assert following.look() == [("slow", "failed")]
    assert following.look() == []


def test_a_run_is_seen_to_end_however_long_it_takes(following: Following) -> None:
    """One that had begun before anybody looked, too: its job is claimed by it."""
    following.add("days", status="running", age=900_000)
    following.claim("days")
    following.begin()
    following.add("hours", status="running")
    assert following.look() == [("hours", "running")]
    assert following.look(after=90_000) == []
    following.end("hours")
    following.end("days", "abandoned")
    assert following.look() == [("days", "abandoned"), ("hours", "success")]


def test_a_run_that_is_committed_late_is_not_lost(following: Following) -> None:
    """It began before others that were seen already."""
    following.begin()
    following.add("prompt")
    assert following.look() == [("prompt", "success")]
    following.add("late", age=news.LATE.total_seconds() - 2)
    assert following.look() == [("late", "success")]
    assert following.look(after=60) == []


def test_many_in_a_moment_all_come(following: Following) -> None:
    """More than are read together, and after a time without the database."""
    following.begin()
    names = [f"{number:04}" for number in range(3 * news.AT_ONCE + 7)]
    following.add(*names)
    assert following.look() == [(name, "success") for name in names]
    following.add("while it was away", age=3_000)
    assert following.look(after=3_600) == []  # it began before the last look
    following.add("unseen")
    following.now += timedelta(hours=1)
    assert following.look() == [("unseen", "success")]


def test_what_is_known_does_not_grow(following: Following) -> None:
    """An hour of runs leaves no more behind than the last half of a minute."""
    following.begin()
    most = 0
    for minute in range(60):
        following.add(*(f"{minute}-{number}" for number in range(20)))
        assert len(following.look(after=60)) == 20
        most = max(most, len(following.news.known))
    assert most <= 20
    following.add("deleted", status="running")
    following.look()
    with following.database.write() as connection:
        connection.execute(sa.delete(run_table))
    following.look(after=60)
    assert following.news.known == {}


def test_an_error_in_the_middle_tells_nothing_twice(following: Following) -> None:
    """What was yielded is known, and the rest comes after it."""
    following.begin()
    following.add("1", "2", "3")
    found = following.news.read(following.source)
    assert [next(found).id, next(found).id] == ["1", "2"]
    found.close()  # the second was shown, or was not: to tell it twice is better than never
    assert following.look() == [("2", "success"), ("3", "success")]


def test_a_clock_that_is_put_back_hides_nothing(following: Following) -> None:
    """Of a server that took over: what has just run may come again, what is new does come."""
    following.begin()
    following.add("1")
    following.look()
    following.now -= timedelta(hours=1)
    following.add("2")
    assert ("2", "success") in [*following.look(), *following.look()]


def test_one_job_may_be_followed(following: Following) -> None:
    """The runs of others are no news, those at work included."""
    following.add("theirs", job="b", status="running", age=500)
    following.claim("theirs")
    following.begin(job_id="a")
    following.add("1")
    following.add("2", job="b")
    following.end("theirs")
    assert following.look() == [("1", "success")]
    assert following.look() == []


def test_the_last_runs_that_are_shown_are_no_news(following: Following) -> None:
    """What came between the first look and the list that is shown is in the list."""
    following.begin()
    following.add("between")
    following.add("begun", status="running")
    shown = listing.tail(following.source, limit=10)
    following.news.are_known(shown)
    following.end("begun")
    assert following.look() == [("begun", "success")]


def test_times_are_those_of_the_clock(following: Following) -> None:
    """The server's where there is one; the test's own clock is what says so here."""
    following.begin()
    assert following.news.since == MORNING - news.LATE
    moments: list[datetime] = []
    for _ in range(3):
        following.look(after=100)
        moments.append(following.news.since)
    assert moments == [MORNING + timedelta(seconds=100 * n) - news.LATE for n in (1, 2, 3)]
