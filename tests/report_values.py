"""A report by hand, every text of which a test chooses: what is kept of people may be anything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from building import attribute, day, memory

from llm_maint.domain.chat import Usage
from llm_maint.domain.checkup import Check, State
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.plan import Plan
from llm_maint.domain.plan_document import saved_document
from llm_maint.domain.reply import Refused
from llm_maint.domain.row import Row
from llm_maint.domain.run_facts import RunFacts, Size
from llm_maint.domain.vitals import HostSeen, JobState, JournalSize, Vitals
from llm_maint.report.entry import Entry, entry_of
from llm_maint.report.page import Page, Rendered, rendered
from llm_maint.report.tally import Tally, tally
from llm_maint.report.telling import Place, page_of
from llm_maint.store.effects import Effect
from llm_maint.store.plans import (
    APPLIED,
    CONSOLIDATION,
    DECAY,
    EDIT,
    HELD,
    IMPORT,
    UNDO,
    UNDONE,
    StoredPlan,
)

NOW = day(20)

Text = Callable[[str], str]
"""What stands in a place of a text: itself, or what a test puts there."""


def as_it_is(text: str) -> str:
    """Return a text."""
    return text


@dataclass(frozen=True, slots=True)
class Sample:
    """A report of two weeks with something of each kind."""

    text: Text = as_it_is
    values: bool = True
    now: datetime = field(default=NOW)

    def html(self, **changed: Any) -> str:  # noqa: ANN401 any argument
        """Return the page."""
        return self.rendered(**changed).html

    def rendered(self, **changed: Any) -> Rendered:  # noqa: ANN401 any argument
        """Return the page, and how much is in it."""
        entries = self.entries()
        given = {"total": len(entries), "commands": ["llm-maint plans"], **changed}
        return rendered(self.page(), entries, **given)

    def page(self) -> Page:
        """Return what it tells but the changes."""
        place = Place(
            database=self.text("sqlite:///assistant.db"),
            host=self.text("lark"),
            version="1.0",
            made_at=self.now,
            since=self.now - timedelta(days=14),
        )
        return page_of(
            place,
            vitals=self.vitals(),
            checks=self.checks(),
            tally=self.tally(),
            rows={"merged": 3, "removed": 1, "inserted": 9},
            notes=[self.text("a note")],
            values=self.values,
        )

    def checks(self) -> list[Check]:
        """Return a check of each state."""
        text = self.text
        return [
            Check(name="ticks", state=State.FAILURE, found=text("gone"), mend=text("crontab -l")),
            Check(name="due jobs", state=State.WARNING, found=text("late"), mend=text("run-due")),
            Check(name="claims", state=State.OK, found=text("none")),
        ]

    def vitals(self) -> Vitals:
        """Return three jobs: one that runs well, one that fails, one that is switched off."""
        jobs = (
            self._job("hourly", last_success_at=self.now - timedelta(minutes=5)),
            self._job("nightly", due_at=self.now - timedelta(hours=3), consecutive_failures=4),
            self._job("off", enabled=False, last_run_at=None, last_status=None),
        )
        return Vitals(
            now=self.now,
            hosts=[HostSeen(host="lark", first_seen_at=self.now, seen_at=self.now, version="1.0")],
            jobs=jobs,
            held=(),
            journal=JournalSize(rows=1, octets=1, oldest=None),
        )

    def _job(self, name: str, **changed: Any) -> JobState:  # noqa: ANN401 any field
        given: dict[str, Any] = {
            "name": self.text(name),
            "job_type": self.text("profile_maintenance"),
            "enabled": True,
            "due_at": self.now + timedelta(minutes=55),
            "last_run_at": self.now - timedelta(minutes=5),
            "last_status": self.text("success"),
            **changed,
        }
        return JobState(**given)

    def tally(self) -> Tally:
        """Return two weeks of runs, counted."""
        facts = (self.fact(number) for number in range(14 * 24))
        return tally(facts, since=self.now - timedelta(days=14), now=self.now)

    def fact(self, number: int) -> RunFacts:
        """Return a run of two weeks, by its hour."""
        status = ("success",) * 20 + ("failed", "skipped", "abandoned", "interrupted", "odd")
        return RunFacts(
            id=f"run{number:05}",
            job_name=self.text("nightly" if number % 24 == 0 else "hourly"),
            status=self.text("odd") if status[number % 25] == "odd" else status[number % 25],
            started_at=self.now - timedelta(days=14) + timedelta(hours=number),
            duration_ms=500 + number % 7 * 100,
            error_message=self.text("no answer") if number % 25 == 20 else None,
            calls=1,
            prompt_tokens=1_000 + number,
            completion_tokens=100,
            sizes=(
                Size(entity_type="user", entity_id=self.text("nick"), rows=40 - number // 20),
                Size(entity_type="bot", entity_id=self.text("nick"), rows=10, before=12),
                Size(entity_type="memory", entity_id=self.text("nova"), rows=900 + number),
            ),
        )

    def entries(self) -> list[Entry]:
        """Return a change of each kind."""
        consolidations = [
            stored(saved_document(self.plan()), status=status, entity=self.who, number=number)
            for number, status in enumerate((APPLIED, UNDONE))
        ]
        held = replace(self.plan(), held=self.text("it would lose 9 of 20 facts"))
        bot = Entity("memory", self.text("nova"))
        plans = [
            *consolidations,
            stored(saved_document(held), status=HELD, entity=self.who, number=2),
            stored(saved_document(self.memories(bot)), entity=bot, number=3),
            stored({"format": 1, "odd": self.text("odd")}, entity=self.who, number=4),
        ]
        told = [entry_of(plan, (), {}, values=self.values) for plan in plans]
        before, after = (self.row(number, self.text(f"was {number}")) for number in (1, 2))
        for number, (kind, effect, pair) in enumerate(
            (
                (IMPORT, "inserted", (None, after)),
                (EDIT, "edited", (before, after)),
                (UNDO, "restored", (None, before)),
                (DECAY, "pruned", (memory(content=self.text("old")), None)),
            ),
            start=5,
        ):
            plan = stored({}, kind=kind, entity=self.who, number=number)
            done = self.effect(plan, effect, *pair)
            told.append(entry_of(plan, [done], {effect: 7}, values=self.values))
        return told

    @property
    def who(self) -> Entity:
        """A person."""
        return Entity("user", self.text("nick"))

    def effect(
        self, plan: StoredPlan, effect: str, before: Row | None, after: Row | None
    ) -> Effect:
        """Return what a plan did to a row."""
        return Effect(
            at=plan.created_at,
            plan_id=plan.id,
            kind=plan.kind,
            status=plan.status,
            row_id="1",
            effect=effect,
            before=before,
            after=after,
        )

    def row(self, number: int, value: Any, **changed: Any) -> Any:  # noqa: ANN401 any column
        """Return an attribute."""
        text = self.text
        given = {"category": text("fact"), "source": text("inferred"), **changed}
        return attribute(number, text("employer"), value, **given)

    def plan(self) -> Plan:
        """Return a plan with an operation of each kind, and a refusal."""
        text = self.text
        rows = [
            self.row(1, text("works at Alder Books")),
            self.row(2, text("works at Birch Maps")),
            self.row(3, text("works at Birch Maps as a clerk")),
            self.row(4, text("said good morning")),
            self.row(5, text("lives in Porto")),
            self.row(6, text("lives in Braga")),
            self.row(7, {text("kind"): [text("bass"), 4]}),
            self.row(8, {text("kind"): [text("bass"), 4]}),
            self.row(9, text("sings")),
        ]
        merged = rows[2].with_text(text("works at Birch Maps as a new clerk"))
        operations = [
            Operation(op=Op.FOLD, reason=text("same"), row_ids=(8, 7), after=rows[7]),
            Operation(op=Op.MERGE, reason=text("one job"), row_ids=(3, 2), after=merged),
            Operation(op=Op.SUPERSEDE, reason=text("changed"), row_ids=(3, 1), after=merged),
            Operation(op=Op.REMOVE, reason=text("a greeting"), row_ids=(4,)),
            Operation(op=Op.CONFLICT, reason=text("which?"), row_ids=(5, 6)),
        ]
        return self._plan(self.who, rows, operations, Refused(text("order"), text("no"), (9,)))

    def memories(self, bot: Entity) -> Plan:
        """Return a plan about memories."""
        texts = (self.text("We walked to the lake"), self.text("We walked to the lake in May"))
        rows = [
            memory(f"m{number}{self.text('')}", content, tags=(self.text("lake"),))
            for number, content in enumerate(texts)
        ]
        ids = (rows[1].id, rows[0].id)
        merge = Operation(op=Op.MERGE, reason=self.text("one walk"), row_ids=ids, after=rows[1])
        return self._plan(bot, rows, [merge], Refused("unlike", "they differ", (rows[0].id,)))

    def _plan(
        self, whose: Entity, rows: Sequence[Row], operations: Sequence[Operation], refused: Refused
    ) -> Plan:
        plan = Plan(
            entity=whose,
            rows=tuple(rows),
            operations=tuple(operations),
            refused=(refused,),
            model=self.text("a model"),
            usage=Usage(2, 300, 40),
            advice=(self.text("raise the limit"),),
        )
        plan.check()
        return plan


def stored(
    document: dict[str, Any],
    *,
    entity: Entity,
    number: int,
    kind: str = CONSOLIDATION,
    status: str = APPLIED,
) -> StoredPlan:
    """Return a plan as it is kept."""
    at = NOW - timedelta(hours=number)
    return StoredPlan(
        id=f"{number:08}" * 4,
        kind=kind,
        status=status,
        entity=entity,
        run_id=None,
        reverts="f" * 32 if kind == UNDO else None,
        created_at=at,
        applied_at=None if status == HELD else at,
        document=document,
    )


HOSTILE = {
    "script": "<script>window.caught = 1</script>",
    "image": '"><img src=http://127.0.0.1:9/x onerror="window.caught = 1">',
    "handler": "' onfocus='window.caught = 1' autofocus tabindex='0",
    "style": "</style><style>* { display: none }</style>",
    "ends": "</title></svg></details></bdi></table></main></textarea>",
    "comment": "<!-- ]]> --!> -->",
    "address": "javascript:window.caught=1//",
    "base": '<base href="http://127.0.0.1:9/"><meta http-equiv=refresh content="0;url=//x.test">',
    "form": "<form action=http://127.0.0.1:9/><button autofocus>x</button></form>",
    "frame": "<iframe srcdoc='<script>parent.caught = 1</script>'></iframe>",
    "template": "{{ 7 * 7 }}{% include 'page.html' %}${7*7}",
    "entities": "&lt;script&gt;&#60;b&#62; &amp; &nbsp; &unknown;",
    "controls": "\x00\x07\x1b[31m\x7f\x85\r\n\t",
    "half": "\ud800 \udfff",
    "order": "\u202e\u2066 txt.exe \u2069\u202c\u2028",
    "unusual": "\ufeff\ufffe\u200b\u200f\u0301\u0301\U000e0041\U0001f9d1\u200d\U0001f4bb",
    "long": "x" * 1_000_000,
}
"""What may stand in a row, and must come to nothing."""

MARKUP = [name for name in HOSTILE if name != "long"]
"""Those that would be something else than a text; the long one is cut, and that is told."""
