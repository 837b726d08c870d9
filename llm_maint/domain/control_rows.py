"""Control rows: rows that a model kept, asked about again beside those that it would lose."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain

from llm_maint.domain.orders import speaks_to_model
from llm_maint.domain.relation import STRONG, Link
from llm_maint.domain.row import Row, RowId

Kin = Mapping[RowId, Mapping[RowId, Link]]
"""The relatives of each of some rows, the nearest first."""


@dataclass(slots=True)
class Controls:
    """Rows that try a model, each once: it did not want to lose them, and so it should not now.

    `named` are the rows that the model would lose, `kin` the relatives of these, `request` in which
    request each row was met. `kept` are all that may be taken, `taken` those that were.
    """

    rows: Sequence[Row]
    named: AbstractSet[RowId]
    kin: Kin
    request: Mapping[RowId, int]
    taken: set[RowId] = field(default_factory=set)
    kept: dict[RowId, Row] = field(init=False)
    _unrelated: defaultdict[str, list[Row]] = field(init=False)

    def __post_init__(self) -> None:
        """Sort out the rows that the model kept."""
        sane = [r for r in self.rows if r.id not in self.named and not speaks_to_model(r)]
        calm = _calm(self.named, self.request, {self.request.get(row.id, -1) for row in sane})
        self.kept = {row.id: row for row in sane if self.request.get(row.id, -1) in calm}
        related = set(chain.from_iterable(self.kin.values()))
        self._unrelated = defaultdict(list)
        for row in reversed(self.kept.values()):
            if row.id not in related:
                self._unrelated[row.category].append(row)

    def taken_for(self, about: Sequence[Row], *, most: int) -> list[Row]:
        """Take a row of each category, then the nearest that was elsewhere, of each row."""
        categories = sorted({row.category for row in about})
        found = [self._unrelated[name].pop() for name in categories if self._unrelated[name]]
        if not found:
            found = [rows.pop() for rows in self._unrelated.values() if rows][:1]
        for row in about:
            found += [self.kept[i] for i in self._elsewhere(row.id, {each.id for each in found})]
        self.taken.update(row.id for row in found[:most])
        return found[:most]

    def _elsewhere(self, row_id: RowId, besides: Collection[RowId]) -> Iterator[RowId]:
        """Yield the nearest relative that met the row in no request and is not the same fact."""
        for other, link in self.kin.get(row_id, {}).items():
            apart = self.request.get(other) != self.request.get(row_id)
            free = other in self.kept and other not in self.taken and other not in besides
            if apart and free and link.overlap < STRONG:
                yield other
                return


def _calm(
    named: AbstractSet[RowId], request: Mapping[RowId, int], having: AbstractSet[int]
) -> Collection[int]:
    """Return the requests about which the model said least: an order is more likely in others.

    Only those count that have a row to be taken: one of orders alone says nothing of the rest.
    """
    rows, said = Counter(request.values()), Counter(request[i] for i in named if i in request)
    share = {n: said[n] / rows[n] for n in rows if n in having}
    limit = (min(share.values(), default=0.0) + max(share.values(), default=0.0)) / 2
    return {-1, *(number for number, part in share.items() if part <= limit)}
