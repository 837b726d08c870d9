"""From proposals to operations: code folds duplicates, chooses winners and checks every claim."""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from llm_maint.domain.merge import merge
from llm_maint.domain.orders import speaks_to_model
from llm_maint.domain.policy import Policy
from llm_maint.domain.relation import subject_of
from llm_maint.domain.reply import Proposal, Refused
from llm_maint.domain.row import Row, RowId, latest

UNRELATED = "unrelated"
"""The guard that drops from a group of versions what has nothing to do with the newest."""

ORDER = "order"
"""The guard that keeps what reads like an order to a model, whatever the model says of it."""


class Op(StrEnum):
    """What an operation does to its rows."""

    FOLD = "fold"
    MERGE = "merge"
    SUPERSEDE = "supersede"
    REMOVE = "remove"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One decision about some rows.

    `after` is the winner as it will be; `row_ids` names all rows, the winner first. A removal and a
    conflict have no winner.
    """

    op: Op
    reason: str
    row_ids: tuple[RowId, ...]
    after: Row | None = None

    @property
    def winner_id(self) -> RowId | None:
        """The row that goes on for all of them."""
        return self.after.id if self.after else None

    @property
    def is_incomplete(self) -> bool:
        """Whether a group has no winner among its rows, or a winner stands where none can."""
        if self.op in (Op.REMOVE, Op.CONFLICT):
            return self.after is not None
        return self.winner_id not in self.row_ids

    @property
    def retired(self) -> tuple[RowId, ...]:
        """The rows that this operation deletes."""
        if self.op is Op.CONFLICT:
            return ()
        return tuple(row_id for row_id in self.row_ids if row_id != self.winner_id)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Operations that stand, and what was refused by which guard."""

    operations: tuple[Operation, ...]
    refused: tuple[Refused, ...] = ()


def fold(
    rows: Sequence[Row], policy: Policy, *, settled: Collection[RowId] = ()
) -> tuple[tuple[Operation, ...], list[Row]]:
    """Fold exact duplicates: rows that are copies of each other, see `Row.identity`.

    Duplicates that are all `settled` stay: a person has put them back.

    Returns:
        The operations, and the rows that go on, winners as they will be.

    """
    same: defaultdict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        same[row.identity].append(row)
    operations = tuple(
        _joined(Op.FOLD, _same(group[0]), group, policy)
        for group in same.values()
        if len(group) > 1 and not all(row.id in settled for row in group)
    )
    after = {op.winner_id: op.after for op in operations if op.after}
    gone = {row_id for op in operations for row_id in op.retired}
    return operations, [after.get(row.id, row) for row in rows if row.id not in gone]


def _same(row: Row) -> str:
    return "the same key and value" if row.key else "the same text"


def judge(
    rows: Sequence[Row],
    proposals: Iterable[Proposal],
    policy: Policy,
    *,
    worn: Collection[RowId] = (),
) -> Judgement:
    """Turn a model's proposals about `rows` into the operations that every guard lets pass.

    `worn` are rows whose text a model has written too often already: it stays as it is.
    """
    proposals = list(proposals)
    by_id = {row.id: row for row in rows}
    uses = Counter(row_id for proposal in proposals for row_id in proposal.row_ids)
    operations: list[Operation] = []
    refused: list[Refused] = []
    for proposal in proposals:
        twice = tuple(row_id for row_id in proposal.row_ids if uses[row_id] > 1)
        if twice:
            refused.append(Refused("id_in_two_operations", proposal.reason, proposal.row_ids))
            continue
        named = [by_id[i] for i in proposal.row_ids]
        if proposal.op == "merge":
            judged = _merge(proposal, named, policy, worn)
        else:
            judged = _JUDGES[proposal.op](proposal, named, policy)
        operations += judged.operations
        refused += judged.refused
    return Judgement(tuple(operations), tuple(refused))


def _merge(
    proposal: Proposal, rows: list[Row], policy: Policy, worn: Collection[RowId]
) -> Judgement:
    winner = _winner(rows, policy)
    is_fixed = policy.protects(winner)
    staying = [row for row in rows if row is not winner and policy.protects(row)]
    others = [row for row in rows if row is not winner and row not in staying]
    done = merge(winner, others, proposal, is_fixed=is_fixed, worn=worn)
    kept = [Refused("protected", "a protected row stays", (row.id,)) for row in staying]
    operations: tuple[Operation, ...] = ()
    if done.after is not None:
        ids = (winner.id, *(row.id for row in done.going))
        operations = (
            Operation(op=Op.MERGE, reason=proposal.reason, row_ids=ids, after=done.after),
        )
    return Judgement(operations, (*kept, *done.refused))


