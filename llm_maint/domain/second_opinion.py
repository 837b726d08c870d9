"""A second opinion: many losses stand only where a model says so again, in other company.

A row may hold an order to the model, and a model may obey it. So rows that would be lost are asked
about once more without the rows they were first seen with, and beside control rows: rows that the
model kept, and that have nothing to do with them. Whoever loses a control row is not believed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from llm_maint.domain.enquiry import Answers
from llm_maint.domain.judge import Judgement, Op, Operation, losses
from llm_maint.domain.plan import ALWAYS_ALLOWED_LOSSES
from llm_maint.domain.profile import CATEGORIES, Attribute, AttributeId
from llm_maint.domain.relation import Relations
from llm_maint.domain.reply import Refused

GUARD = "second_opinion"
"""The guard that drops a loss which the model does not say again."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask once more: the rows of each request, and which of them are control rows."""

    parts: Sequence[Sequence[Attribute]]
    controls: frozenset[AttributeId]


def is_needed(operations: Iterable[Operation]) -> bool:
    """Return whether more rows would be lost than are always allowed."""
    return losses(operations) > ALWAYS_ALLOWED_LOSSES


def questions(
    judgement: Judgement,
    rows: Sequence[Attribute],
    met: Iterable[Collection[AttributeId]],
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
    room = max(size - len(CATEGORIES), size // 2)
    parts: list[list[AttributeId]] = [[]]
    for op in _mixed(doubtful(judgement), met):
        if parts[-1] and len(parts[-1]) + len(op.row_ids) > room:
            parts.append([])
        parts[-1] += op.row_ids
    by_id = {row.id: row for row in rows}
    kept = _unrelated(judgement, rows, set(chain.from_iterable(parts)))
    asked: list[list[Attribute]] = []
    controls: set[AttributeId] = set()
    for part in parts:
        about = [by_id[row_id] for row_id in part]
        beside = _controls_for(about, kept, size=size)
        controls.update(row.id for row in beside)
        asked.append([*about, *beside])
    return Questions(asked, frozenset(controls))


def confirmed(judgement: Judgement, asked: Questions, answers: Answers) -> Judgement:
    """Return the judgement without the losses that the model did not say again."""
    said = [p for p in answers.proposals if p.op in ("remove", "supersede")]
    lost = {row_id for p in said for row_id in p.row_ids if row_id in asked.controls}
    suspect = {i for met in answers.met if not lost.isdisjoint(met) for i in met}
    removed = {row_id for p in said if p.op == "remove" for row_id in p.row_ids}
    newer = [frozenset(p.row_ids) for p in said if p.op == "supersede"]
    left: list[Operation] = []
    refused = list(judgement.refused)
    for op in judgement.operations:
        if not _loses(op):
            left.append(op)
        elif not suspect.isdisjoint(op.row_ids):
            refused.append(_unbelieved("a row that is sure would go as well", op))
        elif removed.issuperset(op.retired) or _is_among(op, newer):
            left.append(op)
        else:
            refused.append(_unbelieved("not said again", op))
    return Judgement(tuple(left), tuple(refused))


def doubtful(judgement: Judgement) -> list[Operation]:
    """Return the operations that lose rows."""
    return [op for op in judgement.operations if _loses(op)]


def _loses(op: Operation) -> bool:
    return op.op in (Op.REMOVE, Op.SUPERSEDE)


def _is_among(op: Operation, newer: Iterable[frozenset[AttributeId]]) -> bool:
    return op.op is Op.SUPERSEDE and any(group.issuperset(op.row_ids) for group in newer)


def _unbelieved(why: str, op: Operation) -> Refused:
    return Refused(GUARD, f"{why}: {op.reason}", op.row_ids)


def _mixed(
    operations: Iterable[Operation], met: Iterable[Collection[AttributeId]]
) -> Iterator[Operation]:
    """Yield the operations so that those of one request are far from each other."""
    request = {row_id: number for number, rows in enumerate(met) for row_id in rows}
    of_request: defaultdict[int, list[Operation]] = defaultdict(list)
    for op in operations:
        of_request[request.get(op.row_ids[0], -1)].append(op)
    waiting = [found[::-1] for found in of_request.values()]
    while waiting:
        for found in waiting:
            yield found.pop()
        waiting = [found for found in waiting if found]


def _unrelated(
    judgement: Judgement, rows: Sequence[Attribute], ids: Collection[AttributeId]
) -> Mapping[str, list[Attribute]]:
    """Return rows that the model said nothing of, by category, unrelated to the doubtful ones."""
    named = {row_id for op in judgement.operations for row_id in op.row_ids}
    named |= {row_id for refused in judgement.refused for row_id in refused.row_ids}
    named |= Relations(rows, ids).relatives(ids)
    kept: defaultdict[str, list[Attribute]] = defaultdict(list)
    for row in reversed(rows):
        if row.id not in named:
            kept[row.category].append(row)
    return kept


def _controls_for(
    about: Sequence[Attribute], kept: Mapping[str, list[Attribute]], *, size: int
) -> list[Attribute]:
    """Take a control row of each category that would lose a row, as far as there is room."""
    wanted = [kept[name] for name in sorted({row.category for row in about}) if kept.get(name)]
    return [rows.pop() for rows in wanted[: max(size - len(about), 0)]]
