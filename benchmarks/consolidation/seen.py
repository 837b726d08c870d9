"""Which rows of a set those of a request are: told by content, the model's texts included."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kinds import Row, wins

Document = Mapping[str, Any]
"""The user message of a request."""

Reply = dict[str, Any]

Content = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """A row of a request: its short id, what it says, and which rows of the set it stands for."""

    name: str
    row: Row
    ids: frozenset[str]

    @property
    def text(self) -> str:
        """The value as text."""
        value = self.row["value"]
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    @property
    def words(self) -> dict[str, str]:
        """The words of value and key as they are written, by their folded form."""
        return words_of(f"{self.text} {self.row['key'].replace('_', ' ')}")


class Knowledge:
    """What stands behind a row's content. Duplicates have one content, and stand for all of them.

    What the model itself wrote is remembered, for whichever part of it the program took: a text may
    be refused and a key not.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._known: dict[Content, frozenset[str]] = {}
        for row in rows:
            self.learn(row, {row["id"]})

    def learn(self, row: Row, ids: Iterable[str]) -> None:
        """Let a content stand for more rows of the set."""
        content = _content(row)
        self._known[content] = self._known.get(content, frozenset()) | frozenset(ids)

    def seen(self, rows: Iterable[Row]) -> list[Seen]:
        """Return the rows of a request with what they stand for."""
        return [Seen(row["id"], row, self._known.get(_content(row), frozenset())) for row in rows]

    def wrote(self, rows: Sequence[Seen], key: str | None, value: str | None) -> None:
        """Remember a merge that was proposed: any of its rows may win, with either text and key."""
        ids = frozenset[str]().union(*(each.ids for each in rows))
        for each in rows:
            for some_key in {each.row["key"], key or each.row["key"]}:
                for text in (each.row["value"], each.row["value"] if value is None else value):
                    row = {**each.row, "key": some_key, "value": text}
                    if _content(row) not in self._known:
                        self.learn(row, ids)


def _content(row: Row) -> Content:
    return row["category"], row["key"], json.dumps(row["value"], sort_keys=True)


_EDGES = re.compile(r"^[^\w$€£#%+-]+|[^\w$€£#%+-]+$")


_CONTRACTED = re.compile(r"(?<=\w)n['\N{RIGHT SINGLE QUOTATION MARK}]t\b")


def words_of(text: str) -> dict[str, str]:
    """Return the words of a text by their folded form; what stands between spaces is a word.

    "doesn't" is two words, so that whoever says "does not" need not say it again.
    """
    spelt = _CONTRACTED.sub(" not", unicodedata.normalize("NFKC", text))
    stripped = (_EDGES.sub("", word) for word in spelt.split())
    return {word.casefold(): word for word in stripped if word}


def winner_of(rows: Sequence[Seen]) -> Seen:
    """Return the row that wins by the contract: protected, then the latest, then the surest."""
    return max(rows, key=rank)


def rank(seen: Seen) -> tuple[bool, datetime, float]:
    """Order rows by how surely they win."""
    row = seen.row
    weight = row.get("confidence", row.get("importance"))  # a memory in a request has the latter
    return wins(row), moment_of(row), weight or 0.0


def moment_of(row: Row) -> datetime:
    """Return when a row was last updated, the beginning of time where it does not say."""
    if row["updated_at"] is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromisoformat(row["updated_at"])


def group(
    op: str,
    rows: Iterable[Seen],
    reason: str,
    *,
    key: str | None = None,
    value: str | None = None,
) -> Reply:
    """Return a group of a reply."""
    return {
        "reason": reason,
        "op": op,
        "ids": [each.name for each in rows],
        "category": None,
        "key": key,
        "value": value,
    }


def removal(row: Seen, reason: str) -> Reply:
    """Return a removal of a reply."""
    return {"reason": reason, "id": row.name, "why": "noise"}


def reply_to(
    document: Document, groups: Sequence[Reply] = (), remove: Sequence[Reply] = ()
) -> Reply:
    """Return a reply that has reviewed every row and echoes the nonce."""
    echoed = {"nonce": document["nonce"]} if "nonce" in document else {}
    reviewed = [row["id"] for row in document["rows"]]
    return {**echoed, "groups": list(groups), "remove": list(remove), "reviewed": reviewed}
