"""Asking a model about rows: in requests of bounded size, halved where the reply was cut."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from llm_maint.domain.chat import NO_USAGE, Completion, Prompt, Usage
from llm_maint.domain.profile import Attribute, AttributeId, Entity
from llm_maint.domain.reply import Proposal, Refused, read_reply
from llm_maint.domain.request import batches, request_for

Complete = Callable[[Prompt], Completion]
"""What asks the model; handed in, so that nothing here knows of a server."""


@dataclass(slots=True)
class Answers:
    """What the model said, over all requests about one entity.

    `cut` are the rows that it said something too long about even when asked about them alone.
    """

    proposals: list[Proposal] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    reviewed: set[AttributeId] = field(default_factory=set)
    cut: set[AttributeId] = field(default_factory=set)
    usage: Usage = NO_USAGE
    model: str | None = None

    @property
    def judged(self) -> set[AttributeId]:
        """The rows that the model said anything about."""
        proposed = {row_id for proposal in self.proposals for row_id in proposal.row_ids}
        refused = {row_id for refused in self.refused for row_id in refused.row_ids}
        return proposed | refused | self.reviewed


def ask_all(complete: Complete, entity: Entity, rows: Sequence[Attribute], *, size: int) -> Answers:
    """Ask about all rows, and once more about those that the model said nothing about.

    Raises:
        MaintError: the server failed, or a reply cannot be used.

    """
    answers = Answers()
    for batch in batches(rows, size=size):
        _ask(complete, entity, batch, answers)
    missing = [row for row in rows if row.id not in answers.judged | answers.cut]
    for batch in batches(missing, size=size):
        _ask(complete, entity, batch, answers)
    return answers


def _ask(complete: Complete, entity: Entity, rows: Sequence[Attribute], answers: Answers) -> None:
    request = request_for(entity, rows)
    completion = complete(request.prompt)
    answers.usage += completion.usage
    answers.model = completion.model
    if completion.cut:  # never repaired: asked again about half as many rows
        if len(rows) == 1:
            answers.cut.add(rows[0].id)
            return
        for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            _ask(complete, entity, half, answers)
        return
    reply = read_reply(completion.text, request.ids)
    answers.proposals += reply.proposals
    answers.refused += reply.refused
    answers.reviewed |= reply.reviewed
