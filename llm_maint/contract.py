"""What a job may rely on: its context, the clock, the model. Nothing else is handed to it."""

from collections.abc import (
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import Completion, Prompt
from llm_maint.domain.progress import Progress, untold
from llm_maint.domain.runs import Claim, Outcome
from llm_maint.settings.sections import Settings
from llm_maint.store import claims, workers
from llm_maint.store.database import Database

if TYPE_CHECKING:
    from llm_maint.store.database import Connection

T = TypeVar("T")

Clock = Callable[[], datetime]
"""Returns the present, aware, in UTC; on PostgreSQL by the server's clock."""


class LanguageModel(Protocol):
    """A model behind some server.

    Requests are coroutines, so that several can wait for it at once; `in_order` runs them.
    """

    async def complete(self, prompt: Prompt, meter: Meter) -> Completion:
        """Return the model's reply to a prompt; `meter` counts each call, failed ones too.

        Raises:
            PromptTooLongError: half of it may fit.
            UnreadableReplyError: there is no reply in the answer; another seed may bring one.
            ModelReplyError: this request is given up, others may succeed.
            ModelFailedError: the same, after several tries.
            BudgetSpentError: the meter allows no further call.
            DeferredError: an earlier request has shown that none will succeed in this run.
            MaintError: with `ends_run`: so will no other.

        """
        ...

    async def embed(self, texts: Sequence[str], meter: Meter, *, model: str) -> list[bytes]:
        """Return a vector for each text, packed as little-endian float32; all of one length.

        Several requests may be needed; `meter` counts each, failed ones too. Of a text that is too
        long for the model, the beginning stands for the whole.

        Raises:
            EmbeddingsUnavailableError: there are none by this model; chat is not affected, and a
                model that has never given any is not asked again in this run.
            UnreadableReplyError: the answer is not one finite vector of one length for each text.
            ModelReplyError: these texts are refused, others may succeed.
            ModelFailedError: the same, after several tries.
            BudgetSpentError, DeferredError, MaintError: as of `complete`.

        """
        ...

    def in_order(self, works: Iterable[Coroutine[Any, Any, T]]) -> Generator[T]:
        """Run work that asks this model, side by side as far as the settings allow.

        Results come in the order of the works, whichever is done first. Work is taken, and results
        are yielded, in the caller's thread; close the generator to end what is under way.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """All that a job gets.

    `model()` returns None where no model is configured; a factory, because most jobs need none and
    connecting costs time. `claim` is None for work that a person started outside the queue;
    `worker` is this process where the claim is another's, in whose run it shares.
    With `dry_run` a job computes what it would do, writes nothing, and returns that as its result.
    `progress` is to be told how far long work is, from any thread.
    """

    config: Mapping[str, Any]
    database: Database
    settings: Settings
    clock: Clock
    model: Callable[[], LanguageModel | None]
    claim: Claim | None = None
    worker: workers.Worker | None = None
    dry_run: bool = False
    progress: Progress = untold

    @contextmanager
    def write(self) -> "Iterator[Connection]":
        """Open a write transaction that commits only while the claim is held.

        Raises:
            ClaimLostError: the job outlived its lease; nothing was written.

        """
        if self.dry_run:
            raise AssertionError("a dry run writes nothing")
        with self.database.write() as connection:
            yield connection
            self._fence(connection)

    def _fence(self, connection: "Connection") -> None:
        from llm_maint.store.dialect import source_of

        if self.worker is not None:
            workers.fence(source_of(connection), self.worker, now=self.clock())
        elif self.claim is not None:
            claims.fence(source_of(connection), self.claim, now=self.clock())

    @property
    def run_id(self) -> str | None:
        """The run on whose behalf the job works."""
        return self.claim.run_id if self.claim else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job type: its name in `scheduled_jobs.job_type`, its code, and its first configuration.

    `check` refuses a configuration that the job could not work with; `run` returns an outcome.
    What `run` raises becomes a failed outcome: a `MaintError` says by itself whether to try again.
    `take_part` does a share of what another process has opened to others, see `sharing`.
    """

    type: str
    summary: str
    run: Callable[[JobContext], Outcome]
    check: Callable[[Mapping[str, Any]], None]
    default_config: Mapping[str, Any]
    take_part: Callable[[JobContext], None] | None = None
