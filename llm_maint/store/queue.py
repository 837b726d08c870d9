"""The queue of jobs: what is due, in which order, and claiming it."""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from llm_maint.domain.firing import Misfire
from llm_maint.domain.runs import Claim, Trigger
from llm_maint.store import listing
from llm_maint.store.driver import FIRST, Source
from llm_maint.store.values import legible
from llm_maint.store.words import Answer, Query, Row, ask, ask_together

PAGE = 400
"""Jobs that are put in order at once: however many are due, each claim costs the same."""

_ALL = 2**31 - 1

STALE = timedelta(seconds=1)
"""How long a page is good for: what became due since, and is more urgent, has its turn."""


class Tick:
    """What one tick claims: the jobs that are due when it begins, each once, one after the other.

    Higher priorities come first, then what was tried least, then what has been due for longest. One
    that kills its process each time so keeps the others waiting only once.
    """

    def __init__(
        self, *, due_by: datetime, lease: timedelta, host: str, job_id: str | None = None
    ) -> None:
        """Begin a tick.

        Args:
            due_by: only jobs due by then, so that a tick ends however long its jobs take.
            lease: how long a claim holds unless it is renewed.
            host: who claims.
            job_id: only this job, if it is due.

        """
        self._due_by = due_by
        self._lease = lease
        self._host = host
        self._job_id = job_id
        self._page: deque[Row] = deque()
        self._read_at: datetime | None = None
        self._holds_all = False
        self._done: set[str] = set()
        self._missed: set[tuple[str, str]] = set()
        self._made_up: dict[str, datetime] = {}
        self.passed_over = False

    def claim_next(self, source: Source, *, now: datetime) -> Claim | None:
        """Claim the next job and open its run; None where none is due any more.

        Args:
            source: in a write transaction, which the claim ends where `words.transaction` has begun
                it; else it holds when that commits.
            now: the present.

        """
        claim, _ = self.claim_next_after(source, (), now=now)
        return claim

    def claim_next_after(
        self, source: Source, before: Sequence[Query], *, now: datetime
    ) -> tuple[Claim | None, list[Answer]]:
        """Claim the next job after other queries, which are sent along; return their answers."""
        answers: list[Answer] = []
        if before and self._is_read_out(now):  # what they change may be due next
            answers, before = ask_together(source, *before), ()
        while self._find(source, now):
            claim, first = self._claim(source, before, self._page.popleft(), now=now)
            answers, before = answers or first, ()
            if claim is not None:
                self._note(claim)
                return claim, answers
        return None, ask_together(source, *before) if before else answers

    def _note(self, claim: Claim) -> None:
        """See to it that a job is claimed once, or once for each slot that is made up for."""
        last = self._made_up.get(claim.job_id, FIRST)
        if _is_made_up_for(claim, by=self._due_by) and claim.slot is not None and claim.slot > last:
            self._made_up[claim.job_id] = claim.slot
            self._holds_all = False
        else:
            self._done.add(claim.job_id)

    def _claim(
        self, source: Source, before: Sequence[Query], job: Row, *, now: datetime
    ) -> tuple[Claim | None, list[Answer]]:
        """Claim a job as it was read, or not at all; its run is opened in the same trip."""
        claim = _claim_of(job, Trigger.DUE, now=now, host=self._host)
        claiming = _claiming(claim, job, lease=self._lease)
        *answers, claimed, _ = ask_together(source, *before, *claiming, ends=True)
        if claimed.changed:
            return claim, answers
        # Another process has it, or holds it for a moment. If somebody has only written into it,
        # the next page has it as it is then.
        self._missed.add((job["id"], job["row_version"]))
        self._holds_all, self.passed_over = False, True
        return None, answers

    def _find(self, source: Source, now: datetime) -> bool:
        """See to it that the page holds jobs, and that what became due since has its turn."""
        if self._is_read_out(now):
            self._page = deque(self._in_order(source))
            self._read_at = now
        return bool(self._page)

    def _is_read_out(self, now: datetime) -> bool:
        if self._read_at is None or now - self._read_at > STALE:
            return True
        return not (self._page or self._holds_all)

    def _in_order(self, source: Source) -> list[Row]:
        size = PAGE
        while True:
            found = _due_in_order(source, by=self._due_by, job_id=self._job_id, limit=size)
            fresh = [row for row in found if not self._is_dealt_with(row)]
            self._holds_all = len(found) < size
            if fresh or self._holds_all:
                return fresh
            size *= 4  # a page of jobs that became due again while they ran

    def _is_dealt_with(self, job: Row) -> bool:
        return job["id"] in self._done or (job["id"], job["row_version"]) in self._missed


def claim_now(
    source: Source, job_id: str, *, now: datetime, lease: timedelta, host: str
) -> Claim | None:
    """Claim one job, due or not, enabled or not; None where another process holds it."""
    query = (
        "SELECT *, {row_version} AS row_version FROM {jobs} "
        "WHERE id = {job_id} AND claim_run_id IS NULL {skip_locked}"
    )
    for job in ask(source, query, job_id=job_id):
        claim = _claim_of(job, Trigger.MANUAL, now=now, host=host)
        claimed, _ = ask_together(source, *_claiming(claim, job, lease=lease))
        if claimed.changed:
            return claim
    return None


