"""Undo: a plan's rows put back from the journal, all columns to the byte."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from llm_maint.domain.entity import Entity
from llm_maint.domain.judged import mark
from llm_maint.domain.row import Image, RowId
from llm_maint.errors import PlanRefusedError, UnknownNameError
from llm_maint.store import (
    holdings,
    journal,
    judgements,
    memories,
    pins,
    profiles,
    rows,
    touched,
    wear,
)
from llm_maint.store.database import Database
from llm_maint.store.plans import (
    APPLIED,
    CONSOLIDATION,
    DECAY,
    UNDO,
    UNDONE,
    StoredPlan,
    find_plan,
    set_status,
)
from llm_maint.store.recorder import Recorder
from llm_maint.store.tables import journal as entries
from llm_maint.store.user_tables import UserTable, user_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo did: its own plan id, the plan it undid, and the rows it put back.

    `altered` names the columns that the database itself made different while a row was put back, as
    a trigger does, by row.
    """

    plan_id: str
    reverts: str
    entity: Entity
    row_ids: tuple[RowId, ...]
    altered: Mapping[str, tuple[str, ...]]


def undo_plan(
    database: Database,
    name: str,
    occasion: journal.Occasion,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Undone:
    """Put back every row that a plan changed, all columns to the byte. It can itself be undone.

    A memory that was only used since, see `touched`, is not edited: what the plan did is taken
    back, and what came by use stays. The same holds with `force`. Of a memory that the plan changed
    and that is gone by now, `force` puts back what the journal knows: its text, and those columns.

    Args:
        database: where the plan is.
        name: the plan's id or a unique start of it.
        occasion: on whose behalf.
        force: put rows back although they were edited since.
        dry_run: try it, then roll everything back.

    Raises:
        PlanRefusedError: the plan is not applied, or rows were edited since.

    """
    with database.write(rolls_back=dry_run) as connection:
        return _undo(connection, name, occasion, force=force)


def _undo(connection: Connection, name: str, occasion: journal.Occasion, *, force: bool) -> Undone:
    plan = find_plan(connection, name, lock=True)
    if plan.status != APPLIED:
        raise PlanRefusedError(f"plan {plan.id[:8]} is {plan.status}: there is nothing to undo")
    rows.pin_text_form(connection)
    if plan.entity.has_memories:
        memories.lock_bot(connection, plan.entity)
    changes_made = _changes_of(connection, plan)
    edited = [c for c in changes_made if c.edited and c.is_row]
    if edited and not force:
        ids = ", ".join(change.row_id for change in edited[:10]) + ", ..." * (len(edited) > 10)  # noqa: PLR2004 one line
        raise PlanRefusedError(
            f"changed since plan {plan.id[:8]}: row {ids}; undo what came later first, "
            "or --force puts back what was before"
        )
    recorder = Recorder(connection)
    # A summary that was written anew since fits no longer, and neither does the one before.
    stale = [c for c in changes_made if c.edited and c.table.name == profiles.PROFILES]
    altered = {}
    for change in reversed(changes_made):
        if change not in stale and (columns := _put_back(recorder, change)):
            altered[change.row_id] = columns
    if stale or not _leaves_summary(connection, plan.entity, changes_made):
        journal.write_summary(recorder, plan.entity, occasion)
    _settle_undo(connection, plan, recorder, occasion)
    restored = [c.row_id for c in changes_made if c.is_row]
    return Undone(
        plan_id=recorder.plan_id,
        reverts=plan.id,
        entity=plan.entity,
        row_ids=tuple(restored),
        altered=altered,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A journal entry beside the row as it is now: its columns of then, and all of them."""

    table: UserTable
    row_id: str
    before: Image | None
    after: Image | None
    present: Image | None
    whole: Image | None
    of_memory: bool

    @property
    def edited(self) -> bool:
        if self.of_memory:
            return touched.is_edited(self.before, self.after, self.present)
        return self.present != self.after

    @property
    def target(self) -> Image | None:
        """The row as it is to be, as far as the journal knows it."""
        if not self.of_memory or self.before is None or self.after is None or self.present is None:
            return self.before
        return touched.taken_back(self.before, self.after, self.present)

    @property
    def is_row(self) -> bool:
        return self.table.name != profiles.PROFILES

    @property
    def is_summary(self) -> bool:
        return self.table.name == profiles.PROFILES and self.before is not None


def _leaves_summary(connection: Connection, entity: Entity, changes_made: list[_Change]) -> bool:
    """Return whether the summary is right as it is: put back with the rows, or never written."""
    if entity.has_memories or any(change.is_summary for change in changes_made):
        return True
    head = profiles.head_of(connection, entity)
    return head is None or head.summary is None


def _changes_of(connection: Connection, plan: StoredPlan) -> list[_Change]:
    query = sa.select(entries).where(entries.c.plan_id == plan.id).order_by(entries.c.position)
    found = []
    for entry in connection.execute(query).mappings().all():
        table = user_table(connection, entry["table_name"])
        before, after = (_load(entry[name]) for name in ("before_image", "after_image"))
        known = after or before or {}
        if missing := set(table.identity) - known.keys():
            raise PlanRefusedError(
                f"rows of {table.name} are named by {missing.pop()} now, and were not then"
            )
        wanted = rows.of_row(connection, table, known)
        whole = next(iter(rows.read_images(connection, table, wanted, lock=True)), None)
        present = None
        if whole is not None:
            present = {name: whole[name] for name in known if name in whole}
        change = _Change(
            table=table,
            row_id=entry["row_id"],
            before=before,
            after=after,
            present=present,
            whole=whole,
            of_memory=plan.entity.has_memories,
        )
        found.append(change)
    return found


def _load(text: str | None) -> Image | None:
    return None if text is None else json.loads(text)


def _put_back(recorder: Recorder, change: _Change) -> tuple[str, ...]:
    """Put a row back; return the columns that the database itself made different."""
    target = change.target
    if change.present == target:
        return ()
    if change.after is None and change.present is not None:
        raise PlanRefusedError(f"row {change.row_id} is another row by now: it stays")
    if target is not None:
        missing = target.keys() - change.table.columns.keys()
        if missing:
            raise PlanRefusedError(
                f"{change.table.name} has no column {', '.join(sorted(missing))} now"
            )
    if target is None:
        journal.refuse_cascades(recorder.connection, change.table)
    # What is deleted is noted whole, however little of it the journal knew.
    now = change.whole if target is None else change.present
    written = recorder.write(change.table, now, target, "restored", whole=change.whole)
    if written is None or target is None:
        return ()
    return tuple(name for name, value in target.items() if written.get(name) != value)


def _settle_undo(
    connection: Connection, plan: StoredPlan, recorder: Recorder, occasion: journal.Occasion
) -> None:
    journal.keep(recorder, plan.entity, occasion, kind=UNDO, document={}, reverts=plan.id)
    set_status(connection, APPLIED, UNDONE, plan_id=plan.id)
    if plan.reverts is not None:
        set_status(connection, UNDONE, APPLIED, plan_id=plan.reverts)
    _unwear(connection, plan)
    _pin_put_back(connection, plan, recorder, occasion)
    _remember_put_back(connection, plan, recorder, occasion)


def _first_of(connection: Connection, plan: StoredPlan) -> tuple[int, StoredPlan] | None:
    """Return what was undone, undone again, and so on, and -1 where it is undone in the end."""
    step, first = -1, plan
    while first.reverts is not None:
        try:
            step, first = -step, find_plan(connection, first.reverts)
        except UnknownNameError:  # so old that it is pruned
            return None
    return step, first


def _pin_put_back(
    connection: Connection, plan: StoredPlan, recorder: Recorder, occasion: journal.Occasion
) -> None:
    """Pin the memories that a person has brought back after they had faded: they have not since."""
    found = _first_of(connection, plan)
    if found is None or found[1].kind != DECAY:
        return
    ids = {str(entry["row_id"]) for entry in recorder.entries}
    if found[0] < 0:
        pins.pin_all(connection, plan.entity, ids, now=occasion.now)
    else:
        pins.unpin_all(connection, plan.entity, ids)


def _unwear(connection: Connection, plan: StoredPlan) -> None:
    """Count a text that is taken back as not written, and one that comes again as written."""
    found = _first_of(connection, plan)
    if found is None:
        return
    step, first = found
    query = sa.select(entries.c.row_id).where(
        entries.c.plan_id == first.id, entries.c.effect == "rewritten"
    )
    written = connection.execute(query).scalars().all()
    if first.kind == CONSOLIDATION and written:
        wear.wear_back(connection, plan.entity, written, step)


def _remember_put_back(
    connection: Connection, plan: StoredPlan, recorder: Recorder, occasion: journal.Occasion
) -> None:
    """Count the rows that a person has put back as judged: they stay, until they change."""
    put_back = {str(e["row_id"]) for e in recorder.entries if e["table_name"] != profiles.PROFILES}
    entity, judge = plan.entity, occasion.judge_of(plan.entity)
    present = holdings.rows_named(connection, entity, put_back)
    judged = judgements.judged_of(connection, entity, judge=judge)
    marks = {mark(row) for row in present if str(row.id) in put_back}
    known = replace(judged, known=judged.known | marks, pending=judged.pending - marks)
    judgements.remember(connection, entity, known)
    if not entity.has_memories and not known.new_among(present, (), present):
        judgements.remember_judged(connection, entity, present, judge=judge, now=occasion.now)
