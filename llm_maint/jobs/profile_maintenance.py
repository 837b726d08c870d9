"""Job type `profile_maintenance`: reads profiles, lets the model group, decides, applies."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llm_maint import sharing
from llm_maint.contract import Job, JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Claim, Outcome, Trigger
from llm_maint.errors import ConfigurationError
from llm_maint.rounds import Round, meter_of
from llm_maint.store import judgements, profiles

if TYPE_CHECKING:
    from llm_maint.store.database import Connection

EVERY_ENTITY = "*"


def run(context: JobContext) -> Outcome:
    """Consolidate the entity of the configuration, or with `*` every entity with changed rows."""
    entity_id = context.config.get("entity_id", EVERY_ENTITY)
    entity_type = context.config.get("entity_type")
    round_ = _round_of(context)
    with context.database.read() as connection:
        if entity_id == EVERY_ENTITY:
            entities = _waiting(connection, entity_type)
        else:
            entity = Entity.named(entity_id, entity_type or "user")
            entities = [profiles.known_entity(connection, entity)]
    if context.claim is not None:
        return round_.outcome(_shared(round_, context.claim, round_.with_work(entities)))
    return round_.outcome(round_.results(entities))


def take_part(context: JobContext) -> None:
    """Consolidate some of the entities of a run that another process has opened to others."""
    round_ = _round_of(context)
    share = sharing.joined(context, round_.meter)
    for _ in _taken(round_, share):
        pass  # the process that opened the run reports it


def check(config: Mapping[str, Any]) -> None:
    """Refuse a configuration that is not `{"entity_id": ID or "*", "entity_type": TYPE}`."""
    for name, value in config.items():
        if name not in ("entity_id", "entity_type"):
            raise unknown("configuration key", name, ("entity_id", "entity_type"))
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} of a profile job is a text")
    if "entity_type" in config:
        Entity.named("", config["entity_type"])


def _waiting(connection: "Connection", entity_type: str | None) -> list[Entity]:
    """Return the entities with rows: the one that waited longest first.

    Those that were asked about to no end come last, the one tried longest ago first: what is wrong
    with some, or a budget that ends early, must not keep the others waiting for ever.
    """
    tried = judgements.tried(connection)
    found = [counted for counted in profiles.entities(connection) if counted.attributes]

    def turn(each: profiles.EntityCount) -> tuple[Any, ...]:
        last = tried.get(each.entity)
        fresh = (each.updated_at is not None, each.updated_at, each.entity)
        return (False, None, *fresh) if last is None else (True, last.at, *fresh)

    found.sort(key=turn)
    return [each.entity for each in found if entity_type in (None, each.entity.type)]


def _round_of(context: JobContext) -> Round:
    by_itself = context.claim is not None and context.claim.trigger is Trigger.DUE
    gathers = by_itself and context.config.get("entity_id", EVERY_ENTITY) == EVERY_ENTITY
    return Round(context, meter_of(context.settings), gathers)


def _shared(round_: Round, claim: Claim, entities: Sequence[Entity]) -> Iterator[EntityResult]:
    """Consolidate entities together with whichever processes come to take part."""
    if not entities:
        return
    alone = len(entities) == 1
    with sharing.opened(round_.context, claim, [] if alone else entities, round_.meter) as share:
        if alone:
            yield from round_.results(entities)
            return
        while True:
            yield from _taken(round_, share)
            if round_.asks_no_more:
                yield from round_.results(share.take_rest())
            if not share.is_unfinished():
                break
        yield from share.of_others()


def _taken(round_: Round, share: sharing.Share) -> Iterator[EntityResult]:
    """Consolidate the entities that this process takes, until none is left or none may be asked."""
    taken = share.entities(until=lambda: round_.asks_no_more)
    for entity, done in round_.each(taken, count=share.count):
        result = EntityResult.of(entity, done)
        if result.is_of_the_server and round_.context.worker is not None:
            continue  # it leaves now, and hands back what others may have better luck with
        share.finish(entity, result)
        yield result


JOB = Job(
    type="profile_maintenance",
    summary="consolidates profiles: folds duplicates, merges, supersedes, removes noise",
    run=run,
    check=check,
    default_config={"entity_id": EVERY_ENTITY},
    take_part=take_part,
)
