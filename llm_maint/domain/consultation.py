"""Consulting a model about rows: what it is asked, in which passes, and what comes of it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from llm_maint.domain import second_opinion
from llm_maint.domain.clusters import Clusters
from llm_maint.domain.enquiry import Answers, Complete, ask_all
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Judgement, Operation, changes, judge
from llm_maint.domain.loss_guard import ALWAYS_ALLOWED_LOSSES
from llm_maint.domain.policy import Policy
from llm_maint.domain.progress import Steps
from llm_maint.domain.relation import Link, Relations
from llm_maint.domain.reply import Proposal, Refused
from llm_maint.domain.row import Row, RowId
from llm_maint.domain.wear import Wear, wear_after, worn_out
from llm_maint.errors import BudgetSpentError

MORE_PASSES = 4
"""Passes after the first, each over what a group that spans several requests has come to: with
requests of 60 rows a group of millions would be one row by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An entity's rows, and which of them a model is to be asked about.

    `rows` are those that may be touched, duplicates folded; `new` those that the model does not
    know; `wear` how often each was rewritten. `links` relate rows by more than their words: only
    what they join may be grouped, and at most `most` rows are held together in a request. Beyond
    `free` losses a second opinion is asked for; `others` are rows that may try the model then.
    """

    entity: Entity
    rows: Sequence[Row]
    new: frozenset[RowId]
    policy: Policy = field(default_factory=Policy)
    wear: Wear = field(default_factory=dict)
    links: tuple[Link, ...] | None = None
    most: int | None = None
    free: int = ALWAYS_ALLOWED_LOSSES
    others: tuple[Row, ...] = ()

    def parts(self, relations: Relations, *, size: int) -> list[tuple[Row, ...]]:
        """Return the rows of each request: the new ones and their relatives."""
        if self.links is not None:
            return relations.batches(size=size, most=self.most)
        if len(self.new) == len(self.rows):
            return relations.batches(size=size)
        sent = self.new | relations.relatives(self.new)
        rows = [row for row in self.rows if row.id in sent]
        parts = Relations(rows).batches(size=size)
        return [part for part in parts if any(row.id in self.new for row in part)]

    def joined(self, proposals: Iterable[Proposal]) -> Iterator[Proposal | Refused]:
        """Yield the proposals as far as links join their rows; what they do not join is refused."""
        clusters = Clusters(len(self.rows), size=len(self.rows))
        for link in self.links or ():
            clusters.join(*link.pair)
        cluster = {self.rows[i].id: n for n, found in enumerate(clusters.all()) for i in found}
        for proposal in proposals:
            counted = Counter(cluster[row_id] for row_id in proposal.row_ids)
            own, _ = counted.most_common(1)[0]
            apart = tuple(i for i in proposal.row_ids if cluster[i] != own)
            if not apart:
                yield proposal
                continue
            yield Refused(UNLIKE, "it looks like none of the others", apart)
            left = tuple(i for i in proposal.row_ids if i not in apart)
            if len(left) > 1:
                yield replace(proposal, row_ids=left)


UNLIKE = "unlike"
"""The guard that takes a row out of a group of which it resembles no other."""


@dataclass(slots=True)
class Verdict:
    """What became of a case: operations that every guard lets pass, and what was refused.

    `asked` are the rows that were sent, `judged` those that the model said anything about, `left`
    those that could not be judged. `advice` says which setting would help.
    """

    operations: tuple[Operation, ...] = ()
    refused: tuple[Refused, ...] = ()
    asked: frozenset[RowId] = frozenset()
    judged: frozenset[RowId] = frozenset()
    left: frozenset[RowId] = frozenset()
    advice: tuple[str, ...] = ()
    model: str | None = None
    met: tuple[frozenset[RowId], ...] = ()

    def add(self, judgement: Judgement, answers: Answers) -> int:
        """Add what was judged of some answers; return how many operations stand."""
        self.operations += judgement.operations
        self.refused += (*answers.refused, *judgement.refused)
        self.judged |= answers.judged
        self.left |= answers.left
        self.advice = tuple(dict.fromkeys((*self.advice, *answers.advice)))
        self.model = self.model or answers.model
        self.met += answers.met
        return len(judgement.operations)

    def rows_now(self, case: Case) -> list[Row]:
        """Return the rows of the case as the operations leave them."""
        changed = changes(self.operations)
        after = (changed.get(row.id, row) for row in case.rows)
        return [row for row in after if row is not None]


async def consult(
    complete: Complete, case: Case, *, size: int, turn: int = 0, steps: Steps | None = None
) -> Verdict:
    """Ask a model about the new rows of a case and their relatives, and judge what it says.

    Rows that look like one fact and met in no request are asked about in a further pass, by what
    became of them: so a group that spans requests, or is larger than one, is found.

    Args:
        complete: asks the model.
        case: what about.
        size: rows that a request has at most.
        turn: see `ask_all`.
        steps: counts the requests.

    Raises:
        BudgetSpentError: nothing at all could be asked.
        MaintError: the server failed, or a reply cannot be used.

    """
    relations = Relations(case.rows, case.new, case.links)
    parts = case.parts(relations, size=size)
    verdict = Verdict(asked=frozenset(row.id for part in parts for row in part))
    ask = partial(ask_all, complete, case.entity, size=size, steps=steps)
    consulting = _Consulting(case, verdict, ask, size)
    await consulting.about(case.rows, parts, turn=turn)
    alike = list(relations.strong())
    for _ in range(MORE_PASSES):
        now = verdict.rows_now(case)
        apart = set(_apart(alike, verdict))
        again = [row for row in now if row.id in apart]
        if not again:
            break
        try:
            found = await consulting.about(now, Relations(again).batches(size=size))
        except BudgetSpentError:
            verdict.left |= apart
            break
        if not found:
            break
    return verdict


@dataclass(frozen=True, slots=True)
class _Consulting:
    """What each pass does: ask, judge, and doubt what would lose many rows."""

    case: Case
    verdict: Verdict
    ask: Callable[..., Awaitable[Answers]]
    size: int

    async def about(
        self, rows: Sequence[Row], parts: Sequence[Sequence[Row]], *, turn: int = 0
    ) -> int:
        """Ask about parts of the rows as they now are; return how many operations stand."""
        answers = await self.ask(parts, turn=turn)
        done = self.verdict.operations
        worn = worn_out(wear_after(self.case.wear, done, self.case.rows))
        if self.case.links is not None:
            answers = answers.refusing(self.case.joined(answers.proposals))
        judgement = judge(rows, answers.proposals, self.case.policy, worn=worn)
        if second_opinion.is_needed(judgement, done, free=self.case.free):
            judgement, left = await self._confirmed(judgement, rows, answers, parts)
            answers = Answers.together([answers, left])
        return self.verdict.add(judgement, answers)

    async def _confirmed(
        self,
        judgement: Judgement,
        rows: Sequence[Row],
        answers: Answers,
        parts: Sequence[Sequence[Row]],
    ) -> tuple[Judgement, Answers]:
        """Ask once more about rows that would go; what cannot be asked is left for next time."""
        known = [*rows, *self.case.others]
        most = max(map(len, answers.met))
        halved = most < max(map(len, parts))  # more was too much for the server
        size = most if halved else self.size
        asked = second_opinion.questions(judgement, known, answers.met, size=size)
        try:
            again = await self.ask(asked.parts)
        except BudgetSpentError:
            again = Answers(left=frozenset(row.id for part in asked.parts for row in part))
        left = Answers(left=again.left - asked.controls, advice=again.advice)
        return second_opinion.confirmed(judgement, asked, again), left


def _apart(alike: Sequence[tuple[RowId, RowId]], verdict: Verdict) -> Iterator[RowId]:
    """Yield the rows that go on for two that look alike, where these met in no request."""
    requests: dict[RowId, set[int]] = {}
    for number, met in enumerate(verdict.met):
        for row_id in met:
            requests.setdefault(row_id, set()).add(number)
    goes_on = {i: op.winner_id for op in verdict.operations for i in op.retired}
    for pair in alike:
        one, other = (_final(row_id, goes_on) for row_id in pair)
        if one is None or other is None or one == other:
            continue
        here, there = requests.get(one, set()), requests.get(other, set())
        if here and there and here.isdisjoint(there):
            yield one
            yield other


def _final(row_id: RowId, goes_on: dict[RowId, RowId | None]) -> RowId | None:
    """Return the row in which another lives on, None where it is gone."""
    found: RowId | None = row_id
    while found in goes_on:
        found = goes_on[found]
    return found
