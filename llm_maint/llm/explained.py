"""A fault that is final, as the error that says what it means for the run and what mends it."""

from llm_maint.errors import (
    ConfigurationError,
    MaintError,
    ModelBusyError,
    ModelFailedError,
    ModelRefusalError,
    ModelReplyError,
    ModelUnavailableError,
    PromptTooLongError,
    UnknownModelError,
    UnreadableReplyError,
)
from llm_maint.llm.faults import Fault, Kind

_TOO_MANY_REQUESTS = 429


def explained(fault: Fault, *, place: str, model: str, tries: int) -> MaintError:
    """Return the error of a fault after so many tries."""
    server = f"the model server {place}"
    error, text = _EXPLAINED[fault.kind]
    if fault.kind is Kind.BUSY:
        if fault.named_wait is not None and not fault.final:
            wait = f"{fault.named_wait:,.0f} s"
            return ModelBusyError(f"{server} asks to wait {wait}: {fault.said}")
        if fault.status == _TOO_MANY_REQUESTS:
            return ModelBusyError(f"{server} {fault.said}")
    times = f" (tried {tries} times)" if tries > 1 else ""
    return error(
        text.format_map({"server": server, "place": place, "model": model, "said": fault.said})
        + times
    )


_EXPLAINED: dict[Kind, tuple[type[MaintError], str]] = {
    Kind.DOWN: (ModelUnavailableError, "{server} {said}; is it running?"),
    Kind.BUSY: (ModelUnavailableError, "{server} {said}"),
    Kind.FAILED: (ModelFailedError, "{server} {said}"),
    Kind.BAD: (ModelReplyError, "{server} {said}"),
    Kind.EMPTY: (UnreadableReplyError, "{server} {said}"),
    Kind.REFUSAL: (ModelRefusalError, "the model refuses to answer: {said}"),
    Kind.TOO_LONG: (PromptTooLongError, "{server} {said}: set llm.context_tokens"),
    Kind.QUOTA: (ModelBusyError, "the quota of {place} is used up: it {said}"),
    Kind.KEY: (ConfigurationError, "{place} refuses the key: check llm.api_key_file ({said})"),
    Kind.MODEL: (
        UnknownModelError,
        "{place} has no such path or no model {model!r}: check llm.base_url and llm.model ({said})",
    ),
    Kind.ELSEWHERE: (
        ConfigurationError,
        "{place} points elsewhere, where the key is not sent: check llm.base_url ({said})",
    ),
}
