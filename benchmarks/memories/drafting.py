"""A set as it is drafted: rows that know each other by number, and what is true of them."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from phrasing import on_a_day, respelt

Row = dict[str, Any]

BOT = "nova"

BEGINNING, DAYS = datetime(2024, 6, 1, tzinfo=UTC), 700
"""Memories are of these days."""

ACCESSED, CHARGED = 0.4, 0.25
"""Shares of memories that were ever looked up, and that are said to touch the person."""

INTENTS = ("inform", "plan", "remember", "ask", None)
STAKES = ("low", "low", "medium", "high", None)
PIN_TAGS = ("pinned", "protected", "Pinned", "PROTECTED")


@dataclass(slots=True)
class Draft:
    """Rows in the order in which they were thought of, and the truth in terms of their places."""

    draw: random.Random
    rows: list[Row] = field(default_factory=list)
    must_survive: list[dict[str, Any]] = field(default_factory=list)
    merge_groups: list[dict[str, Any]] = field(default_factory=list)
    keep_apart: list[list[int]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)
    contradictions: list[dict[str, Any]] = field(default_factory=list)
    policy: list[dict[str, Any]] = field(default_factory=list)
    protected: list[int] = field(default_factory=list)
    noise: list[int] = field(default_factory=list)
    injections: list[int] = field(default_factory=list)

    def add(self, content: str, tags: str, *, moment: datetime | None = None) -> int:
        """Add a memory and return its place."""
        moment = moment or self.moment()
        accessed = self.draw.randint(1, 40) if self.draw.random() < ACCESSED else 0
        later = moment + timedelta(days=self.draw.randint(1, 60)) if accessed else None
        charged = self.draw.random() < CHARGED
        self.rows.append(
            {
                "bot_id": BOT,
                "content": content,
                "tags": tags.split(),
                "importance": round(self.draw.betavariate(2, 3), 2),
                "source_message_ids": [self._message() for _ in range(self._few())],
                "access_count": accessed,
                "last_accessed": later and _iso(later),
                "intent": self.draw.choice(INTENTS),
                "stakes": self.draw.choice(STAKES),
                "emotional_charge": round(self.draw.uniform(-1, 1), 1) if charged else None,
                "recurrence_keywords": tags.split()[:1] if accessed else [],
                "created_at": _iso(moment),
                "updated_at": _iso(moment),
            }
        )
        return len(self.rows) - 1

    def moment(self) -> datetime:
        """Return some moment."""
        return BEGINNING + timedelta(minutes=self.draw.randrange(DAYS * 24 * 60))

    def told_on(self, place: int) -> datetime:
        """Return when a row was written."""
        return datetime.fromisoformat(self.rows[place]["created_at"])

    def pin(self, place: int) -> None:
        """Protect a row by a tag."""
        self.rows[place]["tags"].append(self.draw.choice(PIN_TAGS))
        self.protected.append(place)

    def survives(self, places: list[int], needles: list[str], kind: str) -> None:
        """Say that a fact must survive in what comes of some rows."""
        self.must_survive.append({"rows": places, "needles": needles, "kind": kind})

    def says(self, place: int, others: list[int]) -> bool:
        """Return whether a row has the very text of one of some others."""
        return self.rows[place]["content"] in {self.rows[other]["content"] for other in others}

    def copied(self, place: int) -> tuple[int, str]:
        """Tell a row again as it is, or as it is but for case and space."""
        row = self.rows[place]
        kind = self.draw.choice(("exact", "folded"))
        text = row["content"] if kind == "exact" else respelt(row["content"], self.draw)
        return self.add(text, _unpinned(row)), kind

    def dated(self, text: str, tags: str) -> int:
        """Add a memory that names the day on which it was told."""
        moment = self.moment()
        return self.add(on_a_day(text, moment, self.draw), tags, moment=moment)

    def finished(self, name: str) -> tuple[list[Row], dict[str, Any]]:
        """Return the rows in some order, with ids that say nothing, and the truth about them."""
        order = list(range(len(self.rows)))
        self.draw.shuffle(order)
        ids = {place: f"{name}-{number:05}" for number, place in enumerate(order, start=1)}
        truth = {key: _named(getattr(self, key), ids) for key in _TRUTH}
        counts = {key: len(truth[key]) for key in _TRUTH}
        rows = [{"id": ids[place], **self.rows[place]} for place in order]
        return rows, {"bot_id": BOT, **truth, "rows": len(rows), "counts": counts}

    def _message(self) -> str:
        return f"{self.draw.getrandbits(48):012x}"

    def _few(self) -> int:
        return self.draw.choice((1, 1, 1, 2, 3))


_TRUTH = (
    "must_survive",
    "merge_groups",
    "keep_apart",
    "updates",
    "contradictions",
    "policy",
    "protected",
    "noise",
    "injections",
)


def _named(value: Any, ids: dict[int, str]) -> Any:  # noqa: ANN401 lists of what is true
    """Return a part of the truth with ids in the place of numbers."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return ids[value]
    if isinstance(value, list):
        return [_named(each, ids) for each in value]
    if isinstance(value, dict):
        return {key: _named(each, ids) for key, each in value.items()}
    return value


def _unpinned(row: Row) -> str:
    return " ".join(tag for tag in row["tags"] if tag not in PIN_TAGS)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
