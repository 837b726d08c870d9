"""What a run may spend on the model: counted to the call, limited before the next one."""

from contextlib import suppress

import pytest

from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.errors import BudgetSpentError, DeferredError, ExitCode

CALL = Usage(1, 70, 30, 60, 20)
"""One call of 100 tokens, most of them cached, some of them for reasoning."""


def _calls(meter: Meter, usage: Usage = CALL, *, tries: int = 20) -> int:
    """Make calls until the meter allows no more; return how many were made."""
    for number in range(tries):
        try:
            meter.begin_call()
        except BudgetSpentError:
            return number
        meter.add(usage)
    return tries


@pytest.mark.parametrize(
    ("calls", "tokens", "made"),
    [
        pytest.param(0, 0, 20, id="no limit"),
        pytest.param(1, 0, 1, id="one call"),
        pytest.param(7, 0, 7, id="some calls"),
        pytest.param(0, 1, 1, id="one token"),
        pytest.param(0, 100, 1, id="the tokens of one call"),
        pytest.param(0, 101, 2, id="one token more"),
        pytest.param(0, 350, 4, id="the last call goes beyond"),
        pytest.param(3, 1_000, 3, id="calls before tokens"),
        pytest.param(9, 200, 2, id="tokens before calls"),
    ],
)
def test_a_limit_is_met_to_the_call(calls: int, tokens: int, made: int) -> None:
    """No call begins once a limit is reached; tokens are known only after a call."""
    meter = Meter(max_calls=calls, max_tokens=tokens)
    assert _calls(meter) == made
    assert meter.spent == Usage(made, 70 * made, 30 * made, 60 * made, 20 * made)


def test_a_refused_call_is_not_counted() -> None:
    """What was not sent cost nothing, however often it is tried."""
    meter = Meter(max_calls=2)
    assert [_calls(meter), _calls(meter), _calls(meter)] == [2, 0, 0]
    assert meter.spent.calls == 2


@pytest.mark.parametrize(
    ("meter", "said"),
    [
        (Meter(max_calls=1_234, spent=Usage(1_234)), r"1,234 calls of this run are spent"),
        (Meter(max_tokens=5_000, spent=Usage(1, 5_000)), r"5,000 tokens of this run are spent"),
    ],
)
def test_the_message_says_which_limit_it_was(meter: Meter, said: str) -> None:
    """A budget that is spent is no failure: the rest waits for the next run."""
    with pytest.raises(BudgetSpentError, match=said) as caught:
        meter.begin_call()
    assert isinstance(caught.value, DeferredError)
    assert (caught.value.transient, caught.value.exit_code) == (True, ExitCode.BUSY)


def test_tokens_count_with_and_without_a_reply() -> None:
    """A failed attempt is a call, and its tokens were spent."""
    meter = Meter(max_tokens=250)
    assert _calls(meter, Usage(1, 100, 0)) == 3
    assert meter.spent == Usage(3, 300, 0)


def test_a_call_is_counted_when_it_begins_and_only_once() -> None:
    """A call under way is spent; the count of calls in its usage does not add to it."""
    meter = Meter(max_calls=3)
    for _ in range(2):
        meter.begin_call()
    assert meter.spent == Usage(2)
    meter.add(CALL)
    meter.add(NO_USAGE)
    assert meter.spent.calls == 2


def test_calls_side_by_side_are_limited_before_any_answers() -> None:
    """Calls under way count, so that no two of them share the last one allowed."""
    meter = Meter(max_calls=4)
    begun = 0
    for _ in range(10):
        with suppress(BudgetSpentError):
            meter.begin_call()
            begun += 1
    assert begun == 4


def test_cached_and_reasoning_tokens_are_part_of_the_others() -> None:
    """They are shown, and not counted a second time against the limit."""
    meter = Meter(max_tokens=201)
    assert _calls(meter) == 3
    assert meter.spent.tokens == 300


def test_the_whole_is_the_sum_of_its_parts() -> None:
    """What is spent on an entity is spent by the run."""
    run = Meter()
    parts = [Meter(within=run) for _ in range(3)]
    for number, part in enumerate(parts):
        assert _calls(part, tries=number + 1) == number + 1
    assert [part.spent.calls for part in parts] == [1, 2, 3]
    assert run.spent == parts[0].spent + parts[1].spent + parts[2].spent


@pytest.mark.parametrize(("calls", "tokens"), [(5, 0), (0, 500)])
def test_the_limit_of_the_run_holds_for_its_parts_together(calls: int, tokens: int) -> None:
    """A part without a limit of its own ends where the run's is reached, and counts no more."""
    run = Meter(max_calls=calls, max_tokens=tokens)
    parts = [Meter(within=run) for _ in range(3)]
    assert [_calls(part, tries=2) for part in parts] == [2, 2, 1]
    assert [part.spent.calls for part in parts] == [2, 2, 1]
    assert run.spent.calls == 5


def test_a_call_that_its_part_may_not_make_is_not_the_runs() -> None:
    """The run does not count what the part refused."""
    run = Meter(max_calls=5)
    assert _calls(Meter(max_calls=2, within=run)) == 2
    assert run.spent.calls == 2
    assert _calls(Meter(within=run)) == 3


def test_usage_adds_up() -> None:
    """A sum over calls is a usage again; nothing is its zero."""
    assert CALL + Usage(1, 1, 2, 3, 4) + NO_USAGE == Usage(2, 71, 32, 63, 24)
    assert (CALL.tokens, NO_USAGE.tokens) == (100, 0)
