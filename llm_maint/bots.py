"""What a memory job is about: the bots that are meant, each for itself."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from llm_maint.contract import JobContext
from llm_maint.domain.entity import Entity
from llm_maint.domain.entity_result import EntityResult
from llm_maint.domain.nearest import unknown
from llm_maint.domain.runs import Failure, Outcome, Success
from llm_maint.errors import ConfigurationError, MaintError
from llm_maint.rounds import tried
from llm_maint.store import judgements, memories

EVERY_BOT = "*"

Line = Mapping[str, Any]


def bots_meant(context: JobContext) -> list[Entity]:
    """Return the bots whose memories a job is about: the one of the job, or with `*` every bot.

    Those that were asked about to no end come last: they must not keep the others waiting for ever.

    Raises:
        UnknownNameError: there is no such bot; the message names the nearest.

    """
    claimed = context.claim.bot_id if context.claim is not None else None
    bot_id = str(context.config.get("bot_id") or claimed or EVERY_BOT)
    with context.database.read() as connection:
        if bot_id != EVERY_BOT:
            return [memories.known_bot(connection, bot_id)]
        if not memories.are_kept(connection):
            return []
        found = [counted.entity for counted in memories.bots(connection) if counted.memories]
        last = judgements.tried(connection)
    return sorted(found, key=lambda bot: (bot in last, last[bot].at if bot in last else None, bot))


def check(config: Mapping[str, Any]) -> None:
    """Refuse a configuration that is not `{"bot_id": ID or "*"}`."""
    for name, value in config.items():
        if name != "bot_id":
            raise unknown("configuration key", name, ("bot_id",))
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} of a memory job is a text")


def outcome_of(
    bots: Iterable[Entity], do: Callable[[Entity], Line], *, sums: Iterable[str]
) -> Outcome:
    """Do something about each bot; return what it came to, with the sums of some numbers.

    One bot's failure does not stop the others.
    """
    lines: list[Line] = []
    wrong: list[MaintError] = []
    for bot in bots:
        line = tried(lambda bot=bot: do(bot))  # type: ignore[misc]
        if isinstance(line, Exception):
            result = EntityResult.of(bot, line)
            wrong += [error for error in (result.failure, result.deferred) if error is not None]
            line = {"bot_id": bot.id, "error": str(line)}
        lines.append(line)
    totals = {name: sum(line.get(name) or 0 for line in lines) for name in sums}
    result_json = {"bots": lines, "failed": len(wrong), **totals}
    if not wrong:
        return Success(result_json)
    more = f"{len(wrong)} bots failed; the last: " if len(wrong) > 1 else ""
    return Failure(
        error=f"{more}{wrong[-1]}",
        transient=any(error.transient for error in wrong),
        exit_code=wrong[-1].exit_code,
        result=result_json,
    )
