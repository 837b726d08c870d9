"""Texts on their way to vectors: what is asked of a server next, and what its refusals teach."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Self

from llm_maint.llm.faults import Fault, Kind
from llm_maint.llm.provider import Provider, nothing
from llm_maint.llm.vectors import DIFFERENT, spent, vectors_in

MOST_TEXTS = 128
"""In one request. Vectors of 8,192 numbers, at twenty characters each, then stay well within the
longest answer that is read; more texts at once are hardly any quicker."""

MOST_CHARACTERS = 200_000
"""In one request: below a megabyte, which is what a proxy takes unless it is told otherwise, even
where each character takes four bytes."""

SHORTEST = 64
"""Characters that a text is not cut below: a model with less room is of no use for memories."""

_LACKING = re.compile(
    r"(not|n't) (currently )?(support|implement)\w*( \w+){0,2} embedding"
    r"|embeddings?\b.{0,40}\bnot (currently )?(support|implement|enabl|available)"
    r"|embeddings?=true"
)
"""As servers say that they have no embeddings, with 500 too."""

_NOT_FOR_THIS = re.compile(r"missing scopes|insufficient permissions")
"""As servers say, with 401 too, that a key is for something else."""

_TOO_MANY = re.compile(
    r"(allowed|maximum|max) batch size|batch size (is|\d|error)|in one batch|too many inputs"
    r"|number of (texts|inputs)|array too long"
)
"""As servers say that they take fewer texts at once."""

_TOO_LONG = re.compile(
    r"too (long|large)|maximum input length|exceed[^.]{0,40}(token|length|size|context)"
    r"|tokens per request|(less|fewer|more) than \d+ tokens"
)
"""Beside what `faults` knows, which may not read as much into a word about chat."""

_FORBIDDEN = 403
"""A key may be for chat alone, or for other models."""

_OF_THE_PATH = frozenset({Kind.MODEL, Kind.ELSEWHERE, Kind.TOO_LONG})
"""What chat, which is at another path and has another model, need not share."""


@dataclass(slots=True)
class Embedder:
    """A model that gives vectors, as far as a run has come to know it.

    `refused` is why it gives none. `most` are the texts that its server takes at once; `proven`
    tells that it has given a vector, `takes_format` that its server lets a format be asked for.
    """

    model: str
    refused: Fault | None = None
    most: int = MOST_TEXTS
    proven: bool = False
    takes_format: bool = True

    @classmethod
    def of(cls, model: str, provider: Provider) -> Self:
        """Return a model that nothing is known of but the protocol of its server."""
        lacking = Fault(kind=Kind.EMBEDDINGS, said="its protocol has none")
        return cls(model, refused=None if provider.embeddings else lacking)


@dataclass(slots=True)
class Embedding:
    """Some texts and their `vectors` so far: what is asked next, and what an answer changes.

    `_longest` are the characters that are sent of a text. It is found out for each work anew, so
    that a vector does not depend on what was embedded before.
    """

    embedder: Embedder
    vectors: list[bytes] = field(default_factory=list)
    _batches: deque[list[str]] = field(default_factory=deque)
    _longest: int = MOST_CHARACTERS
    _asked: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Iterable[str], embedder: Embedder) -> Self:
        """Return the work of embedding some texts."""
        return cls(embedder, _batches=deque(_grouped(map(_sendable, texts), embedder.most)))

    @property
    def done(self) -> bool:
        """Whether every text has its vector."""
        return not self._batches

    def ask(self) -> Mapping[str, Any]:
        """Return the JSON of the next request."""
        texts = [text[: self._longest] for text in self._batches[0]]
        self._asked = {"model": self.embedder.model, "input": texts}
        if self.embedder.takes_format:
            self._asked["encoding_format"] = "float"
        return self._asked

    def take(self, answer: Mapping[str, Any] | Fault) -> Fault | None:
        """Keep the vectors of an answer, or ask for less next; return a fault that is neither."""
        texts = len(self._batches[0])
        found = answer if isinstance(answer, Fault) else vectors_in(answer, texts=texts)
        if isinstance(found, Fault):
            return None if self._lessened(found) else self._understood(found)
        if self.vectors and len(self.vectors[0]) != len(found[0]):
            return nothing(DIFFERENT, spent(answer))
        self._batches.popleft()
        self.vectors += found
        self.embedder.proven = True
        return None

    def _lessened(self, fault: Fault) -> bool:
        """Ask for less, where that may be what a fault is about; return whether there is less."""
        if fault.kind not in (Kind.BAD, Kind.FAILED, Kind.TOO_LONG):
            return False
        said = fault.said.lower()
        if "encoding_format" in said and "encoding_format" in self._asked:
            self.embedder.takes_format = False
            return True
        if _TOO_MANY.search(said):
            return self._with_fewer_texts()
        too_long = fault.kind is Kind.TOO_LONG or _TOO_LONG.search(said)
        return bool(too_long) and (self._halved() or self._cut())

    def _with_fewer_texts(self) -> bool:
        """Ask for half as many from now on."""
        texts = len(self._batches[0])
        if texts == 1:
            return False
        self.embedder.most = min(self.embedder.most, texts // 2)
        rest = chain.from_iterable(self._batches)
        self._batches = deque(_grouped(rest, self.embedder.most))
        return True

    def _halved(self) -> bool:
        """Ask for one half of the texts, then for the other: only one of them may be too long."""
        if len(self._batches[0]) == 1:
            return False
        texts = self._batches.popleft()
        middle = len(texts) // 2
        self._batches.extendleft((texts[middle:], texts[:middle]))
        return True

    def _cut(self) -> bool:
        """Send half of what was sent; of the texts to come no more either, as they would fail."""
        half = len(self._asked["input"][0]) // 2
        if half < SHORTEST:
            return False
        self._longest = half
        return True

    def _understood(self, fault: Fault) -> Fault:
        """Return what a fault means here: a refusal at this path says nothing of chat."""
        if not _is_lack(fault, proven=self.embedder.proven):
            return fault
        fault = replace(fault, kind=Kind.EMBEDDINGS)
        if not self.embedder.proven:
            self.embedder.refused = fault
        return fault


def _is_lack(fault: Fault, *, proven: bool) -> bool:
    """Return whether a fault tells that there are no embeddings by a model."""
    said = fault.said.lower()
    if fault.kind is Kind.KEY:
        return fault.status == _FORBIDDEN or bool(_NOT_FOR_THIS.search(said))
    if fault.kind in (Kind.BAD, Kind.FAILED):
        return (fault.kind is Kind.BAD and not proven) or bool(_LACKING.search(said))
    return fault.kind in _OF_THE_PATH


def _sendable(text: str) -> str:
    """Return what can be sent of a text; some servers refuse an empty one."""
    whole = text.encode(errors="replace").decode()  # a lone surrogate becomes a question mark
    return whole[:MOST_CHARACTERS] or " "


def _grouped(texts: Iterable[str], most: int) -> Iterator[list[str]]:
    """Yield batches, in the order of the texts."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == most or size + len(text) > MOST_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
