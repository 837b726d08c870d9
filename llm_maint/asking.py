"""Asking a model about several entities side by side; what it says comes back in their order."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from llm_maint.contract import LanguageModel
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.enquiry import Answers, ask_all
from llm_maint.domain.judge import Operation
from llm_maint.domain.profile import Attribute, Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One entity on its way: its rows as read, what code folded, and what the model costs.

    `done` is what it came to where nobody need be asked; `survivors` are the rows to ask about, and
    `tries` is how often that was done to no end. `lost` are the rows lost in the last days, for a
    dry run: what is written counts them anew.
    """

    entity: Entity
    meter: Meter
    rows: tuple[Attribute, ...] = ()
    folds: tuple[Operation, ...] = ()
    survivors: Sequence[Attribute] = ()
    tries: int = 0
    lost: int = 0
    done: Consolidation | Exception | None = None


def answered(
    made: Callable[[], LanguageModel | None], works: Iterable[Work], *, size: int
) -> Generator[tuple[Work, Answers | Exception]]:
    """Yield what a model says about each entity.

    Args:
        made: returns the model, None where none is configured; called where one must be asked.
        works: in the order in which they are answered; taken in the caller's thread.
        size: rows that a request has at most.

    """
    works = iter(works)
    for work in works:
        if not work.survivors:
            yield work, Answers()
        elif (model := made()) is None:
            yield work, Answers(reviewed=frozenset(row.id for row in work.survivors))
        else:
            asking = _asking(model, chain([work], works), size=size)
            with closing(model.in_order(asking)) as replies:
                yield from replies


def _asking(
    model: LanguageModel, works: Iterable[Work], *, size: int
) -> Iterator[Coroutine[Any, Any, tuple[Work, Answers | Exception]]]:
    before = asyncio.Event()
    before.set()
    for work in works:
        done = asyncio.Event()
        yield _asked(model, work, size=size, before=before, done=done)
        before = done


async def _asked(
    model: LanguageModel, work: Work, *, size: int, before: asyncio.Event, done: asyncio.Event
) -> tuple[Work, Answers | Exception]:
    """Ask about one entity; `before` tells that all begun earlier are done, `done` that this is."""
    if work.meter.alone:
        await before.wait()
    answers: Answers | Exception = Answers()
    complete = partial(model.complete, meter=work.meter)
    try:
        if work.survivors:
            answers = await ask_all(
                complete, work.entity, work.survivors, size=size, turn=work.tries
            )
    except Exception as error:  # noqa: BLE001 what is wrong with one must not stop the others
        answers = error
    await before.wait()
    done.set()
    return work, answers
