"""Merging rows that state one fact: what the row that stays will say, and which rows may go.

The winner keeps its text to the byte unless a model's text passes every guard, and a row goes only
where the text that stays covers it: so a merge loses no fact, whoever asks for it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from llm_maint.domain.coverage import covers
from llm_maint.domain.new_text import key_objection, text_objection
from llm_maint.domain.reply import Proposal, Refused
from llm_maint.domain.row import Row, RowId
from llm_maint.domain.wording import folded


@dataclass(frozen=True, slots=True)
class Merge:
    """The row that stays as it will be, None where no other goes; who goes; what was refused."""

    after: Row | None
    going: tuple[Row, ...]
    refused: tuple[Refused, ...]


def merge(
    winner: Row,
    others: Sequence[Row],
    proposal: Proposal,
    *,
    is_fixed: bool,
    worn: Collection[RowId],
) -> Merge:
    """Merge rows into the winner as far as a surviving text covers them.

    Args:
        winner: the row that stays.
        others: the rows that may go.
        proposal: what the model would have the winner say.
        is_fixed: the winner may not be changed at all.
        worn: rows whose text a model has written too often already.

    """
    wordings = [winner] if is_fixed else list(_wordings(winner, proposal))
    trials = [_tried(wording, winner, others, worn) for wording in wordings]
    best = max((trial for trial in trials if not trial.objection), key=lambda each: len(each.going))
    refused = [*_not_taken(trials, best, proposal, winner), *_uncovered(others, best)]
    after = _joined(best, winner, proposal, is_fixed=is_fixed) if best.going else None
    return Merge(after, best.going, tuple(refused))


@dataclass(frozen=True, slots=True)
class _Trial:
    """A wording of the winner, the rows it covers, and what is wrong with it."""

    wording: Row
    going: tuple[Row, ...]
    objection: str | None


def _wordings(winner: Row, proposal: Proposal) -> Iterator[Row]:
    """Yield the winner as it may be worded: as proposed, in part as proposed, and as it is."""
    texts, keys = [winner], [winner.key]
    if proposal.value not in (None, winner.text) and isinstance(winner.value, str):
        texts.insert(0, winner.with_text(str(proposal.value)))
    if proposal.key is not None and (key := winner.key_as(proposal.key)) != winner.key:
        keys.insert(0, key)
    for row in texts:
        yield from (row if key == row.key else row.with_key(key) for key in keys)


def _tried(
    wording: Row,
    winner: Row,
    others: Sequence[Row],
    worn: Collection[RowId],
) -> _Trial:
    is_new = wording.text != winner.text
    going = tuple(row for row in others if _covered(row, wording, is_new=is_new))
    if wording is winner:
        return _Trial(wording, going, None)
    sources = [winner, *going]
    objection = None
    if not _covered(winner, wording, is_new=is_new):
        objection = "it does not say all that the row itself says"
    elif any(row.id in worn for row in sources):
        objection = "models have rewritten the row often enough"
    elif is_new:
        objection = text_objection(wording.text, sources)
    if objection is None and wording.key != winner.key:
        objection = key_objection(wording.key, sources)
    return _Trial(wording, going, objection)


def _covered(row: Row, wording: Row, *, is_new: bool) -> bool:
    # Of a list or an object the places are a part of the fact, and words do not see them.
    if not isinstance(row.value, str) and folded(row.value) != folded(wording.value):
        return False
    return covers(wording.saying, row.saying, is_new=is_new)


def _not_taken(
    trials: Sequence[_Trial], best: _Trial, proposal: Proposal, winner: Row
) -> Iterator[Refused]:
    """Yield what was proposed and is not taken: the winner's own stays in its place."""
    ids = (winner.id,)
    if proposal.value not in (None, winner.text, best.wording.text):
        why = trials[0].objection or "it covers fewer rows, or the row has no text"
        yield Refused("new_text", f"{why}: {proposal.reason}", ids)
    elif proposal.key is not None and not _has_key(best.wording, proposal.key):
        why = trials[0].objection or "it covers fewer rows"
        yield Refused("new_key", f"{why}: {proposal.reason}", ids)


def _has_key(row: Row, proposed: str) -> bool:
    return row.key_as(proposed) == row.key_as(row.key)


def _uncovered(others: Sequence[Row], best: _Trial) -> Iterator[Refused]:
    why = "the surviving text does not say all that this row says"
    return (Refused("coverage", why, (row.id,)) for row in others if row not in best.going)


def _joined(best: _Trial, winner: Row, proposal: Proposal, *, is_fixed: bool) -> Row:
    if is_fixed:
        return winner
    after = best.wording.united(best.going)
    if best.wording.text != winner.text:
        after = after.as_maintained()
    if proposal.category is not None:
        after = after.with_category(proposal.category, (winner, *best.going))
    return after
