"""What one entity came to in a run, as a value that another process can report."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, TypeVar

from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.domain.consolidation import Consolidation, failed_line, line
from llm_maint.domain.entity import Entity
from llm_maint.errors import BudgetSpentError, DeferredError, ExitCode, MaintError

log = logging.getLogger(__name__)

E = TypeVar("E", bound=MaintError)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityResult:
    """Its line in the result of the run, none where nothing changed; or why it failed or waits."""

    line: Mapping[str, Any] | None = None
    failure: MaintError | None = None
    deferred: DeferredError | None = None
    spent: Usage = NO_USAGE

    @classmethod
    def of(cls, entity: Entity, done: Consolidation | Exception) -> Self:
        """Return what an entity came to in this process."""
        if isinstance(done, Consolidation):
            return cls(line=None if done.unchanged else line(done))
        if isinstance(done, DeferredError):
            return cls(deferred=done)
        failure = _explained(entity, done)
        return cls(line=failed_line(entity, failure), failure=failure)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Return what an entity came to in another process."""
        error, kind = document["error"], document["kind"]
        deferred = BudgetSpentError if kind == "budget" else DeferredError
        return cls(
            line=document["line"],
            failure=_error(MaintError, error) if kind == "failure" else None,
            deferred=_error(deferred, error) if kind in ("deferred", "budget") else None,
            spent=Usage(**document["spent"]),
        )

    def document(self, *, spent: Usage) -> dict[str, Any]:
        """Return the JSON document that `read` reads; `spent` is what the entity cost."""
        error: MaintError | None = self.failure or self.deferred
        return {
            "line": self.line,
            "kind": self._kind,
            "error": error and _error_document(error),
            "spent": asdict(spent),
        }

    @property
    def is_of_the_server(self) -> bool:
        """Whether it tells nothing of the entity: the model server here serves nobody."""
        if self.failure is not None:
            return self.failure.ends_run
        return self.deferred is not None and not isinstance(self.deferred, BudgetSpentError)

    @property
    def _kind(self) -> str | None:
        if self.failure is not None:
            return "failure"
        if self.deferred is not None:
            return "budget" if isinstance(self.deferred, BudgetSpentError) else "deferred"
        return None


def _error_document(error: MaintError) -> dict[str, Any]:
    return {
        "message": str(error),
        "exit_code": int(error.exit_code),
        "transient": error.transient,
        "ends_run": error.ends_run,
    }


def _error(kind: type[E], document: Mapping[str, Any]) -> E:
    error = kind(document["message"])
    error.exit_code = ExitCode(document["exit_code"])
    error.transient = document["transient"]
    error.ends_run = document["ends_run"]
    return error


def _explained(entity: Entity, error: Exception) -> MaintError:
    """Return the error of an entity, without what it holds of rows and frames."""
    if isinstance(error, MaintError):
        log.info("%s: %s", entity, error)
        error.__cause__ = error.__context__ = error.__traceback__ = None
        return error
    log.error("a bug of ours, met at %s", entity, exc_info=error)
    return MaintError(f"a bug of ours: {error!r}")
