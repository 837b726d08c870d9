"""An entry in the list of changes: a plan, what it did, and what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import read_plan
from llm_maint.errors import InvalidInputError
from llm_maint.report.amounts import count, counted, moment, shortened
from llm_maint.report.change import LONG_NAME, LONG_REASON, Group, Teller, sum_of
from llm_maint.store.effects import Effect
from llm_maint.store.plans import APPLIED, HELD, StoredPlan

SHORT = 8
"""Characters of an id that commands are told with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What can be done, and by which command."""

    does: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a plan did, or would do. `remarks` are what else is to be known of it."""

    at: str
    kind: str
    status: str
    entity: str
    plan_id: str
    told: str
    groups: Sequence[Group]
    untold: str
    remarks: Sequence[str]
    commands: Sequence[Command]


def entry_of(
    plan: StoredPlan, effects: Sequence[Effect], counted_by: Mapping[str, int], *, values: bool
) -> Entry:
    """Return a stored plan as an entry.

    Args:
        plan: with its document where it is a consolidation.
        effects: what it did to rows, as far as they are to be shown; of a consolidation none are
            needed.
        counted_by: how many rows met each effect.
        values: whether what rows say is shown.

    """
    teller = Teller(values=values)
    try:
        read = read_plan(plan.document) if plan.document else None
    except InvalidInputError as error:
        return _entry(plan, "", (), "", [f"It cannot be read: {error}"])
    if read is None:
        groups = teller.groups_of_effects(effects, counted_by)
        told = ", ".join(f"{count(n)} {effect}" for effect, n in counted_by.items())
        remarks = [f"It undid plan {plan.reverts[:SHORT]}."] if plan.reverts else []
    else:
        groups, told, remarks = teller.groups_of(read), sum_of(read), _remarks(read, values=values)
    untold = f"{counted(teller.untold, 'more row')} not shown here." if teller.untold else ""
    return _entry(plan, told or "no rows", groups, untold, remarks)


def _entry(
    plan: StoredPlan, told: str, groups: Sequence[Group], untold: str, remarks: Sequence[str]
) -> Entry:
    return Entry(
        at=moment(plan.applied_at or plan.created_at),
        kind=plan.kind,
        status=plan.status,
        entity=entity_name(plan),
        plan_id=plan.id[:SHORT],
        told=told,
        groups=groups,
        untold=untold,
        remarks=remarks,
        commands=_commands(plan),
    )


def entity_name(plan: StoredPlan) -> str:
    """Return whose rows a plan is about."""
    name = shortened(plan.entity.id, LONG_NAME)
    return name if plan.entity.type == "user" else f"{name} ({plan.entity.type})"


def _remarks(plan: Plan, *, values: bool) -> list[str]:
    accounting = plan.accounting()
    kept = f"{counted(accounting['kept'], 'row')} kept"
    if accounting["unreviewed"]:
        kept += f", {count(accounting['unreviewed'])} the model said nothing about"
    found = [f"{kept}."]
    if plan.usage.calls:
        tokens = plan.usage.prompt_tokens + plan.usage.completion_tokens
        model = f" of {shortened(plan.model, LONG_NAME)}" if plan.model else ""
        found.append(f"{counted(plan.usage.calls, 'call')}{model}, {counted(tokens, 'token')}.")
    if plan.held is not None:
        found.insert(0, f"Held for review: {shortened(plan.held, LONG_REASON)}.")
    return found + [f"Advice: {shortened(each, LONG_REASON)}." for each in plan.advice if values]


def _commands(plan: StoredPlan) -> list[Command]:
    group = "memory" if plan.entity.has_memories else "profile"
    name = quote(plan.id[:SHORT])
    found = []
    if plan.status == HELD:
        found.append(Command(does="Apply it", line=f"llm-maint {group} apply {name}"))
    if plan.status == APPLIED:
        undo = "memory restore" if plan.entity.has_memories else "profile undo"
        found.append(Command(does="Undo it", line=f"llm-maint {undo} {name}"))
    found.append(Command(does="All of it", line=f"llm-maint {group} diff {name}"))
    return found
