"""Whether a model server does what a consolidation needs, explained in the server's own terms."""

from collections.abc import Iterator

from llm_maint.domain.budget import Meter
from llm_maint.domain.chat import Completion
from llm_maint.domain.checkup import Check, State, failed
from llm_maint.domain.entity import Entity
from llm_maint.domain.extract import first_of
from llm_maint.domain.nearest import nearest
from llm_maint.domain.profile import Attribute
from llm_maint.domain.reply import read_reply
from llm_maint.domain.request import request_for
from llm_maint.errors import (
    MaintError,
    ModelUnavailableError,
    UnknownModelError,
    UnreadableReplyError,
)
from llm_maint.llm.client import Client
from llm_maint.llm.listing import Listed

TINY = request_for(
    Entity("user", "doctor"),
    [
        Attribute(
            id=1,
            category="preference",
            key="drink",
            value="tea",
            confidence=0.8,
            source="inferred",
            source_message_id=None,
            created_at=None,
            updated_at=None,
            image={},
        )
    ],
)
"""A consolidation's request about one row that nobody has: rules and schema are the real ones."""

SMALL_CONTEXT = 4_096
"""Tokens below which a request holds only a few rows."""

_SHOWN = 8
"""Names of models that a message repeats."""


async def check_up(client: Client) -> list[Check]:
    """Ask for the list of models, and for one tiny structured reply."""
    try:
        models = await client.models()
    except MaintError as error:
        models, listing = [], failed("model server", error)
        if isinstance(error, ModelUnavailableError):
            return [listing]  # it is not there: nothing else can be asked
    else:
        found = f"{client.address} lists {len(models)} models: {_names(models)}"
        listing = Check(name="model server", state=State.OK, found=found)
    wanted = client.model
    try:
        completion = await client.complete(TINY.prompt, Meter())
    except MaintError as error:
        return [listing, _not_answered(error, wanted, models)]
    return [
        _answers_without_listing(listing),
        *_model_checks(client, wanted, models),
        _reply_check(client, completion),
    ]


def _answers_without_listing(listing: Check) -> Check:
    """Return the check of the list: a server that answers need not have one."""
    if listing.state is State.OK:
        return listing
    found = f"answers, but lists no models ({listing.found})"
    return Check(name=listing.name, state=State.WARNING, found=found)


def _not_answered(error: MaintError, wanted: str, models: list[Listed]) -> Check:
    if (
        isinstance(error, UnknownModelError)
        and wanted
        and models
        and not any(each.is_named(wanted) for each in models)
    ):
        close = nearest(wanted, [model.name for model in models]) or models[0].name
        found = f"model {wanted!r} not found: the server has {_names(models)}"
        mend = f"llm-maint config set llm.model {close}"
        return Check(
            name="model",
            state=State.FAILURE,
            found=found,
            mend=mend,
            exit_code=error.exit_code,
        )
    return failed("model", error)


def _model_checks(client: Client, wanted: str, models: list[Listed]) -> Iterator[Check]:
    name = "model"
    if wanted and models and not any(each.is_named(wanted) for each in models):
        found = f"{wanted!r} answers, but is not listed: the server has {_names(models)}"
        yield Check(name=name, state=State.WARNING, found=found)
    else:
        yield Check(name=name, state=State.OK, found=client.model)
    listed = next((model.context for model in models if model.is_named(client.model)), None)
    tokens = client.context.tokens or listed
    mend = "llm-maint config set llm.context_tokens TOKENS"
    if tokens is None:
        found = "its size is not known: requests of up to max_rows_per_request rows are sent"
        yield Check(name="context", state=State.WARNING, found=found, mend=mend)
    elif tokens < SMALL_CONTEXT:
        found = f"{tokens:,} tokens: few rows fit into one request"
        yield Check(name="context", state=State.WARNING, found=found, mend=mend)
    else:
        whose = "as set" if client.context.tokens else "as the server tells"
        yield Check(name="context", state=State.OK, found=f"{tokens:,} tokens, {whose}")


def _reply_check(client: Client, completion: Completion) -> Check:
    structure = client.form.structure
    how = {"none": "by instructions alone"}.get(structure, f"by {structure}")
    if completion.cut:
        found = f"a reply of a few words was cut: {first_of(completion.text)}"
        mend = "llm-maint config set llm.max_output_tokens 8192"
        return _unusable(found, mend)
    try:
        reply = read_reply(completion.text, TINY.ids)
    except UnreadableReplyError as error:
        return _unusable(f"asked {how}, {error}", "llm-maint config set llm.model ANOTHER")
    if reply.nonce != TINY.nonce:
        found = f"readable ({how}), but without the nonce that shows that the request was seen"
        return Check(name="reply", state=State.WARNING, found=found)
    tokens = completion.usage.tokens
    return Check(name="reply", state=State.OK, found=f"as asked, {how}; {tokens} tokens")


def _unusable(found: str, mend: str) -> Check:
    error = UnreadableReplyError(found)
    return failed("reply", error, mend)


def _names(models: list[Listed]) -> str:
    names = [model.name for model in models[:_SHOWN]]
    more = len(models) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "") or "none"
