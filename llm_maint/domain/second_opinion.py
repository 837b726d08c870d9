"""A second opinion: many losses stand only where a model says so again, in other company.

A row may hold an order to the model, and a model may obey it. So rows that would be lost are asked
about once more without the rows they were first seen with, and beside control rows: rows that the
model kept, and that have nothing to do with them. Whoever loses a control row is not believed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from llm_maint.domain.enquiry import Answers
from llm_maint.domain.judge import Judgement, Op, Operation, losses
from llm_maint.domain.plan import ALWAYS_ALLOWED_LOSSES
from llm_maint.domain.profile import CATEGORIES, Attribute, AttributeId
from llm_maint.domain.relation import Relations
from llm_maint.domain.reply import Proposal, Refused

GUARD = "second_opinion"
"""The guard that drops a loss which the model does not say again."""


def is_needed(judgement: Judgement) -> bool:
    """Return whether more rows would be lost than are always allowed."""
    return losses(judgement.operations) > ALWAYS_ALLOWED_LOSSES


@dataclass(slots=True)
class SecondOpinion:
    """What to ask once more about the losses of a judgement, and what stands of it then.

    `rows` are those that were judged, `met` those of each request that was answered.
    """

    judgement: Judgement
    rows: Sequence[Attribute]
    met: Sequence[Collection[AttributeId]]
    controls: set[AttributeId] = field(default_factory=set)

    @property
    def doubtful(self) -> list[Operation]:
        """The operations that lose rows."""
        return [op for op in self.judgement.operations if op.op in (Op.REMOVE, Op.SUPERSEDE)]

    def parts(self, *, size: int) -> list[tuple[Attribute, ...]]:
        """Return the rows of each request: those that would be lost, and control rows."""
        room = max(size - len(CATEGORIES), size // 2)
        parts: list[list[AttributeId]] = [[]]
        for op in self._mixed():
            if parts[-1] and len(parts[-1]) + len(op.row_ids) > room:
                parts.append([])
            parts[-1] += op.row_ids
        by_id = {row.id: row for row in self.rows}
        doubtful = [[by_id[i] for i in part] for part in parts]
        keeping = self._unrelated(chain.from_iterable(parts))
        return [(*part, *self._controls_for(part, keeping, size=size)) for part in doubtful]

    def confirmed(self, answers: Answers) -> Judgement:
        """Return the judgement without the losses that the model did not say again."""
        credible = [p for p in answers.proposals if p.op in ("remove", "supersede")]
        exposed = self._exposed(credible, answers.met)
        left: list[Operation] = []
        refused = list(self.judgement.refused)
        for op in self.judgement.operations:
            if op not in self.doubtful or (_is_repeated(op, credible) and op not in exposed):
                left.append(op)
            else:
                why = "a row that is sure would go as well" if op in exposed else "not said again"
                refused.append(Refused(GUARD, f"{why}: {op.reason}", op.row_ids))
        return Judgement(tuple(left), tuple(refused))

    def _mixed(self) -> Iterator[Operation]:
        """Yield the doubtful operations so that those of one request are far from each other."""
        request = {row_id: number for number, met in enumerate(self.met) for row_id in met}
        of_request: defaultdict[int, list[Operation]] = defaultdict(list)
        for op in self.doubtful:
            of_request[request.get(op.row_ids[0], -1)].append(op)
        waiting = [found[::-1] for found in of_request.values()]
        while waiting:
            for found in waiting:
                yield found.pop()
            waiting = [found for found in waiting if found]

    def _unrelated(self, doubtful: Iterable[AttributeId]) -> Mapping[str, list[Attribute]]:
        """Return rows that the model said nothing of, by category, unrelated to the doubtful."""
        ids = set(doubtful)
        named = {row_id for op in self.judgement.operations for row_id in op.row_ids}
        named |= {row_id for refused in self.judgement.refused for row_id in refused.row_ids}
        related = Relations(self.rows, ids).relatives(ids)
        kept: defaultdict[str, list[Attribute]] = defaultdict(list)
        for row in reversed(self.rows):
            if row.id not in named | related:
                kept[row.category].append(row)
        return kept

    def _controls_for(
        self, part: Sequence[Attribute], kept: Mapping[str, list[Attribute]], *, size: int
    ) -> list[Attribute]:
        """Take a control row of each category that would lose a row, as far as there is room."""
        wanted = [kept[name] for name in sorted({row.category for row in part}) if kept.get(name)]
        taken = [rows.pop() for rows in wanted[: max(size - len(part), 0)]]
        self.controls.update(row.id for row in taken)
        return taken

    def _exposed(
        self, proposals: Iterable[Proposal], met: Iterable[Collection[AttributeId]]
    ) -> list[Operation]:
        """Return the operations that were asked about where a control row was lost."""
        lost = {i for p in proposals for i in p.row_ids if i in self.controls}
        suspect = {i for request in met if not lost.isdisjoint(request) for i in request}
        return [op for op in self.doubtful if not suspect.isdisjoint(op.row_ids)]


def _is_repeated(op: Operation, proposals: Sequence[Proposal]) -> bool:
    removed = {i for p in proposals if p.op == "remove" for i in p.row_ids}
    if removed.issuperset(op.retired):
        return True
    again = (p for p in proposals if p.op == "supersede")
    return op.op is Op.SUPERSEDE and any(set(op.row_ids) <= set(p.row_ids) for p in again)
