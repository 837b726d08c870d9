"""A plan as a JSON document and back: what `--json` prints, files carry and the store keeps."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

from llm_maint.domain.chat import Usage
from llm_maint.domain.entity import Entity
from llm_maint.domain.judge import Op, Operation
from llm_maint.domain.memory import Memory
from llm_maint.domain.plan import Plan, categories_updated
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import Refused
from llm_maint.domain.row import Row
from llm_maint.errors import DataError, InvalidInputError

FORMAT = 1
"""Version of the saved document; a newer one than this is refused."""


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan as `profile consolidate --json` prints it."""
    before = {row.id: row for row in plan.rows}
    operations = [_operation_document(op, before) for op in plan.operations]
    return {
        "entity_id": plan.entity.id,
        "entity_type": plan.entity.type,
        **({"bot_id": plan.entity.id} if plan.entity.has_memories else {}),
        "held": plan.held is not None,
        "held_because": plan.held,
        **sizes(plan),
        "accounting": plan.accounting(),
        "operations": operations,
        "conflicts": [op for op in operations if op["op"] == Op.CONFLICT],
        "dropped_operations": [
            {"guard": r.guard, "reason": r.reason, "row_ids": list(r.row_ids)} for r in plan.refused
        ],
        "advice": list(plan.advice),
        "llm": {**asdict(plan.usage), "model": plan.model},
        "prompt_version": plan.prompt_version,
    }


def sizes(plan: Plan) -> dict[str, Any]:
    """Return how many rows there are before and after and, of a profile, where they change."""
    after = plan.left_over
    if plan.entity.has_memories:
        return {"memories_before": plan.read, "memories_after": after}
    return {
        "attributes_before": plan.read,
        "attributes_after": after,
        "categories_updated": categories_updated(plan.operations, plan.rows),
    }


def saved_document(plan: Plan) -> dict[str, Any]:
    """Return a plan's document with all it takes to apply it later: `read_plan` reads it back."""
    return {
        "format": FORMAT,
        **plan_document(plan),
        "rows": [{**row.document(), "image": dict(row.kept)} for row in plan.rows],
        "beyond": plan.beyond,
        "left": [row.id for row in plan.rows if row.id in plan.left],
        "unreviewed": [row.id for row in plan.rows if row.id in plan.unreviewed],
        "unjudged": [row.id for row in plan.rows if row.id in plan.unjudged],
        "images_after": [op.after and dict(op.after.kept) for op in plan.operations],
    }


def read_plan(document: Mapping[str, Any]) -> Plan:
    """Return the plan of a saved document.

    Raises:
        InvalidInputError: the document is not one that `saved_document` made.

    """
    if document.get("format") != FORMAT:
        raise InvalidInputError(
            f"not a saved plan of format {FORMAT}: write one with profile consolidate --plan-out"
        )
    try:
        return _read(document)
    except (KeyError, TypeError, AttributeError, ValueError, DataError, AssertionError) as error:
        raise InvalidInputError("not a plan that llm-maint saved, or it was altered") from error


def _operation_document(op: Operation, before: Mapping[Any, Row]) -> dict[str, Any]:
    return {
        "op": op.op.value,
        "reason": op.reason,
        "winner_id": op.winner_id,
        "row_ids": list(op.row_ids),
        "before": [before[row_id].document() for row_id in op.row_ids],
        "after": op.after and op.after.document(),
    }


def _read(document: Mapping[str, Any]) -> Plan:
    llm = document["llm"]
    ids = {row["id"] for row in document["rows"]}
    entity = Entity(_text(document["entity_type"]), _text(document["entity_id"]))
    plan = Plan(
        entity=entity,
        rows=tuple(_read_row(row, row["image"], entity) for row in document["rows"]),
        operations=tuple(
            _read_operation(op, image, entity)
            for op, image in zip(document["operations"], document["images_after"], strict=True)
        ),
        refused=tuple(
            Refused(_text(r["guard"]), _text(r["reason"]), tuple(_known(r["row_ids"], ids)))
            for r in document["dropped_operations"]
        ),
        unreviewed=frozenset(document["unreviewed"]),
        unjudged=frozenset(document.get("unjudged", ())),
        held=document["held_because"],
        left=frozenset(_left(document)),
        model=llm["model"],
        prompt_version=document["prompt_version"],
        usage=Usage(**{name: int(n) for name, n in llm.items() if name != "model"}),
        advice=tuple(map(_text, document.get("advice", ()))),
        beyond=int(document.get("beyond", 0)),
    )
    plan.check()
    return plan


def _left(document: Mapping[str, Any]) -> list[Any]:
    if "left" in document or not document["partial"]:
        return list(document.get("left", ()))
    # An older document tells only that there are some.
    return list(document.get("unjudged") or [row["id"] for row in document["rows"]])


def _read_operation(
    op: Mapping[str, Any],
    image: Any,  # noqa: ANN401 unchecked
    entity: Entity,
) -> Operation:
    after: Mapping[str, Any] | None = op["after"]
    return Operation(
        op=Op(op["op"]),
        reason=_text(op["reason"]),
        row_ids=tuple(_ids(op["row_ids"])),
        after=None if after is None else _read_row(after, image, entity),
    )


def _read_row(row: Mapping[str, Any], image: Mapping[str, Any], entity: Entity) -> Row:
    return (Memory if entity.has_memories else Attribute).read(row, image)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _known(names: Sequence[Any], ids: AbstractSet[Any]) -> Sequence[Any]:
    if not ids >= {*names}:
        raise ValueError("an unknown row")
    return names


def _ids(names: Sequence[Any]) -> Sequence[Any]:
    return [name for name in names if isinstance(name, int | str)]
