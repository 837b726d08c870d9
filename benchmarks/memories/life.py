"""Two made-up years of an assistant: which memories arrive, and when each of them is needed."""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from texts import HOBBIES, Texts

from llm_maint.domain.memory import Memory

START = datetime(2024, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=730)
END = START + YEARS
AFTER = timedelta(days=182)
"""What is accessed in this time after the end is needed at the end."""


@dataclass(frozen=True)
class Kind:
    """A kind of memory.

    `share` is its share of the arrivals; importance is normal around `importance`; a memory is
    needed for ever with the chance `lasting`, else for `span` days in the mean; while it is needed
    it is accessed once in `pause` days in the mean, or just so often where it is `regular`.
    """

    share: float
    importance: float
    spread: float
    lasting: float
    span: float
    pause: float
    regular: bool = False


KINDS = {
    "identity": Kind(0.06, 0.85, 0.10, 0.95, 400, 30),
    "preference": Kind(0.20, 0.50, 0.15, 0.60, 120, 60),
    "hobby": Kind(0.15, 0.45, 0.12, 0.50, 365, 40),
    "birthday": Kind(0.03, 0.50, 0.12, 1.00, 1, 365, regular=True),
    "project": Kind(0.21, 0.55, 0.15, 0.00, 90, 7),
    "appointment": Kind(0.10, 0.50, 0.15, 0.00, 25, 10),
    "small talk": Kind(0.25, 0.20, 0.10, 0.00, 4, 4),
}
"""Each kind is the tag of its memories as well. Importance knows little of what will be needed."""


@dataclass(frozen=True)
class Life:
    """A memory as it arrives, and all accesses to it, half a year after the end included."""

    memory: Memory
    kind: str
    accesses: Sequence[datetime]

    @property
    def arrives(self) -> datetime:
        """When it is told."""
        assert self.memory.created_at is not None
        return self.memory.created_at

    @property
    def is_needed(self) -> bool:
        """Whether it is accessed in the half-year after the end."""
        return bool(self.accesses) and self.accesses[-1] > END

    def accesses_by(self, now: datetime) -> int:
        """Return how many accesses there were by then."""
        return bisect_right(self.accesses, now)

    def touched(self, now: datetime) -> datetime:
        """Return when it was told, or read last by then."""
        count = self.accesses_by(now)
        return self.accesses[count - 1] if count else self.arrives


def lives(number: int, *, seed: int) -> list[Life]:
    """Return so many memories of two years, in the order in which they arrive."""
    draw = random.Random(seed)
    texts = Texts(draw)
    hobbies = draw.sample(sorted(HOBBIES), 6)
    arrivals = sorted(START + YEARS * draw.random() for _ in range(number))
    return [_life(f"m{n:05}", at, draw, texts, hobbies) for n, at in enumerate(arrivals)]


def _life(
    name: str, arrives: datetime, draw: random.Random, texts: Texts, hobbies: Sequence[str]
) -> Life:
    kind = draw.choices(list(KINDS), [each.share for each in KINDS.values()])[0]
    made = KINDS[kind]
    content = texts.of_hobby(draw.choice(hobbies)) if kind == "hobby" else texts.of_anything()
    memory = Memory(
        id=name,
        content=content,
        tags=(kind,),
        importance=min(1.0, max(0.0, draw.gauss(made.importance, made.spread))),
        created_at=arrives,
        updated_at=arrives,
    )
    lasting = draw.random() < made.lasting
    span = YEARS + AFTER if lasting else timedelta(days=draw.expovariate(1 / made.span))
    return Life(memory, kind, list(_accesses(made, arrives, arrives + span, draw)))


def _accesses(
    kind: Kind, arrives: datetime, until: datetime, draw: random.Random
) -> Iterator[datetime]:
    at = arrives
    while True:
        pause = draw.gauss(kind.pause, 7) if kind.regular else draw.expovariate(1 / kind.pause)
        at += timedelta(days=pause)
        if at > min(until, END + AFTER):
            return
        yield at
