"""What is wrong with an answer that brings no reply, in the words that servers really use."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from llm_maint.domain.chat import NO_USAGE, Usage
from llm_maint.llm.retry import BUSY, FAILED, is_retryable, may_retry, named_wait


class Kind(Enum):
    """A kind of fault; each has a policy of its own in the client."""

    DOWN = auto()
    """There is no server, or it gives no sign of life: tried again, then the run ends."""
    BUSY = auto()
    """It cannot serve now: tried again, then the run ends."""
    FAILED = auto()
    """It failed at this request: tried again, then this request is given up."""
    BAD = auto()
    """It refuses this request: given up at once."""
    EMPTY = auto()
    """It answered with no reply in it: another seed may bring one."""
    REFUSAL = auto()
    """The model, or a filter, does not want to answer: given up at once."""
    TOO_LONG = auto()
    """The request does not fit into the context: half of it may."""
    QUOTA = auto()
    """What was paid for is used up: the run ends."""
    KEY = auto()
    """The key is refused: the run ends."""
    MODEL = auto()
    """There is no such model or path: the run ends."""
    EMBEDDINGS = auto()
    """There are no embeddings to be had: chat may be served all the same."""
    ELSEWHERE = auto()
    """It points to another address, where the key must not follow: the run ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why an answer brought no reply.

    `refuses` names the parts of the request's form that the server may not take, the likeliest
    first: "structure", "limit", "temperature", "seed". `context` is the number of tokens that the
    server says it has; `named_wait` the seconds that it asks to wait. `final` tells that it asks
    not to be tried again.
    """

    kind: Kind
    said: str
    refuses: tuple[str, ...] = ()
    context: int | None = None
    usage: Usage = NO_USAGE
    named_wait: float | None = None
    final: bool = False
    status: int = 0


_REFUSES = {
    "limit": re.compile(r"max_(completion_|new_|output_)?tokens"),
    "temperature": re.compile(r"temperature"),
    "seed": re.compile(r"\bseed\b"),
    "structure": re.compile(
        r"response_format|json_schema|json_object|json schema|output_config|output_format"
        r"|tool_choice|\btools?\b|structured|guided|grammar|schema|requested parameters"
    ),
}

_TOO_LONG = re.compile(
    r"context (length|window|size|limit|(is )?too long)|context_length|context_exceeded"
    r"|exceed_context"
    r"|(prompt|input|request|messages?) (is |are )?too (long|large)|too many (input )?tokens"
    r"|exceeds? [^.]{0,40}context|(input|prompt) (length|tokens?) [^.]{0,40}(exceed|maximum)"
    r"|reduce the length|request_too_large|string_above_max_length"
)
_KEY = re.compile(
    r"api[ _]key (is )?(not valid|invalid)|api_key_invalid|invalid[ _](x-)?api[ _-]key"
    r"|incorrect api key|authentication_error"
)
_QUOTA = re.compile(
    r"insufficient[_ ](quota|balance|credits?|funds)|credit balance|billing|payment required"
    r"|exceeded your current quota|out of credits|quota exhausted|(usage|spend(ing)?) limits?\b"
)
_MODEL = re.compile(
    r"model_not_found|no such model|not a valid model|invalid model|decommissioned"
    r"|model_not_supported|model\b.{0,80}\bis not supported by"
    r"|model\b.{0,80}\b(not found|does not exist|not exist|is not available|unknown)"
)
_REFUSAL = re.compile(
    r"content[ _](filter|policy|management policy|exists risk)|moderation|flagged"
    r"|data_inspection|inappropriate content"
)
_BUSY = re.compile(
    r"overload|rate.?limit|too many requests|unavailable|try again|timed? ?out|temporar|\bbusy\b"
    r"|resource_exhausted|capacity"
)
_FAILED = re.compile(r"server_error|internal|api_error|upstream|bad gateway|provider returned")

_CONTEXT = re.compile(
    r"(?:maximum context length is|context (?:size|window|length)[^0-9]{0,20}|tokens? > )(\d{3,8})"
)

_REFUSED_KEY = frozenset({401, 403})
_REFUSED_FORM = frozenset({400, 422, 501})
OK = range(200, 300)
"""The statuses of a reply; a router gives them to what its upstream refused, too."""

_NOT_FOUND = frozenset({404, 405, 410})
"""What answers to a path that is not the API's, or to a model that is no more."""

_PAYMENT, _TOO_LARGE = 402, 413


