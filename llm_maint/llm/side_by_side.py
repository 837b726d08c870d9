"""Work that waits on a model, several pieces side by side, and its results in the order given."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from llm_maint.web.resolving import DaemonResolvingLoop

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
    loop = DaemonResolvingLoop()
    thread = threading.Thread(target=loop.run_forever, name="model", daemon=True)
    thread.start()
    under_way: deque[Future[T]] = deque()
    stack = AsyncExitStack()
    try:
        asyncio.run_coroutine_threadsafe(_open(stack, resources), loop).result()
        for work in works:
            under_way.append(asyncio.run_coroutine_threadsafe(work, loop))
            if len(under_way) >= ahead:
                yield _first(under_way)
        while under_way:
            yield _first(under_way)
    finally:
        for future in under_way:
            future.cancel()
        _finish(loop, thread, stack)


def _first(under_way: "deque[Future[T]]") -> T:
    """Return the result of the first; until it is there it counts as under way."""
    try:
        return under_way[0].result()
    finally:
        if under_way[0].done():
            under_way.popleft()


def _finish(
    loop: asyncio.AbstractEventLoop, thread: threading.Thread, stack: AsyncExitStack
) -> None:
    try:
        asyncio.run_coroutine_threadsafe(_end(stack), loop).result(ENDING_SECONDS)
    except TimeoutError:
        log.info("the connections to the model server do not close; they are left")
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(ENDING_SECONDS)
        if not thread.is_alive():
            loop.close()


async def _open(
    stack: AsyncExitStack, resources: Callable[[], AbstractAsyncContextManager[object]]
) -> None:
    await stack.enter_async_context(resources())


async def _end(stack: AsyncExitStack) -> None:
    """Wait for what was cancelled, and close what it used.

    What a cancelled task had begun is left to end by itself: to cancel a task that has not yet
    taken its first step makes the library that began it complain.
    """
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*rest, return_exceptions=True)
    await stack.aclose()
    # A body that broke off leaves its reader open, until somebody closes it.
    await asyncio.get_running_loop().shutdown_asyncgens()
