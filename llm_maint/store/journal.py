"""The journal: a plan applied with compare-and-set, and a before-image of every row it wrote."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, changes
from llm_maint.domain.judged import Judged, judged_after, judged_while_held, mark
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import read_plan, saved_document
from llm_maint.domain.profile import Attribute
from llm_maint.domain.row import Image, Row, RowId
from llm_maint.domain.settlement import storable
from llm_maint.errors import SchemaError
from llm_maint.store import holdings, judgements, profiles, sightings, vectors, wear
from llm_maint.store.plans import (
    APPLIED,
    CONSOLIDATION,
    HELD,
    StoredPlan,
    outdated_by,
    store_plan,
)
from llm_maint.store.recorder import Recorder
from llm_maint.store.user_tables import UserTable, cascading_table, user_table

Summarise = Callable[[str, Sequence[Attribute]], str]
"""Renders the summary of a name and its rows; None in its place leaves summaries alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """On whose behalf rows are changed: the run (None for a person), the judge, the time."""

    judge: str
    now: datetime
    run_id: str | None = None
    summarise: Summarise | None = None
    memory_judge: str = "code"

    def judge_of(self, entity: Entity) -> str:
        """Return who judges an entity's rows: memories are asked about with rules of their own."""
        return self.memory_judge if entity.has_memories else self.judge


def apply(
    connection: Connection,
    plan: Plan,
    present: Sequence[Row],
    occasion: Occasion,
    *,
    plan_id: str | None = None,
) -> tuple[Plan, str | None]:
    """Apply a plan; return it as it was applied, and its id (None where nothing changed).

    A row that somebody changed meanwhile drops its operation. What was judged is remembered, so
    that the same rows are not asked about again; what was not judged, or dropped, is not. The
    summary is rendered from the rows as they then are.

    Args:
        connection: a write transaction.
        plan: what to do.
        present: the entity's rows as they are now, locked.
        occasion: on whose behalf.
        plan_id: the id of a plan that was held until now.

    """
    table = holdings.table_of(connection, plan.entity)
    applied = plan.without(plan.changed_since(present))
    recorder = Recorder(connection) if plan_id is None else Recorder(connection, plan_id)
    done = applied.over(present)
    written = _write_rows(recorder, table, done)
    wear.wear_more(connection, applied)
    judged = [row.with_image(written.get(row.id, row.image)) for row in done.survivors()]
    _remember(connection, applied, judged, occasion, plan_id=plan_id)
    if plan.entity.has_memories:
        sightings.add(connection, done, plan_id=recorder.plan_id)
        gone = [str(row_id) for op in done.operations for row_id in op.retired]
        vectors.forget_vectors(connection, plan.entity, gone)
    if applied.partial and not applied.operations:
        return applied, None  # nothing was judged that changes anything: not even a summary is new
    write_summary(recorder, plan.entity, occasion)
    if not recorder.entries:
        return applied, None
    keep(recorder, plan.entity, occasion, kind=CONSOLIDATION, document=saved_document(applied))
    return applied, recorder.plan_id


def _remember(
    connection: Connection,
    applied: Plan,
    rows: Sequence[Row],
    occasion: Occasion,
    *,
    plan_id: str | None,
) -> None:
    judge, now = occasion.judge_of(applied.entity), occasion.now
    before = _known_before(connection, applied, judge, plan_id=plan_id)
    judgements.remember(connection, applied.entity, judged_after(applied, rows, before, now=now))
    if applied.entity.has_memories:  # what is known of each row says whether anything is new
        if not applied.partial:
            judgements.forget_tried(connection, applied.entity)
        return
    if not applied.meets_changed_rows and not applied.partial:
        seen = [row for row in rows if row.id not in applied.unjudged]
        judgements.remember_judged(connection, applied.entity, seen, judge=judge, now=now)


