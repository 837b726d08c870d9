"""News of runs, for whoever follows them for hours: which began or ended since the last look.

What is remembered, and what is read at a look, follows from what has just happened and what is at
work, however long it goes on.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from llm_maint.domain.runs import Run, Status
from llm_maint.store.driver import Source
from llm_maint.store.listing import as_run
from llm_maint.store.words import Row, ask, ask_together

LATE = timedelta(seconds=30)
"""A run may be seen so long after its beginning: its claim has waited for a lock, then committed.

All that began in this time is looked at again, since none of it says when it was committed.
"""

UNFINISHED = frozenset({Status.PENDING, Status.RUNNING})

AT_ONCE = 100
"""Runs that are read together, with all that their results hold."""


@dataclass(slots=True, kw_only=True)
class News:
    """What is known already of the runs, of all jobs or of one.

    `clock` is the host's, which is the one that counts on SQLite. `known` has, by their ids, the
    status of the runs that began lately or have not ended, and when they began.
    """

    clock: Callable[[], datetime]
    job_id: str | None
    since: datetime
    known: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    @classmethod
    def beginning(
        cls, source: Source, *, clock: Callable[[], datetime], job_id: str | None = None
    ) -> Self:
        """Return what is known where all that there is now is no news."""
        (answer,) = ask(source, "SELECT {clock} AS now")
        news = cls(clock=clock, job_id=job_id, since=(answer["now"] or clock()) - LATE)
        claimed = ask(source, "SELECT claim_run_id FROM {jobs} WHERE claim_run_id IS NOT NULL")
        at_work = _glances(source, [row["claim_run_id"] for row in claimed])
        for row in (*at_work, *news._lately(source)[1]):
            news._is_known(row["id"], row["job_id"], row["status"], row["started_at"])
        return news

    def are_known(self, runs: Iterable[Run]) -> None:
        """Take runs, as they are, for no news."""
        for run in runs:
            self._is_known(run.id, run.job_id, run.status, run.started_at)

    def read(self, source: Source) -> Generator[Run]:
        """Yield the runs that began or ended since the last look, in the order of that.

        What was yielded is known, also where an error ends it.
        """
        now, lately = self._lately(source)
        others = self._unfinished - {row["id"] for row in lately}
        earlier = _glances(source, sorted(others))
        for name in others - {row["id"] for row in earlier}:
            del self.known[name]  # somebody has deleted it
        fresh = [row for row in (*lately, *earlier) if self._is_news(row)]
        fresh.sort(key=lambda row: (row["finished_at"] or row["started_at"] or _EARLY, row["id"]))
        for some in _parts([row["id"] for row in fresh]):
            whole = {row["id"]: as_run(row) for row in _by_ids(source, "*", some)}
            for run in (whole[name] for name in some if name in whole):
                yield run
                self._is_known(run.id, run.job_id, run.status, run.started_at)
        self._forget(before=now - LATE)

    def _is_known(self, name: str, job_id: str, status: str, begun: datetime | None) -> None:
        begun = begun or _EARLY
        if self.job_id in (None, job_id) and (status in UNFINISHED or begun >= self.since):
            self.known[name] = (status, begun)
        else:  # it is not looked at again
            self.known.pop(name, None)

    @property
    def _unfinished(self) -> set[str]:
        return {name for name, (status, _) in self.known.items() if status in UNFINISHED}

    def _is_news(self, row: Row) -> bool:
        return row["id"] not in self.known or self.known[row["id"]][0] != row["status"]

    def _lately(self, source: Source) -> tuple[datetime, Sequence[Row]]:
        """Return the present, and what of all that began lately tells whether it is news."""
        of_job = "" if self.job_id is None else "job_id = {job_id} AND "
        given: dict[str, Any] = {} if self.job_id is None else {"job_id": self.job_id}
        query = f"SELECT {_GLANCE} FROM {{runs}} WHERE {of_job}started_at >= {{since}}"  # noqa: S608
        now = self.clock()
        # The clock first: what commits after it is looked at once more.
        clock, lately = ask_together(
            source, ("SELECT {clock} AS now", {}), (query, {**given, "since": self.since})
        )
        return clock.rows[0]["now"] or now, lately.rows

    def _forget(self, *, before: datetime) -> None:
        """Forget what ended and is not looked at again."""
        # A clock that was put back by more is followed: to tell a run twice is better than never.
        if before > self.since or before < self.since - LATE:
            self.since = before
        for name, (status, begun) in list(self.known.items()):
            if begun < self.since and status not in UNFINISHED:
                del self.known[name]


_GLANCE = "id, job_id, status, started_at, finished_at"
_EARLY = datetime.min.replace(tzinfo=UTC)


def _glances(source: Source, ids: Sequence[str]) -> list[Row]:
    return [row for some in _parts(ids) for row in _by_ids(source, _GLANCE, some)]


def _by_ids(source: Source, columns: str, ids: Sequence[str]) -> Sequence[Row]:
    given = {f"id{number}": each for number, each in enumerate(ids)}
    marks = ", ".join(f"{{{name}}}" for name in given)
    return ask(source, f"SELECT {columns} FROM {{runs}} WHERE id IN ({marks})", **given)  # noqa: S608


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
