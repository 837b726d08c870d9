"""What a run came to, in numbers: read from its recorded result, whatever type of job it was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from llm_maint.domain.runs import Run

OPERATIONS = ("merged", "superseded", "removed", "pruned", "tagged", "untagged")
"""What happens to rows, as results count it; `kept` and the like are no operations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many rows an entity had after a run, and before it where that is told."""

    entity_type: str
    entity_id: str
    rows: int
    before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run in numbers. Tokens and calls are those of the model; times are aware."""

    id: str
    job_name: str
    status: str
    started_at: datetime | None
    duration_ms: int | None
    error_message: str | None = None
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    sizes: tuple[Size, ...] = ()

    @property
    def tokens(self) -> int:
        """In both directions."""
        return self.prompt_tokens + self.completion_tokens


def facts_of(run: Run) -> RunFacts:
    """Return what the result of a run says in numbers; what is no number is passed over.

    A result may be that of a brought job type, or have been written by hand.
    """
    result = _mapping(run.result)
    llm = _mapping(result.get("llm"))
    return RunFacts(
        id=run.id,
        job_name=run.job_name,
        status=run.status,
        started_at=run.started_at,
        duration_ms=run.duration_ms,
        error_message=run.error_message,
        calls=_count(llm.get("calls")),
        prompt_tokens=_count(llm.get("prompt_tokens")),
        completion_tokens=_count(llm.get("completion_tokens")),
        rows=_operations(result),
        sizes=tuple(_sizes(result)),
    )


def _operations(result: Mapping[str, Any]) -> dict[str, int]:
    counted = {**_mapping(result.get("accounting")), **result}
    found = {name: _count(counted.get(name)) for name in OPERATIONS}
    return {name: count for name, count in found.items() if count}


def _sizes(result: Mapping[str, Any]) -> "list[Size]":
    found = []
    for who, rows in (("entities", "attributes"), ("bots", "memories")):
        listed = result.get(who)
        for each in listed if isinstance(listed, list) else ():
            line = _mapping(each)
            after, entity = line.get(f"{rows}_after"), line.get("entity_id")
            if isinstance(after, int) and isinstance(entity, str):
                kind = str(line.get("entity_type", "user"))
                before = line.get(f"{rows}_before")
                before = before if isinstance(before, int) else None
                size = Size(entity_type=kind, entity_id=entity, rows=after, before=before)
                found.append(size)
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
