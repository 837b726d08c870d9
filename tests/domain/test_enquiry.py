"""Asking a model about rows: batches, halves, repetitions, and what is left where it ends."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from building import NICK, attribute

from llm_maint.domain.canary import SAFE_CHARACTERS
from llm_maint.domain.chat import Completion, Finish, Prompt, Usage
from llm_maint.domain.enquiry import Answers, ask_all
from llm_maint.domain.profile import Attribute
from llm_maint.domain.relation import Relations
from llm_maint.errors import (
    BudgetSpentError,
    MaintError,
    ModelFailedError,
    ModelRefusalError,
    PromptTooLongError,
    UnreadableReplyError,
)

Document = dict[str, Any]

CUT = Completion(text='{"groups": [', model="m", finish=Finish.LENGTH)


def _rows(number: int, value: str = "blue") -> list[Attribute]:
    return [attribute(n, f"k{n:03}", value) for n in range(1, number + 1)]


def _keys(asked: Document) -> list[str]:
    return [row["key"] for row in asked["rows"]]


def _seen(asked: Document, **more: Any) -> Completion:  # noqa: ANN401 any JSON value
    reviewed = [row["id"] for row in asked["rows"]]
    document = {"nonce": asked["nonce"], "groups": [], "reviewed": reviewed, **more}
    return Completion(text=json.dumps(document), model="m", usage=Usage(1, 100, 10))


def _merged(asked: Document) -> Completion:
    names = [row["id"] for row in asked["rows"]]
    return _seen(asked, groups=[{"reason": "alike", "op": "merge", "ids": names}])


def _refused() -> Completion:
    raise BudgetSpentError


@dataclass
class Model:
    """A model that answers by a script, which returns a completion or raises."""

    script: Callable[[Document], Completion]
    asked: list[Document] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)

    async def complete(self, prompt: Prompt) -> Completion:
        """Answer."""
        self.prompts.append(prompt)
        self.asked.append(json.loads(prompt.user))
        return self.script(self.asked[-1])

    def ask(self, rows: Sequence[Attribute], *, size: int = 60) -> Answers:
        """Ask about rows; no task may outlive it."""
        return _run(ask_all(self.complete, NICK, Relations(rows).batches(size=size), size=size))

    @property
    def sizes(self) -> list[int]:
        """Rows of each request."""
        return [len(asked["rows"]) for asked in self.asked]


def _run(asking: Coroutine[Any, Any, Answers]) -> Answers:
    async def alone() -> Answers:
        try:
            return await asking
        finally:
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(alone())


def _at_most(most: int, otherwise: Completion | MaintError) -> Callable[[Document], Completion]:
    def script(asked: Document) -> Completion:
        if len(asked["rows"]) <= most:
            return _seen(asked)
        if isinstance(otherwise, MaintError):
            raise otherwise
        return otherwise

    return script


@pytest.mark.parametrize(
    ("rows", "sizes"), [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (9, [4, 4, 1])]
)
def test_rows_go_in_requests_of_bounded_size(rows: int, sizes: list[int]) -> None:
    """Every row is asked about once, in order."""
    model = Model(_seen)
    answers = model.ask(_rows(rows), size=4)
    assert model.sizes == sizes
    assert [key for asked in model.asked for key in _keys(asked)] == [r.key for r in _rows(rows)]
    assert answers.judged == {row.id for row in _rows(rows)}
    assert not answers.left


@pytest.mark.parametrize("otherwise", [CUT, PromptTooLongError()], ids=["cut", "too long"])
@pytest.mark.parametrize(
    ("rows", "most", "sizes"),
    [
        (4, 4, [4]),
        (4, 2, [4, 2, 2]),
        (4, 1, [4, 2, 1, 1, 2, 1, 1]),
        (5, 2, [5, 3, 2, 1, 2]),
        (8, 4, [8, 4, 4]),
    ],
)
def test_what_is_too_much_is_halved_in_order(
    rows: int, most: int, sizes: list[int], otherwise: Completion | MaintError
) -> None:
    """A cut reply and a request that is too long are asked about in halves, the first first."""
    model = Model(_at_most(most, otherwise))
    answers = model.ask(_rows(rows))
    assert model.sizes == sizes
    assert answers.judged == {row.id for row in _rows(rows)}
    assert answers.left == frozenset()


def test_a_row_that_is_too_long_alone_is_left() -> None:
    """The others are judged, and the advice names the setting."""

    def script(asked: Document) -> Completion:
        if "k003" in _keys(asked):
            raise PromptTooLongError("does not fit: set llm.context_tokens")
        return _seen(asked)

    answers = Model(script).ask(_rows(8))
    assert answers.left == {3}
    assert len(answers.advice) == 1
    assert "llm.context_tokens" in answers.advice[0]


def test_halving_that_does_not_help_is_given_up() -> None:
    """Two rows in a row whose reply is too long even alone: the rest is left, unasked."""
    model = Model(lambda _: CUT)
    answers = model.ask(_rows(16))
    assert model.sizes == [16, 8, 4, 2, 1, 1]
    assert answers.left == {row.id for row in _rows(16)}
    assert answers.judged == set()
    assert len(answers.advice) == 1
    assert "llm.max_output_tokens" in answers.advice[0]


def test_cut_replies_that_are_not_in_a_row_do_not_end_the_halving() -> None:
    """A row that was judged in between shows that halving helps."""
    long = {"k001", "k003", "k005", "k007"}
    model = Model(lambda asked: CUT if long & set(_keys(asked)) else _seen(asked))
    answers = model.ask(_rows(8))
    assert answers.left == {1, 3, 5, 7}


@pytest.mark.parametrize("text", ["", "I am done.", '{"groups": []}{"groups": []}', '{"a": 1}'])
def test_a_reply_that_cannot_be_read_is_asked_for_with_another_seed(text: str) -> None:
    """The same rows once more, as a variation of the prompt; a second failure is the entity's."""
    answers = iter([Completion(text=text, model="m")])
    model = Model(lambda asked: next(answers, None) or _seen(asked))
    assert model.ask(_rows(2)).judged == {1, 2}
    assert [prompt.variation for prompt in model.prompts] == [0, 1]
    assert model.prompts[0].user == model.prompts[1].user
    model = Model(lambda _: Completion(text=text, model="m"))
    with pytest.raises(UnreadableReplyError):
        model.ask(_rows(2))
    assert len(model.prompts) == 2