def hold(connection: Connection, plan: Plan, occasion: Occasion) -> str:
    """Keep a plan for review; return its id. Its rows count as judged until they change."""
    judge, now = occasion.judge_of(plan.entity), occasion.now
    before = _known_before(connection, plan, judge, plan_id=None)
    judgements.remember(connection, plan.entity, judged_while_held(plan, before, now=now))
    if not plan.entity.has_memories:
        seen = [row for row in plan.rows if row.id in plan.left or row.id not in plan.unjudged]
        judgements.remember_judged(connection, plan.entity, seen, judge=judge, now=now)
    stored = StoredPlan(
        id=uuid4().hex,
        kind=CONSOLIDATION,
        status=HELD,
        entity=plan.entity,
        run_id=occasion.run_id,
        reverts=None,
        created_at=occasion.now,
        applied_at=None,
        document=saved_document(plan),
    )
    store_plan(connection, stored)
    return stored.id


def _known_before(connection: Connection, plan: Plan, judge: str, *, plan_id: str | None) -> Judged:
    """Return what the judge knew; of memories, without what waited in plans that are outdated now.

    Nobody would ask about these again.
    """
    before = judgements.judged_of(connection, plan.entity, judge=judge)
    if not plan.entity.has_memories:
        return before
    waited = [read_plan(held.document) for held in outdated_by(connection, plan, besides=plan_id)]
    rows = [row for each in waited for row in each.rows]
    after = [op.after for each in waited for op in each.operations if op.after]
    return replace(before, pending=before.pending - {mark(row) for row in (*rows, *after)})


def write_summary(recorder: Recorder, entity: Entity, occasion: Occasion) -> None:
    """Render the summary from the rows as they now are, and store it where it differs."""
    if entity.has_memories:
        return
    head = profiles.head_of(recorder.connection, entity, lock=True)
    if occasion.summarise is None or head is None or "summary" not in head.image:
        return
    surviving = profiles.attributes_of(recorder.connection, entity)
    text = storable(occasion.summarise(head.display_name or entity.id, surviving))
    if text == head.summary:
        return
    after = {**head.image, "summary": text}
    if "summary_updated_at" in after:
        after["summary_updated_at"] = profiles.exact_time(recorder.connection, occasion.now)
    table = user_table(recorder.connection, profiles.PROFILES)
    recorder.write(table, head.image, after, "summary")


def keep(
    recorder: Recorder,
    entity: Entity,
    occasion: Occasion,
    *,
    kind: str,
    document: Mapping[str, Any],
    reverts: str | None = None,
) -> None:
    """Keep what was changed as a plan that can be undone, with its journal."""
    recorder.save()
    store_plan(
        recorder.connection,
        StoredPlan(
            id=recorder.plan_id,
            kind=kind,
            status=APPLIED,
            entity=entity,
            run_id=occasion.run_id,
            reverts=reverts,
            created_at=occasion.now,
            applied_at=occasion.now,
            document=document,
        ),
    )


def refuse_cascades(connection: Connection, table: UserTable) -> None:
    """Refuse to delete rows on which the database itself lets other rows depend.

    Raises:
        SchemaError: they would go, or change, beyond undo.

    """
    if other := cascading_table(connection, table):
        raise SchemaError(
            f"the table {other} refers to {table.name} with ON DELETE CASCADE or SET NULL: "
            "deleting a row would change it beyond undo, so nothing was changed"
        )


def _write_rows(recorder: Recorder, table: UserTable, plan: Plan) -> dict[RowId, Image]:
    if any(op.retired for op in plan.operations):
        refuse_cascades(recorder.connection, table)
    before = {row.id: row.image for row in plan.rows}
    effects = _effects(plan)
    written: dict[RowId, Image] = {}
    for row_id, after in changes(plan.operations).items():
        was, image = before[row_id], None if after is None else after.image
        if image == was:
            continue
        whole = was
        if plan.entity.has_memories and image is not None:
            was, image = holdings.narrowed(was, image)
        result = recorder.write(table, was, image, effects[row_id], whole=whole)
        if result is not None:
            written[row_id] = result
    return written


def _effects(plan: Plan) -> dict[RowId, str]:
    """Return what the journal says of each row: its fate, or how it goes on."""
    before = {row.id: row for row in plan.rows}
    effects = plan.fates()
    for op in plan.operations:
        if op.op is Op.FOLD:
            effects |= dict.fromkeys(op.retired, "folded")
    for row_id, after in changes(plan.operations).items():
        if after is not None:
            rewritten = after.saying != before[row_id].saying
            effects[row_id] = "rewritten" if rewritten else "changed"
    return effects
