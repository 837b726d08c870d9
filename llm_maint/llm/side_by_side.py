"""Work that waits on a model, several pieces side by side, and its results in the order given."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

ENDING_SECONDS = 5.0
"""How long connections may take to close; a process that was told to stop cannot wait."""


def in_order(
    works: Iterable[Coroutine[Any, Any, T]],
    *,
    ahead: int,
    resources: Callable[[], AbstractAsyncContextManager[object]],
) -> Generator[T]:
    """Run coroutines in an event loop of their own; yield their results in the order given.

    The caller's thread only waits, so that a signal interrupts it at once; when the generator is
    closed, what is still under way is cancelled. `works` is consumed in the caller's thread.

    Args:
        works: taken one by one, at most `ahead` before the result that is yielded next.
        ahead: at least 1; with 1, one begins when the result before it was dealt with.
        resources: opened in the loop before the first, closed after the last.

    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="model", daemon=True)
    thread.start()
    under_way: deque[Future[T]] = deque()
    opened = resources()
    try:
        asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result()
        for work in works:
            under_way.append(asyncio.run_coroutine_threadsafe(work, loop))
            if len(under_way) >= ahead:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        ending = asyncio.run_coroutine_threadsafe(_end(opened), loop)
        try:
            ending.result(ENDING_SECONDS)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _end(opened: AbstractAsyncContextManager[object]) -> None:
    """Cancel what is under way, then close what it used."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await opened.__aexit__(None, None, None)
