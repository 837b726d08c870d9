"""Which slot a claim stands for: late, spread by jitter, tried again, set by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from building import MORNING

from llm_maint.domain.firing import Misfire, Timing
from llm_maint.domain.runs import Claim, Trigger
from llm_maint.domain.schedule import Every

HOUR, MINUTE, TINY = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)

CLAIM = Claim(
    run_id="run",
    job_id="job",
    job_name="tidy",
    job_type="profile_maintenance",
    bot_id=None,
    config={},
    timing=Timing(schedule=Every(HOUR), jitter=10 * MINUTE),
    due_at=MORNING,
    attempt=1,
    consecutive_failures=0,
    trigger=Trigger.DUE,
    host="here",
    started_at=MORNING + 2 * HOUR + MINUTE,
)
SPREAD = CLAIM.timing.due_at("job", MORNING)
BY_HAND = MORNING + timedelta(minutes=70)


@pytest.mark.parametrize(
    ("columns", "due_slot", "scheduled_for"),
    [
        pytest.param({}, MORNING, MORNING + 2 * HOUR, id="at its time, late"),
        pytest.param({"due_at": None}, CLAIM.started_at, CLAIM.started_at, id="due now"),
        pytest.param(
            {"due_at": None, "started_at": MORNING + timedelta(seconds=59.9)},
            *(MORNING, MORNING),
            id="due now, late in a minute",
        ),
        pytest.param(
            {"due_at": SPREAD, "slot_at": MORNING}, MORNING, MORNING + 2 * HOUR, id="by jitter"
        ),
        pytest.param(
            {"due_at": BY_HAND, "slot_at": MORNING}, BY_HAND, BY_HAND, id="set by hand since"
        ),
        pytest.param(
            {"due_at": MORNING + HOUR / 2, "slot_at": MORNING},
            *(MORNING, MORNING + 2 * HOUR),
            id="by a jitter that it had",
        ),
        pytest.param(
            {"due_at": MORNING + HOUR / 2 + TINY, "slot_at": MORNING},
            *(MORNING + HOUR / 2, MORNING + 3 * HOUR / 2),
            id="later than by any jitter",
        ),
        pytest.param(
            {"due_at": MORNING - TINY, "slot_at": MORNING},
            *(MORNING - MINUTE, MORNING + 2 * HOUR - MINUTE),
            id="before its slot",
        ),
        pytest.param(
            {"due_at": None, "slot_at": MORNING}, CLAIM.started_at, CLAIM.started_at, id="to null"
        ),
        pytest.param(
            {"due_at": BY_HAND, "slot_at": MORNING, "attempt": 2}, MORNING, MORNING, id="a retry"
        ),
        pytest.param(
            {"due_at": BY_HAND, "attempt": 2}, BY_HAND, BY_HAND, id="a retry that lost its slot"
        ),
        pytest.param({"trigger": Trigger.MANUAL}, MORNING, None, id="by a person"),
        pytest.param(
            {"due_at": SPREAD, "slot_at": MORNING, "trigger": Trigger.MANUAL},
            *(MORNING, None),
            id="by a person, with jitter",
        ),
        pytest.param(
            {"timing": Timing(schedule=Every(HOUR), misfire=Misfire.SKIP, grace=timedelta(0))},
            *(MORNING, MORNING),
            id="missed for good",
        ),
    ],
)
def test_a_claim_knows_its_slot(
    columns: dict[str, Any], due_slot: datetime, scheduled_for: datetime | None
) -> None:
    """Jitter and retries stand for a slot; a time that somebody wrote is one by itself."""
    claim = replace(CLAIM, **columns)
    assert (claim.due_slot, claim.scheduled_for) == (due_slot, scheduled_for)
