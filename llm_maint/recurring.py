"""Tagging memories whose theme recurs, and taking the tag off again where it holds no longer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llm_maint import applying
from llm_maint.contract import JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.recurrence import Recurrence, Recurring, recurring
from llm_maint.store import holdings, journal, memories, profiles, sightings
from llm_maint.store.plans import RECURRENCE
from llm_maint.store.recorder import Recorder

if TYPE_CHECKING:
    from llm_maint.store.database import Connection

PORTION = 2_000
"""Memories that are tagged in one transaction."""


def tag_recurring(context: JobContext, entity: Entity) -> Mapping[str, Any]:
    """Tag a bot's memories as their themes recur; return what there is to say about it.

    Every change of a tag is journalled, and can be undone. With `dry_run` nothing is written.
    """
    threshold = context.settings.memory.recurrence_threshold
    with context.database.read() as connection:
        policy = applying.policy_for(connection, context.settings, entity)
        rows = memories.memories_of(connection, entity)
        found = recurring(
            rows,
            Recurrence(threshold=threshold),
            names=_names(connection, entity),
            sightings=sightings.sightings_of(connection, entity),
            now=context.clock(),
        ).sparing(row.id for row in rows if policy.protects(row))
    changed = [*found.to_tag, *found.to_untag]
    plan_ids: list[str] = []
    if not context.dry_run:
        for start in range(0, len(changed), PORTION):
            with context.write() as connection:
                part = changed[start : start + PORTION]
                plan_ids += _retag(connection, context, entity, found, part)
    return {"bot_id": entity.id, **found.document(), "plan_ids": plan_ids, "error": None}


def _retag(
    connection: "Connection",
    context: JobContext,
    entity: Entity,
    found: Recurring,
    ids: list[str],
) -> list[str]:
    """Write the tags of some memories; return the plan's id, or nothing where none has changed."""
    memories.lock_bot(connection, entity)
    table = memories.table_of(connection, entity)
    recorder = Recorder(connection)
    for memory in memories.memories_of(connection, entity, ids=ids, lock=True):
        after = found.retagged(memory)
        if after.tags != memory.tags and after.image != memory.image:
            effect = "tagged" if memory.id in found.ids else "untagged"
            narrowed = holdings.narrowed(memory.image, after.image)
            recorder.write(table, *narrowed, effect, whole=memory.image)
    if not recorder.entries:
        return []
    occasion = applying.occasion_for(context)
    journal.keep(recorder, entity, occasion, kind=RECURRENCE, document={})
    return [recorder.plan_id]


def _names(connection: "Connection", entity: Entity) -> set[str]:
    """Return the names of the bot and of whom it knows: these are in every memory, and no theme."""
    return {entity.id, *profiles.names(connection)}
