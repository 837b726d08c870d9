"""Consolidations in tests: plans by hand, a model that follows a script, a job's context."""

import json
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from building import NICK, day

from llm_maint.contract import JobContext
from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import Completion, Prompt, Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import fold, judge
from llm_maint.domain.plan import Plan
from llm_maint.domain.policy import Policy
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import Proposal
from llm_maint.errors import DeferredError, EmbeddingsUnavailableError, MaintError
from llm_maint.llm.side_by_side import in_order
from llm_maint.settings.sections import Settings
from llm_maint.store import journal, profiles
from llm_maint.store.database import Database

NOW = day(30)

T = TypeVar("T")


def rows_of(database: Database, entity: Entity = NICK) -> list[Attribute]:
    """Return an entity's rows as they are now."""
    with database.read() as connection:
        return profiles.attributes_of(connection, entity)


def planned(database: Database, *proposals: Proposal, entity: Entity = NICK) -> Plan:
    """Return the plan that folds duplicates and does what a model proposes, by row ids."""
    rows = rows_of(database, entity)
    folds, survivors = fold(rows, Policy())
    judged = judge(survivors, proposals, Policy()).operations
    return Plan(entity=entity, rows=tuple(rows), operations=(*folds, *judged))


def occasion(now: datetime = NOW) -> journal.Occasion:
    """Return an occasion on which the summary lists all keys."""

    def summarise(name: str, rows: Sequence[Attribute]) -> str:
        return f"{name}: {', '.join(row.key for row in rows)}"

    return journal.Occasion(judge="a model", now=now, run_id="run", summarise=summarise)


def applied(database: Database, plan: Plan, now: datetime = NOW) -> tuple[Plan, str]:
    """Apply a plan that changes something; return it as applied, and its id."""
    with database.write() as connection:
        present = profiles.attributes_of(connection, plan.entity, lock=True)
        done, plan_id = journal.apply(connection, plan, present, occasion(now))
    assert plan_id is not None
    return done, plan_id


@dataclass
class ScriptedModel:
    """A model that answers the document of each request by a script.

    The script returns a reply as a value, its text, or a whole completion; or raises. Where no
    `vector` is given, there are no embeddings.
    """

    script: Callable[[dict[str, Any]], Any]
    asked: list[dict[str, Any]] = field(default_factory=list)
    broken: MaintError | None = None
    vector: Callable[[str], bytes] | None = None
    embedded: list[str] = field(default_factory=list)

    async def complete(self, prompt: Prompt, meter: Meter) -> Completion:
        """Answer."""
        if self.broken:
            raise DeferredError.because(self.broken)
        meter.begin_call()
        try:
            completion = self._answer(prompt)
        except MaintError as error:
            self.broken = error if error.ends_run else None
            raise
        meter.add(completion.usage)
        return completion

    async def embed(self, texts: Sequence[str], meter: Meter, *, model: str) -> list[bytes]:
        """Return a vector for each text, by one call."""
        if self.broken:
            raise DeferredError.because(self.broken)
        if self.vector is None:
            raise EmbeddingsUnavailableError(f"no embeddings by {model}: memory.embedding_model")
        meter.begin_call()
        self.embedded += texts
        return [self.vector(text) for text in texts]

    def in_order(self, works: Iterable[Coroutine[Any, Any, T]]) -> Generator[T]:
        """Run one work after the other."""
        return in_order(works, ahead=1, resources=nullcontext)

    def _answer(self, prompt: Prompt) -> Completion:
        document = json.loads(prompt.user)
        self.asked.append(document)
        answer = self.script(document)
        if isinstance(answer, Completion):
            return answer
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Completion(text=text, model="scripted", usage=Usage(1, 100, 10))

    @property
    def keys_asked(self) -> list[list[str]]:
        """The keys of the rows of each request."""
        return [[row["key"] for row in document["rows"]] for document in self.asked]


def ids(document: dict[str, Any], *keys: str) -> list[str]:
    """Return the request's ids of all rows with one of these keys."""
    return [row["id"] for row in document["rows"] if row["key"] in keys]


def reply(
    document: dict[str, Any],
    *,
    groups: dict[str, list[str]] | None = None,
    remove: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a reply that has seen every row; `groups` are ids by op, `remove` is ids."""
    return {
        "groups": [
            {"reason": f"they {op}", "op": op, "ids": found} for op, found in (groups or {}).items()
        ],
        "remove": [{"reason": "a greeting", "id": row_id, "why": "noise"} for row_id in remove],
        "reviewed": [row["id"] for row in document["rows"]],
    }


def settings(**sections: dict[str, Any]) -> Settings:
    """Return settings with a model server, unless `llm` says otherwise."""
    served = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    return Settings.model_validate({"llm": served, **sections})


def context(
    database: Database,
    model: ScriptedModel | None = None,
    **changed: Any,  # noqa: ANN401
) -> JobContext:
    """Return what a job of every entity gets; without a model none is configured."""
    given = settings() if model else settings(llm={})
    fields: dict[str, Any] = {"config": {}, "settings": given, "clock": lambda: NOW, **changed}
    return JobContext(database=database, model=lambda: model, **fields)