def test_a_reply_that_is_cut_is_never_read() -> None:
    """Though what arrived of it is sound, more may have been meant."""
    model = Model(
        lambda asked: replace(
            _merged(asked), finish=Finish.LENGTH if len(asked["rows"]) > 1 else Finish.STOP
        )
    )
    assert model.ask(_rows(2)).proposals == ()


def test_rows_that_the_model_did_not_mention_are_asked_about_once_more() -> None:
    """They travel alone, once; what is not mentioned then either is not judged."""
    model = Model(lambda asked: _seen(asked, reviewed=["r1"]))
    answers = model.ask(_rows(4))
    assert model.sizes == [4, 3]
    assert _keys(model.asked[1]) == ["k002", "k003", "k004"]
    assert answers.judged == {1, 2}


@pytest.mark.parametrize("calls", [1, 2])
def test_a_budget_that_is_spent_midway_leaves_the_rest(calls: int) -> None:
    """What was answered stands; the other rows are left, and the advice says why."""
    spent = iter([False] * calls)
    model = Model(lambda asked: _merged(asked) if not next(spent, True) else _refused())
    answers = model.ask(_rows(6), size=2)
    judged = set(range(1, 2 * calls + 1))
    assert answers.judged == judged
    assert answers.left == set(range(1, 7)) - judged
    assert "max_calls_per_run" in " ".join(answers.advice)
    assert len(model.asked) == 3


def test_a_budget_that_allows_nothing_is_told() -> None:
    """Where nothing at all could be asked the entity waits as a whole."""
    with pytest.raises(BudgetSpentError):
        Model(lambda _: _refused()).ask(_rows(6), size=2)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_results_are_in_the_order_of_the_rows(order: Sequence[int]) -> None:
    """Whichever reply is first: the batches are asked side by side, their answers put in order."""
    finished: list[int] = []

    async def asking() -> Answers:
        gates = [asyncio.Event() for _ in order]
        turns = dict(pairwise(order))
        gates[order[0]].set()

        async def complete(prompt: Prompt) -> Completion:
            asked = json.loads(prompt.user)
            batch = (int(_keys(asked)[0][1:]) - 1) // 2
            await gates[batch].wait()
            finished.append(batch)
            if batch in turns:
                gates[turns[batch]].set()
            return _merged(asked)

        return await ask_all(complete, NICK, Relations(_rows(6)).batches(size=2), size=2)

    answers = _run(asking())
    assert finished == list(order)
    assert [proposal.row_ids for proposal in answers.proposals] == [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize("error", [ModelFailedError("down"), ModelRefusalError("no"), KeyError()])
def test_the_first_failure_ends_the_others(error: Exception) -> None:
    """What is still under way is cancelled, nothing is left, and the error comes as it is."""
    ended: list[str] = []

    async def complete(prompt: Prompt) -> Completion:
        key = _keys(json.loads(prompt.user))[0]
        if key == "k003":
            await asyncio.sleep(0)
            raise error
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(key)
        raise AssertionError

    with pytest.raises(type(error)) as caught:
        _run(ask_all(complete, NICK, Relations(_rows(6)).batches(size=2), size=2))
    assert caught.value is error
    assert sorted(ended) == ["k001", "k005"]


def test_a_request_whose_start_was_lost_is_halved_with_advice() -> None:
    """Halves that are short enough are judged; the advice stays, though all was judged."""
    rows = _rows(16, "blue " * 150)
    model = Model(lambda asked: _seen(asked, nonce=None))
    answers = model.ask(rows)
    assert model.sizes[:3] == [16, 8, 4]
    assert all(p.size <= SAFE_CHARACTERS or p.variation == 0 for p in model.prompts)
    assert answers.judged == {row.id for row in rows}
    assert answers.left == frozenset()
    assert answers.advice
    assert all("llm.context_tokens" in said for said in answers.advice)


def test_a_row_whose_request_is_always_lost_is_left_with_advice() -> None:
    """It was not seen, and what helps is a larger context of the server, not of our settings."""
    answers = Model(lambda asked: _seen(asked, nonce=None)).ask(_rows(1, "x" * 10_000))
    assert answers.left == {1}
    assert "model server" in " ".join(answers.advice)
