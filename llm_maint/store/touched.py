"""What changes of a memory while it is used, and what an undo makes of that.

An assistant counts and dates each look at a memory, whoever updates a row dates it, and tags come
and go, ours among them. That is no edit: it must keep nobody from bringing a memory back. Nor is it
lost by an undo, which takes back what the plan did and no more.
"""

from collections.abc import Callable, Mapping

from llm_maint.domain.lists import as_list, is_list, read_list
from llm_maint.domain.memory import COLUMNS
from llm_maint.domain.row import Image, Scalar

USED = frozenset({"access_count", "last_accessed", "updated_at", "tags"})
"""Columns that change by use."""

WRITTEN = COLUMNS | {"embedding", "meaning_embedding"}
"""Columns that a plan writes; where others changed along with them, it was by a trigger."""


def is_edited(before: Image | None, after: Image | None, present: Image | None) -> bool:
    """Return whether a memory is not as a plan left it, be it by more than use.

    Args:
        before: the columns that the plan changed and those that name the row; None: it came then.
        after: the same, None where it went.
        present: the same as they are now, None where it is gone.

    """
    if after is None or present is None or after.keys() != present.keys():
        return after != present
    counted = after.keys() - USED if before is None else (after.keys() & WRITTEN) - USED
    return any(present[name] != after[name] for name in counted)


def taken_back(before: Image, after: Image, present: Image) -> dict[str, Scalar]:
    """Return a memory without what a plan did to it.

    Each column is as it was before. Where it has changed since by use it is as it is now; of a
    count, and of tags, without what the plan had added.
    """
    found: dict[str, Scalar] = dict(before)
    for name, was in before.items():
        then, now = after[name], present.get(name)
        if now == then or (name in WRITTEN and name not in USED):
            continue
        found[name] = _TAKEN_BACK.get(name, _now)(was, then, now)
    return found


def _now(_was: Scalar, _then: Scalar, now: Scalar) -> Scalar:
    return now


def _count(was: Scalar, then: Scalar, now: Scalar) -> Scalar:
    try:
        count = int(was or 0) + int(now or 0) - int(then or 0)
    except ValueError:
        return now
    if count < 0:  # somebody has begun to count anew
        return now
    return str(count) if isinstance(now, str) else count


def _tags(was: Scalar, then: Scalar, now: Scalar) -> Scalar:
    if not (is_list(was) and is_list(then) and is_list(now)):
        return now
    before, after, present = (list(map(str, read_list(each))) for each in (was, then, now))
    found = [tag for tag in before if tag in present or tag not in after]
    found += [tag for tag in present if tag not in after and tag not in before]
    return was if found == before else as_list(found, now, was)


_TAKEN_BACK: Mapping[str, Callable[[Scalar, Scalar, Scalar], Scalar]] = {
    "access_count": _count,
    "tags": _tags,
}
