"""Whether a model saw its whole request: some servers cut a long one silently and answer 200."""

from llm_maint.domain.chat import Completion
from llm_maint.domain.request import Request
from llm_maint.errors import LostPromptError, UnreadableReplyError

SAFE_CHARACTERS = 6_000
"""A request of so many characters, about 2,000 tokens, fits into any context that is in use."""

MOST_CHARACTERS_PER_TOKEN = 8
"""No tokenizer makes so few tokens of JSON; about 3 characters make one."""

LEAST_COUNT = 256
"""A count below it is no sign of a cut: no context is so small, but some servers leave out what
they had cached, or do not count."""

ADVICE = (
    "the model did not see all of a long request: raise the context of the model server, or set "
    "llm.context_tokens to what it really is"
)


def check_seen(request: Request, completion: Completion, nonce: object) -> None:
    """Refuse the reply of a model that cannot have seen the start of its request.

    The nonce stands first in the user message, so a reply that echoes it was given after all of it.
    A short request cannot have been cut, so there the echo may be missing.

    Raises:
        LostPromptError: the request was cut; half of it may arrive whole.
        UnreadableReplyError: the reply echoes another nonce, so it answers something else.

    """
    if nonce == request.nonce:
        if _counted_too_few(request, completion):
            raise LostPromptError(ADVICE)
        return
    if request.prompt.size > SAFE_CHARACTERS:
        raise LostPromptError(ADVICE)
    if nonce is not None:
        raise UnreadableReplyError("the reply echoes another nonce than the request's")


def _counted_too_few(request: Request, completion: Completion) -> bool:
    counted, size = completion.usage.prompt_tokens, request.prompt.size
    return size > SAFE_CHARACTERS and LEAST_COUNT <= counted < size / MOST_CHARACTERS_PER_TOKEN
