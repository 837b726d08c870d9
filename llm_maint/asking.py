"""Asking a model about several entities side by side; what it says comes back in their order."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from llm_maint.contract import LanguageModel
from llm_maint.domain.budget import Meter
from llm_maint.domain.consolidation import Consolidation
from llm_maint.domain.consultation import Case, Verdict, consult
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Operation
from llm_maint.domain.judged import Judged
from llm_maint.domain.loss_guard import NO_LOSSES, RecentLosses
from llm_maint.domain.plan import Whole
from llm_maint.domain.progress import Progress, Steps, untold
from llm_maint.domain.row import Row, RowId


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One entity on its way: its rows as read, what code folded, and what the model costs.

    `done` is what it came to where nobody need be asked; `case` is what to ask about, and `tries`
    how often that was done to no end. `young` are rows that are not touched yet, `waiting` new ones
    that wait for more. `recent` is what was lost in the last days, for a dry run: what is written
    counts it anew. `size` bounds the rows of a request. Of a part of an entity's rows `whole` and
    `beyond` tell of the others; `again` are rows to ask about next time, whatever is said now, and
    with `leaves_apart` others wait for what becomes of these. `advice` is what reading had to say.
    """

    entity: Entity
    meter: Meter
    rows: tuple[Row, ...] = ()
    young: frozenset[RowId] = frozenset()
    waiting: frozenset[RowId] = frozenset()
    folds: tuple[Operation, ...] = ()
    case: Case | None = None
    judged: Judged | None = None
    tries: int = 0
    recent: RecentLosses = NO_LOSSES
    size: int = 0
    whole: Whole | None = None
    beyond: int = 0
    again: frozenset[RowId] = frozenset()
    leaves_apart: bool = False
    advice: tuple[str, ...] = ()
    done: Consolidation | Exception | None = None

    @property
    def asks(self) -> bool:
        """Whether there is anything to ask a model about."""
        return self.done is None and self.case is not None and bool(self.case.new)


def answered(
    made: Callable[[], LanguageModel | None],
    works: Iterable[Work],
    *,
    progress: Progress = untold,
) -> Generator[tuple[Work, Verdict | Exception]]:
    """Yield what a model says about each entity.

    Args:
        made: returns the model, None where none is configured; called where one must be asked.
        works: in the order in which they are answered; taken in the caller's thread.
        progress: told of the requests.

    """
    works = iter(works)
    steps = Steps("requests", progress)
    for work in works:
        model = made() if work.asks else None
        if model is None:
            yield work, Verdict()
        else:
            asking = _asking(model, chain([work], works), steps=steps)
            with closing(model.in_order(asking)) as replies:
                yield from replies


def _asking(
    model: LanguageModel, works: Iterable[Work], *, steps: Steps
) -> Iterator[Coroutine[Any, Any, tuple[Work, Verdict | Exception]]]:
    before = asyncio.Event()
    before.set()
    for work in works:
        done = asyncio.Event()
        asked = partial(_asked, model, work, steps=steps)
        yield asked(before=before, done=done)
        before = done


async def _asked(
    model: LanguageModel,
    work: Work,
    *,
    steps: Steps,
    before: asyncio.Event,
    done: asyncio.Event,
) -> tuple[Work, Verdict | Exception]:
    """Ask about one entity; `before` tells that all begun earlier are done, `done` that this is."""
    if work.meter.alone:
        await before.wait()
    verdict: Verdict | Exception = Verdict()
    complete = partial(model.complete, meter=work.meter)
    try:
        if work.asks and work.case is not None:
            size, turn = work.size, work.tries
            verdict = await consult(complete, work.case, size=size, turn=turn, steps=steps)
    except Exception as error:  # noqa: BLE001 what is wrong with one must not stop the others
        verdict = error
    await before.wait()
    done.set()
    return work, verdict