def _supersede(proposal: Proposal, named: list[Row], policy: Policy) -> Judgement:
    if orders := tuple(row.id for row in named if speaks_to_model(row)):
        named = [row for row in named if row.id not in orders]
    apart = (Refused(ORDER, proposal.reason, orders),) if orders else ()
    if len(named) < 2:  # noqa: PLR2004 a group of one is none
        return Judgement((), apart)
    winner = _winner(named, policy)
    subject = subject_of(winner)
    rows = [row for row in named if not subject.isdisjoint(subject_of(row))]
    strangers = tuple(
        Refused(UNRELATED, "it shares neither key nor word with the newer value", (row.id,))
        for row in named
        if row not in rows
    )
    # A group of which the most have nothing to do with its newest row is about no one thing.
    if 2 * len(rows) <= len(named):
        return Judgement((), (*apart, *strangers))
    judged = _superseded(proposal, rows, winner, policy)
    return replace(judged, refused=(*apart, *strangers, *judged.refused))


def _superseded(proposal: Proposal, rows: list[Row], winner: Row, policy: Policy) -> Judgement:
    newest = max(rows, key=latest)
    others = [row for row in rows if row is not winner]
    if any(_rank(row, policy) == _rank(winner, policy) for row in others):
        return _conflict(
            replace(proposal, reason=f"no order decides: {proposal.reason}"), rows, policy
        )
    if any(policy.protects(row) for row in others) or latest(newest) > latest(winner):
        reason = f"a protected value differs from a newer one: {proposal.reason}"
        return _conflict(replace(proposal, reason=reason), rows, policy)
    return Judgement((_joined(Op.SUPERSEDE, proposal.reason, rows, policy),))


def _conflict(proposal: Proposal, rows: list[Row], _policy: Policy) -> Judgement:
    ids = tuple(row.id for row in rows)
    return Judgement((Operation(op=Op.CONFLICT, reason=proposal.reason, row_ids=ids),))


def _remove(proposal: Proposal, rows: list[Row], policy: Policy) -> Judgement:
    ids = tuple(row.id for row in rows)
    if any(policy.protects(row) for row in rows):
        return Judgement((), (Refused("protected", proposal.reason, ids),))
    if any(map(speaks_to_model, rows)):
        return Judgement((), (Refused(ORDER, proposal.reason, ids),))
    return Judgement((Operation(op=Op.REMOVE, reason=proposal.reason, row_ids=ids),))


_JUDGES = {"supersede": _supersede, "conflict": _conflict, "remove": _remove}


def _rank(row: Row, policy: Policy) -> tuple[bool, bool, datetime, float]:
    """Order of winners: protected, and then by their own standing."""
    return policy.protects(row), *row.standing


def _winner(rows: Sequence[Row], policy: Policy) -> Row:
    # The first row wins a tie, and rows come in the order of their ids: the choice is stable.
    return max(rows, key=lambda row: _rank(row, policy))


def _joined(op: Op, reason: str, rows: Sequence[Row], policy: Policy) -> Operation:
    winner = _winner(rows, policy)
    others = [row for row in rows if row is not winner]
    # A protected row is never written, not even its times.
    after = winner if policy.protects(winner) else winner.united(others)
    return Operation(
        op=op, reason=reason, row_ids=(winner.id, *(row.id for row in others)), after=after
    )


def losses(operations: Iterable[Operation]) -> int:
    """Return how many rows the operations lose: all that are removed or superseded.

    Merged rows are covered by their winner, so they are no loss.
    """
    return sum(len(op.retired) for op in operations if op.op in (Op.REMOVE, Op.SUPERSEDE))


def changes(operations: Iterable[Operation]) -> Mapping[RowId, Row | None]:
    """Return what becomes of each row that is written: its new form, None where it goes."""
    found: dict[RowId, Row | None] = {}
    for op in operations:
        if op.after:
            found[op.after.id] = op.after
        found.update(dict.fromkeys(op.retired))
    return found
