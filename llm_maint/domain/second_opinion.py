"""A second opinion: many losses stand only where a model says so again, in other company.

A row may hold an order to the model, and a model may obey it. So rows that would be lost are asked
about once more without the rows they were first seen with, and beside control rows: rows that the
model kept, some that have nothing to do with them and some that are like them. Whoever loses a
control row is not believed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain

from llm_maint.domain.control_rows import Controls, Kin
from llm_maint.domain.enquiry import Answers
from llm_maint.domain.judge import UNRELATED, Judgement, Op, Operation, losses
from llm_maint.domain.loss_guard import ALWAYS_ALLOWED_LOSSES
from llm_maint.domain.relation import Relations
from llm_maint.domain.reply import Proposal, Refused
from llm_maint.domain.row import Row, RowId

GUARD = "second_opinion"
"""The guard that drops a loss which the model does not say again."""

CONTROLS = 4
"""One row in so many of a request is a control row, where there are enough."""

UNPROVEN = 30
"""Rows that may all be doubtful without any control row; of more, an honest model keeps some."""

SLIPS = 8
"""One control row in so many may be lost by a slip; among fewer, none."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask once more: the rows of each request, and which of them are control rows.

    `kin` names the relatives of each row that would go: a control row may be superseded by these.
    `keeps_none` tells that the model would keep no row that could be a control row.
    """

    parts: Sequence[Sequence[Row]]
    controls: frozenset[RowId]
    kin: Kin
    keeps_none: bool

    @property
    def ids(self) -> frozenset[RowId]:
        """All rows that are asked about; of an operation that fills a request, not all are."""
        return frozenset(row.id for part in self.parts for row in part)

    @property
    def unproven(self) -> bool:
        """Whether so much would be lost that no row is left to try the model with."""
        return self.keeps_none and len(self.ids) > UNPROVEN


def is_needed(
    judgement: Judgement,
    before: Iterable[Operation],
    *,
    free: int = ALWAYS_ALLOWED_LOSSES,
) -> bool:
    """Return whether a judgement needs one.

    It does if with what was decided before more rows would be lost than are `free`, or if the model
    would have rows superseded by what has nothing to do with them.
    """
    losing = doubtful(judgement)
    if not losing:
        return False
    if any(refused.guard == UNRELATED for refused in judgement.refused):
        return True
    return losses((*before, *losing)) > free


def questions(
    judgement: Judgement,
    rows: Sequence[Row],
    met: Sequence[Collection[RowId]],
    *,
    size: int,
) -> Questions:
    """Return what to ask about the losses of a judgement.

    Args:
        judgement: what was judged.
        rows: about which rows.
        met: the rows of each request that was answered.
        size: rows that a request has at most.

    """
    request = {row_id: number for number, there in enumerate(met) for row_id in there}
    parts = _parts(_mixed(doubtful(judgement), request), room=size - size // CONTROLS)
    ids = set(chain.from_iterable(parts))
    kin = Relations(rows, ids).kin(ids)
    controls = Controls(rows, _named(judgement), kin, request)
    by_id = {row.id: row for row in rows}
    asked = []
    for part in parts:
        about = [by_id[row_id] for row_id in part]
        asked.append([*about, *controls.taken_for(about, most=max(size - len(about), 0))])
    return Questions(asked, frozenset(controls.taken), kin, keeps_none=not controls.kept)


def confirmed(judgement: Judgement, asked: Questions, answers: Answers) -> Judgement:
    """Return the judgement without the losses that the model did not say again.

    Of a model that takes back more than half of them, or that would have lost every row there is,
    nothing is believed.
    """
    said = [p for p in answers.proposals if p.op in ("remove", "supersede")]
    lost = {row_id for p in said for row_id in _controls_lost(p, asked)}
    suspect = {i for met in answers.met if _is_exposed(met, lost, asked.controls) for i in met}
    removed = {row_id for p in said if p.op == "remove" for row_id in p.row_ids}
    newer = [frozenset(p.row_ids) for p in said if p.op == "supersede"]
    losing, ids = doubtful(judgement), asked.ids
    again = {
        op.row_ids
        for op in losing
        if removed.issuperset(ids.intersection(op.retired))
        or (op.op is Op.SUPERSEDE and any(ids.intersection(op.row_ids) <= them for them in newer))
    }
    unsteady = 2 * len(again) < len(losing) or asked.unproven
    sure = {named for named in again if suspect.isdisjoint(named) and not unsteady}
    left = [op for op in judgement.operations if not _loses(op) or op.row_ids in sure]
    refused = [
        Refused(GUARD, f"{_why(op, again, suspect)}: {op.reason}", op.row_ids)
        for op in losing
        if op.row_ids not in sure
    ]
    return Judgement(tuple(left), (*judgement.refused, *refused))


def _is_exposed(
    met: AbstractSet[RowId],
    lost: AbstractSet[RowId],
    controls: AbstractSet[RowId],
) -> bool:
    """Return whether a request lost more control rows than a slip would."""
    return len(met & lost) > len(met & controls) // SLIPS


def _why(
    op: Operation,
    again: Collection[tuple[RowId, ...]],
    suspect: AbstractSet[RowId],
) -> str:
    if not suspect.isdisjoint(op.row_ids):
        return "a row that is sure would go as well"
    return "nothing is believed of this model" if op.row_ids in again else "not said again"


def _controls_lost(proposal: Proposal, asked: Questions) -> Iterator[RowId]:
    """Yield the control rows that go; one that is an older version of its relatives may."""
    for row_id in asked.controls.intersection(proposal.row_ids):
        others = [other for other in proposal.row_ids if other != row_id]
        related = sum(row_id in asked.kin.get(other, ()) for other in others)
        if proposal.op == "remove" or 2 * related < len(others):
            yield row_id


def doubtful(judgement: Judgement) -> list[Operation]:
    """Return the operations that lose rows."""
    return [op for op in judgement.operations if _loses(op)]


def _loses(op: Operation) -> bool:
    return op.op in (Op.REMOVE, Op.SUPERSEDE)


def _named(judgement: Judgement) -> set[RowId]:
    """Return the rows that the model would lose or merge away, so that they try nobody."""
    named = {row_id for op in doubtful(judgement) for row_id in op.row_ids}
    named |= {row_id for op in judgement.operations for row_id in op.retired}
    # What was called superseded by strangers tries a model well: nothing is wrong with it.
    refused = (each for each in judgement.refused if each.guard != UNRELATED)
    return named | {row_id for each in refused for row_id in each.row_ids}


def _mixed(operations: Iterable[Operation], request: Mapping[RowId, int]) -> Iterator[Operation]:
    """Yield the operations so that those of one request are far from each other."""
    of_request: defaultdict[int, list[Operation]] = defaultdict(list)
    for op in operations:
        of_request[request.get(op.row_ids[0], -1)].append(op)
    waiting = [found[::-1] for found in of_request.values()]
    while waiting:
        for found in waiting:
            yield found.pop()
        waiting = [found for found in waiting if found]


def _parts(operations: Iterable[Operation], *, room: int) -> list[list[RowId]]:
    parts: list[list[RowId]] = [[]]
    for op in operations:
        if parts[-1] and len(parts[-1]) + len(op.row_ids) > room:
            parts.append([])
        parts[-1] += op.row_ids[:room]
    return parts
