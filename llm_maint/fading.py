"""Decay: reporting which of a bot's memories have faded and, where it is allowed, pruning them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from llm_maint import applying
from llm_maint.contract import JobContext
from llm_maint.domain.decay import Decay, Report, allowed_losses, decayed
from llm_maint.domain.entity import Entity
from llm_maint.domain.half_lives import read_half_lives
from llm_maint.domain.memory import Memory
from llm_maint.domain.policy import Policy
from llm_maint.settings.memory_section import MemorySettings
from llm_maint.store import journal, memories, orphans, plans, vectors
from llm_maint.store.recorder import Recorder

if TYPE_CHECKING:
    from datetime import datetime

    from llm_maint.store.database import Connection


PORTION = 2_000
"""Memories that are pruned in one transaction."""


def decay_of(settings: MemorySettings, policy: Policy) -> Decay:
    """Return how memories fade, by the settings.

    Raises:
        ConfigurationError: a half-life of a tag is none.

    """
    return Decay(
        half_life=timedelta(days=settings.half_life_days),
        half_lives=read_half_lives(settings.half_lives),
        threshold=settings.prune_threshold,
        exempt_importance=settings.exempt_importance,
        grace=timedelta(days=settings.grace_days),
        policy=policy,
        prunes_orphans=settings.prune_orphans,
    )


def fade(context: JobContext, entity: Entity) -> Mapping[str, Any]:
    """Report what has faded of a bot's memories and, where `memory.prune` allows it, prune.

    What goes is limited by the loss window, journalled, and brought back by `memory restore`. With
    `dry_run` nothing is written.
    """
    settings = context.settings.memory
    with context.database.read() as connection:
        found = memories.memories_of(connection, entity)
        report = _reported(connection, context, entity, found, found, now=context.clock())
    plan_ids: list[str] = []
    gone: set[str] = set()
    if settings.prune and not context.dry_run:
        going = [each.id for each in report.going]
        for start in range(0, len(going), PORTION):
            left = [memory for memory in found if memory.id not in gone]
            with context.write() as connection:
                went, plan_id = _prune(
                    connection, context, entity, left, going[start : start + PORTION]
                )
            gone |= went
            plan_ids += [plan_id] if plan_id is not None else []
    return {
        "bot_id": entity.id,
        **report.document(),
        "faded": len(report.prunable),
        "prunes": settings.prune,
        "pruned": len(gone),
        "plan_id": next(iter(plan_ids), None),
        "plan_ids": plan_ids,
        "error": None,
    }


def _reported(
    connection: "Connection",
    context: JobContext,
    entity: Entity,
    store: Sequence[Memory],
    rows: Sequence[Memory],
    *,
    now: "datetime",
) -> Report:
    """Return what has faded of some rows, and how many of them the whole store lets go."""
    policy = applying.policy_for(connection, context.settings, entity)
    decay = decay_of(context.settings.memory, policy)
    lost = orphans.orphans_of(connection, rows, table=context.settings.memory.messages_table)
    report = decayed(rows, decay, now=now, allowed=None, orphans=lost)
    if not report.prunable:
        return report
    recent = plans.recent_losses(connection, entity, now=now)
    facts = {memory.fact for memory in store if not policy.protects(memory)}
    allowed = allowed_losses(len(facts), recent.lost, policy.max_loss_ratio)
    return decayed(rows, decay, now=now, allowed=allowed, orphans=lost)


def _prune(
    connection: "Connection",
    context: JobContext,
    entity: Entity,
    store: Sequence[Memory],
    ids: Sequence[str],
) -> tuple[set[str], str | None]:
    """Delete what goes as far as it is still so; return what went, and the plan's id."""
    memories.lock_bot(connection, entity)
    present = memories.memories_of(connection, entity, ids=ids, whole=True, lock=True)
    now = context.clock()
    report = _reported(connection, context, entity, store, present, now=now)
    going = {each.id for each in report.going}
    if not going:
        return set(), None
    table = memories.table_of(connection, entity)
    journal.refuse_cascades(connection, table)
    recorder = Recorder(connection)
    for memory in present:
        if memory.id in going:
            recorder.write(table, memory.image, None, plans.PRUNED)
    vectors.forget_vectors(connection, entity, sorted(going))
    occasion = applying.occasion_for(context)
    journal.keep(recorder, entity, occasion, kind=plans.DECAY, document={})
    return going, recorder.plan_id
