"""The loss guard: how many rows may be removed or superseded in a week, and what is held."""

from dataclasses import dataclass, replace
from math import ceil, floor

from llm_maint.domain.judge import losses
from llm_maint.domain.plan import Plan, Whole
from llm_maint.domain.policy import Policy

ROUNDING = 1e-9
"""29 % of 100 rows are 29, whatever binary fractions say."""

ALWAYS_ALLOWED_LOSSES = 3
"""Losses that no ratio forbids, so that a small profile can be tidied at all."""


@dataclass(frozen=True, slots=True)
class RecentLosses:
    """The last seven days of an entity: rows removed or superseded, and all facts that went."""

    lost: int = 0
    facts: frozenset[str] = frozenset()


NO_LOSSES = RecentLosses()


def guard_losses(plan: Plan, policy: Policy, recent: RecentLosses = NO_LOSSES) -> Plan:
    """Return the plan, held for review where it would lose too many rows.

    Over any seven days the removed and superseded rows may be at most `max_loss_ratio` of the
    unprotected rows, and no more than that share of their facts, a begun one included: copies buy
    no right to lose something else. `ALWAYS_ALLOWED_LOSSES` are always allowed.

    Args:
        plan: a plan that was not applied yet.
        policy: what the settings allow.
        recent: what went in the last seven days, from the journal.

    """
    lost = losses(plan.operations)
    if lost == 0:
        return plan
    unprotected = tuple(row for row in plan.rows if not policy.protects(row))
    whole = plan.whole or Whole(rows=unprotected)
    facts = whole.facts | recent.facts
    share = policy.max_loss_ratio
    went = max(recent.lost, len(recent.facts))
    of_rows = floor(share * (len(whole.rows) + went) + ROUNDING)
    allowed = max(ALWAYS_ALLOWED_LOSSES, min(of_rows, ceil(share * len(facts) - ROUNDING)))
    if lost + recent.lost <= allowed:
        return plan
    past = f" after {recent.lost} in the last seven days" if recent.lost else ""
    reason = f"it would lose {lost} of {len(facts)} unprotected facts{past}; allowed are {allowed}"
    return replace(plan, held=reason)