def of_answer(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    document: Any,  # noqa: ANN401 any JSON
    *,
    said: str,
    spent: Usage = NO_USAGE,
    now: datetime,
) -> Fault:
    """Return what is wrong with an answer of a status that is no success, or with an error in it.

    Args:
        status: of the answer; an error within one of 200 counts as the status that it names.
        headers: by their names in lower case.
        body: JSON, or any text.
        document: the body's JSON; None where it is none.
        said: the first of it, for messages.
        spent: what it counted.
        now: what a date in the headers is measured against.

    """
    words = _text(body) if document is None else " ".join(_words(document))
    words = words[:_READ].lower()
    if status in OK:
        status = _status_within(document) or _status_of(words)
    wait = named_wait(headers, document, now=now)
    refuses = _refused_parts(status, document, words)
    kind = _kind(status, words, named_wait=wait is not None, structure="structure" in refuses)
    return Fault(
        kind=kind,
        said=said,
        usage=spent,
        refuses=refuses if kind in (Kind.BAD, Kind.FAILED) else (),
        context=_context(document, words),
        named_wait=wait,
        final=not may_retry(headers),
        status=status,
    )


def _refused_parts(status: int, document: Any, words: str) -> tuple[str, ...]:  # noqa: ANN401 any JSON
    """Return which parts of a request's form an error speaks of."""
    error = document.get("error") if isinstance(document, dict) else None
    param = str(error.get("param")) if isinstance(error, dict) else ""
    parts = [part for part, named in _REFUSES.items() if named.search(param)]
    parts += [part for part, named in _REFUSES.items() if named.search(words)]
    if status in _REFUSED_FORM:
        parts.append("structure")  # what servers that explain nothing most often have against us
    if status >= FAILED and status not in _REFUSED_FORM:
        parts = [part for part in parts if part == "structure"]
    return tuple(dict.fromkeys(parts))


_READ = 2_000
"""Characters of an error that are looked at: some servers send the whole request back in it."""


def _kind(status: int, words: str, *, named_wait: bool, structure: bool) -> Kind:  # noqa: PLR0911 a table
    if 300 <= status < 400:  # noqa: PLR2004 redirects
        return Kind.ELSEWHERE
    if status == _PAYMENT or (_QUOTA.search(words) and not named_wait):
        return Kind.QUOTA
    if status in BUSY:
        return Kind.BUSY
    if status < FAILED and _REFUSAL.search(words):
        return Kind.REFUSAL
    if status in _REFUSED_KEY or (status < FAILED and _KEY.search(words)):
        return Kind.KEY
    if status == _TOO_LARGE or _TOO_LONG.search(words):
        return Kind.TOO_LONG
    if status < FAILED and (_MODEL.search(words) or (status in _NOT_FOUND and not structure)):
        return Kind.MODEL
    return Kind.FAILED if is_retryable(status) else Kind.BAD


def _status_within(document: Any) -> int | None:  # noqa: ANN401 any JSON
    """Return the status that an error names within an answer of 200."""
    error = document.get("error") if isinstance(document, dict) else None
    for name in ("code", "status", "status_code"):
        code = error.get(name) if isinstance(error, dict) else None
        if isinstance(code, str) and code.isdecimal():
            code = int(code)
        if isinstance(code, int) and 400 <= code < 600:  # noqa: PLR2004 errors
            return code
    return None


def _status_of(words: str) -> int:
    if _BUSY.search(words):
        return 503
    return 500 if _FAILED.search(words) else 400


def _words(document: Any, depth: int = 4) -> Iterator[str]:  # noqa: ANN401 any JSON
    """Yield what an error says; not what it quotes of the request, which holds a user's rows."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, list) and depth:
        for item in document[:10]:
            yield from _words(item, depth - 1)
    elif isinstance(document, dict) and depth:
        for name in _SPEAKING:
            yield from _words(document.get(name), depth - 1)


_SPEAKING = (
    "error",
    "message",
    "type",
    "code",
    "param",
    "status",
    "detail",
    "details",
    "msg",
    "loc",
)


def _context(document: Any, words: str) -> int | None:  # noqa: ANN401 any JSON
    error = document.get("error") if isinstance(document, dict) else None
    told = error.get("n_ctx") if isinstance(error, dict) else None
    if isinstance(told, int) and told > 0:
        return told
    found = _CONTEXT.search(words)
    return int(found[1]) if found else None


def _text(body: bytes) -> str:
    return body[: 4 * _READ].decode(errors="replace")
