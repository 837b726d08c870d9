"""A fault that is final, as the error that says what it means for the run and what mends it."""

from llm_maint.errors import (
    ConfigurationError,
    EmbeddingsUnavailableError,
    KeyRefusedError,
    MaintError,
    ModelBusyError,
    ModelFailedError,
    ModelRefusalError,
    ModelUnavailableError,
    PromptRefusedError,
    RequestRefusedError,
    UnknownModelError,
    UnreadableReplyError,
)
from llm_maint.llm.faults import Fault, Kind

_TOO_MANY_REQUESTS = 429


def explained(
    fault: Fault, *, place: str, model: str, tries: int, too_long: bool = False
) -> MaintError:
    """Return the error of a fault after so many tries; `too_long` is the wait that it asks for."""
    server = f"the model server {place}"
    error, text = _EXPLAINED[fault.kind]
    if too_long:
        return ModelBusyError(f"{server} asks to wait {fault.named_wait:,.0f} s: {fault.said}")
    if fault.kind is Kind.BUSY and fault.status == _TOO_MANY_REQUESTS:
        error = ModelBusyError
    if fault.kind is Kind.BAD and "limit" in fault.refuses:
        text += " (llm.max_output_tokens)"
    times = f" (tried {tries} times)" if tries > 1 else ""
    return error(
        text.format_map({"server": server, "place": place, "model": model, "said": fault.said})
        + times
    )


_EXPLAINED: dict[Kind, tuple[type[MaintError], str]] = {
    Kind.DOWN: (ModelUnavailableError, "{server} {said}; is it running?"),
    Kind.BUSY: (ModelUnavailableError, "{server} {said}"),
    Kind.FAILED: (ModelFailedError, "{server} {said}"),
    Kind.BAD: (RequestRefusedError, "{server} {said}"),
    Kind.EMPTY: (UnreadableReplyError, "{server} {said}"),
    Kind.REFUSAL: (ModelRefusalError, "the model refuses to answer: {said}"),
    Kind.TOO_LONG: (PromptRefusedError, "{server} {said}: set llm.context_tokens"),
    Kind.QUOTA: (ModelBusyError, "the quota of {place} is used up: it {said}"),
    Kind.KEY: (KeyRefusedError, "{place} refuses the key: check llm.api_key_file ({said})"),
    Kind.MODEL: (
        UnknownModelError,
        "{place} has no such path or no model {model!r}: check llm.base_url and llm.model ({said})",
    ),
    Kind.EMBEDDINGS: (
        EmbeddingsUnavailableError,
        "{place} gives no embeddings by model {model!r}: check memory.embedding_model ({said})",
    ),
    Kind.ELSEWHERE: (
        ConfigurationError,
        "{place} points elsewhere, where the key is not sent: check llm.base_url ({said})",
    ),
}
