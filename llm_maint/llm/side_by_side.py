"""Work that waits on a model, several pieces side by side, and its results in the order given."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

log = logging.getLogger(__name__)

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
    stack = AsyncExitStack()
    try:
        yield from _results(works, ahead=ahead, loop=loop, opening=_open(stack, resources))
    finally:
        try:
            asyncio.run_coroutine_threadsafe(_end(stack), loop).result(ENDING_SECONDS)
        except TimeoutError:
            log.info("the connections to the model server do not close; they are left")
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def _results(
    works: Iterable[Coroutine[Any, Any, T]],
    *,
    ahead: int,
    loop: asyncio.AbstractEventLoop,
    opening: Coroutine[Any, Any, None],
) -> Generator[T]:
    under_way: deque[Future[T]] = deque()
    asyncio.run_coroutine_threadsafe(opening, loop).result()
    for work in works:
        under_way.append(asyncio.run_coroutine_threadsafe(work, loop))
        if len(under_way) >= ahead:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


async def _open(
    stack: AsyncExitStack, resources: Callable[[], AbstractAsyncContextManager[object]]
) -> None:
    await stack.enter_async_context(resources())


async def _end(stack: AsyncExitStack) -> None:
    """Cancel what is under way, then close what it used."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await stack.aclose()