def next_due_at(source: Source) -> datetime | None:
    """Return when the next enabled job is due, None where there is none or one is due now."""
    query = "SELECT next_run_at FROM {jobs} WHERE {waiting} ORDER BY {due_at} LIMIT 1"
    found: datetime | None = next((row["next_run_at"] for row in ask(source, query)), None)
    return found


def due(
    source: Source, *, now: datetime, job_id: str | None = None, limit: int = _ALL
) -> list[Claim]:
    """Return the jobs that are due, as claims that nobody holds: for a dry run."""
    found = _due_in_order(source, by=now, job_id=job_id, limit=limit)
    return [as_claim(row, "", Trigger.DUE, now=now, host="") for row in found]


def unclaimed(source: Source, job_id: str, *, now: datetime) -> Claim:
    """Return a job as a claim that nobody holds: for a dry run."""
    (job,) = ask(source, "SELECT * FROM {jobs} WHERE id = {job_id}", job_id=job_id)
    return as_claim(job, "", Trigger.MANUAL, now=now, host="")


def as_claim(job: Row, run_id: str, trigger: Trigger, *, now: datetime, host: str) -> Claim:
    """Return a job's row as a claim."""
    timing, problem = listing.timing_of(job)
    return Claim(
        run_id=run_id,
        job_id=job["id"],
        job_name=legible(job["name"] or job["job_type"]),
        job_type=job["job_type"],
        bot_id=job["bot_id"],
        config=listing.config_of(job),
        timing=timing,
        due_at=job["next_run_at"],
        attempt=listing.count_of(job["attempt"]),
        consecutive_failures=listing.count_of(job["consecutive_failures"]),
        trigger=trigger,
        host=host,
        started_at=now,
        slot_at=job["slot_at"],
        problem=problem,
    )


# What somebody wrote that is no time is due, too: the run puts a time in its place.
_DUE = "{waiting} AND {due}"


def _due_in_order(source: Source, *, by: datetime, job_id: str | None, limit: int) -> Sequence[Row]:
    only = "" if job_id is None else "AND id = {job_id}"
    query = (
        f"SELECT *, {{row_version}} AS row_version FROM {{jobs}} WHERE {_DUE} {only} "  # noqa: S608
        "ORDER BY priority DESC, attempt, {due_at}, id LIMIT {limit}"
    )
    named = {"due_by": by, "limit": limit, **({} if job_id is None else {"job_id": job_id})}
    # The server expects a third of all jobs to be due, and would start helpers to find a few.
    _, found = ask_together(source, ("{serially}", {}), (query, named))
    return found.rows


def _is_made_up_for(claim: Claim, *, by: datetime) -> bool:
    """Return whether a job has more slots that were missed, each of which is to be run."""
    if claim.timing.misfire is not Misfire.ALL or claim.slot is None:
        return False
    return claim.slot < claim.timing.following(claim.slot, now=claim.started_at) <= by


# As it was read, or not at all: the run that is opened with it is for the slot that it had then.
# Its time is written as we have read it, for the record is to find it again.
_CLAIM = """
UPDATE {jobs} SET
  claim_run_id = {id}, lease_expires_at = {until}, last_run_at = {now}, attempt = {attempt},
  next_run_at = {time_as_read}
WHERE id = (SELECT id FROM {jobs} WHERE id = {job_id} AND {as_read} {skip_locked})
"""
# Where somebody set it back to a slot that it has fired for, this is a run, but no firing of it.
_OPEN_RUN = """
INSERT INTO {runs} (
  id, job_id, job_name, job_type, bot_id, status, started_at, attempt, trigger, host, scheduled_for
)
SELECT
  claim_run_id, id, {job_name}, job_type, bot_id, 'running', last_run_at, attempt, {trigger},
  {host}, CASE WHEN NOT EXISTS (
    SELECT 1 FROM {runs} WHERE job_id = {job_id} AND scheduled_for = {scheduled_for}
    AND (attempt = {attempt} OR status IN ('success', 'skipped'))
  ) THEN CAST({scheduled_for} AS {time}) END
FROM {jobs} WHERE id = {job_id} AND claim_run_id = {id}
RETURNING {unwaited}
"""


def _claim_of(job: Row, trigger: Trigger, *, now: datetime, host: str) -> Claim:
    """Return the claim of a job as it was read, once it is claimed."""
    tried = {**job, "attempt": listing.count_of(job["attempt"]) + 1}
    return as_claim(tried, uuid4().hex, trigger, now=now, host=host)


def _claiming(claim: Claim, job: Row, *, lease: timedelta) -> tuple[Query, Query]:
    """Return what claims a job as it was read, and opens its run."""
    claimed = {
        "id": claim.run_id,
        "job_id": claim.job_id,
        "row_version": job["row_version"],
        "attempt": claim.attempt,
        "due_at": claim.due_at,
        "now": claim.started_at,
        "until": claim.started_at + lease,
    }
    run = {
        "id": claim.run_id,
        "job_id": claim.job_id,
        "job_name": claim.job_name,
        "attempt": claim.attempt,
        "trigger": claim.trigger.value,
        "host": claim.host,
        "scheduled_for": claim.scheduled_for,
    }
    return (_CLAIM, claimed), (_OPEN_RUN, run)
