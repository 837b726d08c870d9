"""Asking a model about rows: in requests of bounded size, halved where one was too much."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self, TypeVar

from llm_maint.domain.canary import check_seen
from llm_maint.domain.chat import Completion, Prompt
from llm_maint.domain.entity import Entity
from llm_maint.domain.progress import Steps
from llm_maint.domain.relation import Relations
from llm_maint.domain.reply import Proposal, Refused, Reply, read_reply
from llm_maint.domain.request import Request, request_for
from llm_maint.domain.row import Row, RowId
from llm_maint.errors import (
    BudgetSpentError,
    LostPromptError,
    PromptRefusedError,
    PromptTooLongError,
    UnreadableReplyError,
)

Complete = Callable[[Prompt], Awaitable[Completion]]
"""What asks the model; handed in, so that nothing here knows of a server."""

VARIATIONS = 2
"""How often a request is asked whose reply cannot be read, each time with another seed."""

HOPELESS = 2
"""Rows in a row that a server cannot serve even alone: more halving will not help."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the model said, over some requests about one entity.

    `left` are rows that could not be judged: too much even when asked about alone, or beyond what
    the run may spend. `advice` says which setting would help. `met` are the rows of each request
    that was answered.
    """

    proposals: tuple[Proposal, ...] = ()
    refused: tuple[Refused, ...] = ()
    reviewed: frozenset[RowId] = frozenset()
    left: frozenset[RowId] = frozenset()
    advice: tuple[str, ...] = ()
    model: str | None = None
    met: tuple[frozenset[RowId], ...] = ()

    @property
    def judged(self) -> set[RowId]:
        """The rows that the model said anything about."""
        proposed = {row_id for proposal in self.proposals for row_id in proposal.row_ids}
        refused = {row_id for refused in self.refused for row_id in refused.row_ids}
        return proposed | refused | self.reviewed

    def refusing(self, checked: Iterable[Proposal | Refused]) -> Self:
        """Return the answers with their proposals as they were checked."""
        checked = list(checked)
        proposals = tuple(each for each in checked if isinstance(each, Proposal))
        refused = tuple(each for each in checked if isinstance(each, Refused))
        return replace(self, proposals=proposals, refused=(*self.refused, *refused))

    @classmethod
    def together(cls, parts: Iterable["Answers"]) -> Self:
        """Return several answers as one, in their order."""
        parts = list(parts)
        return cls(
            proposals=tuple(proposal for part in parts for proposal in part.proposals),
            refused=tuple(refused for part in parts for refused in part.refused),
            reviewed=frozenset().union(*(part.reviewed for part in parts)),
            left=frozenset().union(*(part.left for part in parts)),
            advice=tuple(dict.fromkeys(said for part in parts for said in part.advice)),
            model=next((part.model for part in parts if part.model), None),
            met=tuple(met for part in parts for met in part.met),
        )


async def ask_all(
    complete: Complete,
    entity: Entity,
    parts: Sequence[Sequence[Row]],
    *,
    size: int,
    turn: int = 0,
    steps: Steps | None = None,
) -> Answers:
    """Ask about all rows, and once more about those that the model said nothing about.

    Args:
        complete: asks the model.
        entity: whose rows.
        parts: the rows of each request.
        size: rows that a request has at most.
        turn: the request to begin with, lest the last ones never come to their turn where a budget
            always ends before them.
        steps: counts the requests.

    Raises:
        BudgetSpentError: nothing at all could be asked.
        MaintError: the server failed, or a reply cannot be used.

    """
    rows = [row for part in parts for row in part]
    turn %= len(parts) or 1
    enquiry = partial(_Enquiry, complete, entity, steps or Steps("requests"))
    first = await _ask_each(enquiry, [*parts[turn:], *parts[:turn]])
    if first.left == {row.id for row in rows} and _BUDGET_SPENT in first.advice:
        raise BudgetSpentError
    missing = [row for row in rows if row.id not in first.judged | first.left]
    again = await _ask_each(enquiry, Relations(missing).batches(size=size))
    return Answers.together([first, again])


_BUDGET_SPENT = (
    "not all rows were asked about: the run had spent what max_calls_per_run or max_tokens_per_run "
    "allow"
)

_TOO_LONG_ALONE = "a row is too long for the model's context even alone: raise llm.context_tokens"

_CUT_ALONE = "a reply about one row alone was too long: raise llm.max_output_tokens"


async def _ask_each(enquiry: "Callable[[], _Enquiry]", parts: Iterable[Sequence[Row]]) -> Answers:
    """Ask about several parts side by side; what comes of it is in their order."""
    enquiries = [enquiry().begun(part) for part in parts]
    return Answers.together(await _side_by_side(enquiries))


async def _side_by_side(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return what the works return, in their order; the first that fails ends the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup:
        failed = [task for task in tasks if not task.cancelled() and task.exception()]
        await failed[0]  # the first in their order, whichever failed first
    return [task.result() for task in tasks]


@dataclass(slots=True)
class _Enquiry:
    """One request and what becomes of it, halves and repetitions included."""

    complete: Complete
    entity: Entity
    steps: Steps
    hopeless: int = 0

    def begun(self, rows: Sequence[Row]) -> Coroutine[Any, Any, Answers]:
        """Return what asks about some rows, counted as a step to come."""
        self.steps.expect(1)
        return self.ask(rows)

    async def ask(self, rows: Sequence[Row]) -> Answers:
        """Ask about some rows; where that is too much, about each half."""
        try:
            completion, reply = await self._replied(request_for(self.entity, rows))
        except BudgetSpentError:
            return _left(rows, _BUDGET_SPENT)
        except PromptTooLongError as error:
            lost = isinstance(error, LostPromptError)
            if len(rows) == 1:
                # What was not even sent says nothing of the server.
                self.hopeless += lost or isinstance(error, PromptRefusedError)
                return _left(rows, str(error) if lost else _TOO_LONG_ALONE)
            return await self._halves(rows, *[str(error)] if lost else ())
        if reply is None:  # the reply was cut, which is never repaired
            if len(rows) == 1:
                self.hopeless += 1
                return _left(rows, _CUT_ALONE)
            return await self._halves(rows)
        self.hopeless = 0
        return Answers(
            proposals=reply.proposals,
            refused=reply.refused,
            reviewed=reply.reviewed,
            met=(frozenset(row.id for row in rows),),
            model=completion.model,
        )

    async def _halves(self, rows: Sequence[Row], *advice: str) -> Answers:
        parts = [Answers(advice=advice)]
        for half in Relations(rows).batches(size=(len(rows) + 1) // 2):
            if self.hopeless < HOPELESS:
                parts.append(await self.begun(half))
            else:
                parts.append(_left(half, *parts[-1].advice[-1:]))
        return Answers.together(parts)

    async def _replied(self, request: Request) -> tuple[Completion, Reply | None]:
        """Return the reply to a request, None for one that was cut."""
        try:
            for variation in range(VARIATIONS):
                prompt = replace(request.prompt, variation=variation)
                try:
                    completion = await self.complete(prompt)
                    if completion.cut:
                        return completion, None
                    reply = read_reply(completion.text, request.ids)
                    check_seen(request, completion, reply.nonce)
                except UnreadableReplyError:
                    if variation == VARIATIONS - 1:
                        raise
                else:
                    return completion, reply
            raise AssertionError("unreachable")
        finally:
            self.steps.step()


def _left(rows: Iterable[Row], *advice: str) -> Answers:
    return Answers(left=frozenset(row.id for row in rows), advice=advice)
