"""Wear: how often a model's text was written into a row. What is worn is only kept verbatim.

Each rewriting may lose a shade of what was meant, however carefully it is checked.
"""

from collections.abc import Iterable, Mapping

from llm_maint.domain.judge import Operation
from llm_maint.domain.row import Row, RowId

MAX_REWRITES = 3
"""How often a model's text may be written into one row."""

Wear = Mapping[RowId, int]
"""How often each row was rewritten; those that are not named, never."""


def wear_after(wear: Wear, operations: Iterable[Operation], rows: Iterable[Row]) -> Wear:
    """Return the wear once the operations are done, in their order, on rows as they were read.

    A text made of several rows is as worn as the most worn of them, and once more.
    """
    worn = dict(wear)
    sayings = {row.id: row.saying for row in rows}
    retired: set[RowId] = set()
    for op in operations:
        retired.update(op.retired)
        if op.after is not None and op.after.saying != sayings[op.after.id]:
            sayings[op.after.id] = op.after.saying
            worn[op.after.id] = max(worn.get(row_id, 0) for row_id in op.row_ids) + 1
    for row_id in retired:
        worn.pop(row_id, None)
        if row_id in wear:  # an undo may bring it back
            worn[row_id] = wear[row_id]
    return worn


def worn_out(wear: Wear) -> frozenset[RowId]:
    """Return the rows whose text may not be written again."""
    return frozenset(row_id for row_id, times in wear.items() if times >= MAX_REWRITES)
