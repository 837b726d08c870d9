"""Work side by side: results in the order given, and an end that nothing outlives."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, closing, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import pytest

from llm_maint.errors import InterruptedRunError
from llm_maint.llm import side_by_side
from llm_maint.llm.side_by_side import in_order


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No thread outlives a test; an event loop that was not closed is a warning, so an error."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@dataclass
class Resource:
    """A resource that notes what happens to it, and in which thread."""

    fails: bool = False
    hangs: bool = False
    notes: list[str] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._note("opened")
        if self.fails:
            raise OSError("no descriptors left")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._note("closed")
        if self.hangs:
            await asyncio.Event().wait()

    def _note(self, what: str) -> None:
        asyncio.get_running_loop()
        self.notes.append(what)
        self.threads.add(threading.current_thread().name)


def _ordered(
    works: Iterable[Coroutine[Any, Any, Any]], *, ahead: int = 3, resource: Resource | None = None
) -> Generator[Any]:
    return in_order(works, ahead=ahead, resources=(lambda: resource) if resource else nullcontext)


class Gates:
    """Works that end only when they are let through, in any order."""

    def __init__(self, number: int) -> None:
        self.ended: list[int] = []
        self._events: dict[int, asyncio.Event] = {n: asyncio.Event() for n in range(number)}

    async def pass_(self, number: int, *, then: int | None = None) -> int:
        """Wait to be let through; let another through then."""
        await self._events[number].wait()
        self.ended.append(number)
        if then is not None:
            self._events[then].set()
        return number

    async def open(self, number: int) -> int:
        """Let one through, and be done at once."""
        self._events[number].set()
        return -1


def _consumed(results: Generator[Any], error: BaseException) -> None:
    """Take the first result, then run into an error."""
    with closing(results):
        assert next(results) == 0
        raise error


async def _said(number: int) -> int:
    await asyncio.sleep(0)
    return number


async def _never() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("ahead", [1, 2, 5, 50])
@pytest.mark.parametrize("number", [0, 1, 5, 40])
def test_results_are_in_the_order_of_the_works(number: int, ahead: int) -> None:
    """Every one of them, however many are under way at once."""
    works = (_said(n) for n in range(number))
    assert list(_ordered(works, ahead=ahead)) == list(range(number))


def test_results_are_in_order_whichever_is_done_first() -> None:
    """The last is done first, and yielded last."""
    gates = Gates(4)
    works = [*(gates.pass_(n, then=n - 1 if n else None) for n in range(4)), gates.open(3)]
    assert list(_ordered(works, ahead=5)) == [0, 1, 2, 3, -1]
    assert gates.ended == [3, 2, 1, 0]


@pytest.mark.parametrize("ahead", [1, 2, 3, 8])
def test_at_most_so_many_are_under_way(ahead: int) -> None:
    """Though each could end only when as many are under way as may be."""
    gate = asyncio.Barrier(ahead)
    under_way: set[int] = set()
    most: list[int] = []

    async def work(number: int) -> int:
        under_way.add(number)
        most.append(len(under_way))
        await gate.wait()
        under_way.remove(number)
        return number

    assert list(_ordered((work(n) for n in range(8 * ahead)), ahead=ahead)) == list(
        range(8 * ahead)
    )
    assert max(most) == ahead


@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_works_are_taken_one_by_one_in_the_callers_thread(ahead: int) -> None:
    """At most so many before the result that is yielded next; so reading rows needs no lock."""
    taken: list[int] = []
    threads = set()

    def works() -> Iterator[Coroutine[Any, Any, int]]:
        for number in range(9):
            taken.append(number)
            threads.add(threading.current_thread())
            yield _said(number)

    for result in _ordered(works(), ahead=ahead):
        assert len(taken) <= min(9, result + ahead)
        if ahead == 1:
            assert taken[-1] == result
    assert (taken, threads) == (list(range(9)), {threading.current_thread()})


@pytest.mark.parametrize("error", [ValueError("x"), InterruptedRunError(15), KeyError(1)])
def test_what_a_work_raises_is_raised_in_its_place(error: BaseException) -> None:
    """The results before it come first; the works after it are cancelled."""
    cancelled: list[int] = []
    resource = Resource()

    async def wrong() -> int:
        raise error

    async def waiting(number: int) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(number)
        return number

    results = _ordered([_said(0), wrong(), waiting(2), waiting(3)], ahead=4, resource=resource)
    assert next(results) == 0
    with pytest.raises(type(error)) as caught:
        next(results)
    assert caught.value is error
    assert sorted(cancelled) == [2, 3]
    assert resource.notes == ["opened", "closed"]
    assert list(results) == []


@pytest.mark.parametrize("first", [1, 2])
def test_closing_midway_cancels_the_rest(first: int) -> None:
    """What is under way ends at once, in the loop, before the resource that it uses is closed."""
    resource = Resource()

    async def waiting() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            resource.notes.append("cancelled")
        return 0

    works = [*(_said(n) for n in range(first)), waiting(), waiting()]
    with closing(_ordered(works, ahead=first + 2, resource=resource)) as results:
        assert next(results) == 0
    assert resource.notes == ["opened", "cancelled", "cancelled", "closed"]


def test_resources_live_in_the_loop_and_once() -> None:
    """Opened before the first work, closed after the last, in the thread of the loop."""
    resource = Resource()

    async def work() -> list[str]:
        return list(resource.notes)

    assert list(_ordered([work(), work()], resource=resource)) == [["opened"]] * 2
    assert resource.notes == ["opened", "closed"]
    assert len(resource.threads) == 1
    assert resource.threads.isdisjoint({threading.current_thread().name})


def test_a_generator_that_is_never_begun_opens_nothing() -> None:
    """Nor does one that is closed before its first result."""
    resource = Resource()
    _ordered(iter(()), resource=resource).close()
    assert resource.notes == []


@pytest.mark.parametrize("kind", ["class", "generator"])
def test_a_resource_that_cannot_be_opened_is_the_callers_error(kind: str) -> None:
    """No work is taken, and what was not opened is not closed."""
    resource = Resource(fails=True)
    taken: list[int] = []

    @asynccontextmanager
    async def generated() -> AsyncIterator[None]:
        async with resource:
            yield

    def works() -> Iterator[Coroutine[Any, Any, int]]:
        taken.append(1)
        yield _said(1)

    made: Callable[[], Any] = (lambda: resource) if kind == "class" else generated
    with pytest.raises(OSError, match="no descriptors left"):
        list(in_order(works(), ahead=2, resources=made))
    assert (taken, resource.notes) == ([], ["opened"])


@pytest.mark.parametrize("error", [ValueError("x"), InterruptedRunError(2), KeyboardInterrupt()])
def test_an_error_of_the_consumer_ends_what_is_under_way(error: BaseException) -> None:
    """A signal raises in the thread that consumes; it comes through as it is."""
    resource = Resource()
    with pytest.raises(type(error)) as caught:
        _consumed(_ordered([_said(0), _never(), _never()], resource=resource), error)
    assert caught.value is error
    assert resource.notes == ["opened", "closed"]


@pytest.mark.parametrize("error", [ValueError("x"), InterruptedRunError(2)])
def test_an_error_while_works_are_taken_ends_what_is_under_way(error: BaseException) -> None:
    """The database may fail, or a signal come, while the next work is made."""
    resource = Resource()

    def works() -> Iterator[Coroutine[Any, Any, None]]:
        yield _never()
        raise error

    with pytest.raises(type(error)) as caught:
        list(_ordered(works(), resource=resource))
    assert caught.value is error
    assert resource.notes == ["opened", "closed"]


def test_connections_that_do_not_close_hide_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process was told to stop: that is what counts, not how the connections ended."""
    monkeypatch.setattr(side_by_side, "ENDING_SECONDS", 0.05)
    with pytest.raises(InterruptedRunError):
        _consumed(
            _ordered([_said(0), _never()], resource=Resource(hangs=True)), InterruptedRunError(15)
        )


def test_connections_that_do_not_close_spoil_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done is done: the last result is followed by the end, not by an error."""
    monkeypatch.setattr(side_by_side, "ENDING_SECONDS", 0.05)
    resource = Resource(hangs=True)
    assert list(_ordered([_said(0), _said(1)], resource=resource)) == [0, 1]
