"""What a store of 2,000 memories over two years keeps, beside decay by age and no pruning."""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from life import END, KINDS, START, Life, lives

from llm_maint.domain.decay import Decay, allowed_losses, decayed
from llm_maint.domain.memory import Memory
from llm_maint.domain.policy import Policy
from llm_maint.domain.recurrence import Recurrence, recurring

WEEK = timedelta(days=7)
YEAR = timedelta(days=365)

OURS = Decay()

BY_AGE = Decay(exempt_importance=2.0, grace=timedelta(0))
"""The same half-life and threshold; accesses are kept from it, and nothing is exempt."""

BIRTHDAYS = Decay(half_lives={"birthday": timedelta(days=270)})
"""A tag of its own for what is needed once a year."""


@dataclass(frozen=True)
class Way:
    """A way to prune: how memories fade, how often it runs, and what it looks at."""

    decay: Decay | None = OURS
    every: timedelta = WEEK
    sees_accesses: bool = True
    guarded: bool = True
    tags: bool = True


WAYS = {
    "llm-maint, weekly": Way(),
    "the same, daily": Way(every=timedelta(days=1)),
    "the same, every 30 days": Way(every=timedelta(days=30)),
    "weekly, without the tag recurring": Way(tags=False),
    "weekly, birthdays with a half-life of 270 days": Way(decay=BIRTHDAYS),
    "decay by age, weekly": Way(BY_AGE, sees_accesses=False, guarded=False, tags=False),
    "no pruning": Way(decay=None, tags=False),
}


@dataclass
class World:
    """A store under one way, and what was pruned when."""

    way: Way
    born: Sequence[Life]
    gone: dict[str, datetime] = field(default_factory=dict)
    waiting: int = 0
    _rows: dict[str, tuple[int, Memory]] = field(default_factory=dict)

    def lived(self) -> "World":
        """Return it after two years: each week themes are looked for, and what is due is pruned.

        All ways run once more at the end, so that none is behind by its interval.
        """
        due, tagging = START + self.way.every, START + WEEK
        while min(due, tagging) < END:
            now = min(due, tagging)
            if tagging <= now:
                tagging += WEEK
                self.tag(now)
            if due <= now:
                due += self.way.every
                self.prune(now)
        self.tag(END)
        self.prune(END)
        return self

    def tag(self, now: datetime) -> None:
        """Add the tag `recurring` and take it off."""
        if not self.way.tags:
            return
        rows = self._present(now)
        found = recurring(rows, Recurrence(), names=(), sightings={}, now=now)
        for row in rows:
            self._rows[row.id] = self._rows.get(row.id, (0, row))[0], found.retagged(row)

    def prune(self, now: datetime) -> int:
        """Prune what may go by now, and return how much it was."""
        if self.way.decay is None:
            return 0
        rows = self._present(now)
        lately = sum(now - WEEK < at <= now for at in self.gone.values())
        allowed = allowed_losses(len(rows), lately, Policy().max_loss_ratio)
        report = decayed(
            rows,
            self.way.decay,
            now=now,
            allowed=allowed if self.way.guarded else None,
            orphans=None,
        )
        self.waiting = len(report.waiting)
        self.gone |= {each.id: now for each in report.going}
        return len(report.going)

    def missed(self) -> int:
        """Return how many accesses found nothing, those of the half-year after the end included."""
        return sum(
            len(life.accesses) - life.accesses_by(self.gone[life.memory.id])
            for life in self.born
            if life.memory.id in self.gone
        )

    def largest_week(self) -> int:
        """Return the most that went within any seven days that end with a run."""
        moments = sorted(self.gone.values())
        return max(
            (sum(at - WEEK < each <= at for each in moments) for at in {*moments}), default=0
        )

    def _present(self, now: datetime) -> list[Memory]:
        rows = []
        for life in self.born:
            if life.arrives > now:
                break
            name = life.memory.id
            if name not in self.gone:
                rows.append(self._as_read(life, now))
        return rows

    def _as_read(self, life: Life, now: datetime) -> Memory:
        known, row = self._rows.get(life.memory.id, (0, life.memory))
        count = life.accesses_by(now) if self.way.sees_accesses else 0
        if count != known:
            row = replace(row, access_count=count, last_accessed=life.accesses[count - 1])
            self._rows[row.id] = count, row
        return row


def main() -> None:
    """Print the table, what was lost of each kind, and what the interval does."""
    arguments = _arguments()
    born = lives(arguments.memories, seed=arguments.seed)
    needed = {life.memory.id for life in born if life.is_needed}
    print(
        f"{len(born):,} memories over two years. Arrivals and accesses are simulated, seed "
        f"{arguments.seed}; needed\nis what is accessed in the half-year after ({len(needed):,}). "
        f"No figure is of a real assistant.\n"
    )
    cells = "kept, needed kept, needed lost, accesses missed, unneeded gone"
    head = [
        "",
        *cells.split(", "),
        "of those untouched for a year",
        "most in seven days",
        "waiting",
    ]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    worlds = {name: World(way, born).lived() for name, way in WAYS.items()}
    for name, world in worlds.items():
        print(f"| {name} | {' | '.join(_figures(world, needed))} |")
    print(f"\nNeeded and lost, by kind:\n\n| | {' | '.join(KINDS)} |\n|{'---|' * (len(KINDS) + 1)}")
    print(f"| needed | {_by_kind(born, needed)} |")
    for name, world in worlds.items():
        print(f"| {name} | {_by_kind(born, needed & world.gone.keys())} |")
    _intervals(worlds)
    _switched_on(born)


def _figures(world: World, needed: set[str]) -> list[str]:
    gone, number = set(world.gone), len(world.born)
    old = {life.memory.id for life in world.born if life.touched(END) < END - YEAR} - needed
    return [
        f"{number - len(gone):,}",
        f"{1 - len(needed & gone) / len(needed):.3f}",
        f"{len(needed & gone)}",
        f"{world.missed()}",
        f"{len(gone - needed) / (number - len(needed)):.3f}",
        f"{len(gone & old) / len(old):.3f}",
        f"{world.largest_week()}",
        f"{world.waiting}",
    ]


def _by_kind(born: Sequence[Life], ids: set[str]) -> str:
    counted = Counter(life.kind for life in born if life.memory.id in ids)
    return " | ".join(str(counted[kind]) for kind in KINDS)


def _intervals(worlds: dict[str, World]) -> None:
    """Print how the interval changes what is left, and why."""
    weekly = worlds["llm-maint, weekly"]
    print()
    for name in ("the same, daily", "the same, every 30 days"):
        other = worlds[name]
        differ = weekly.gone.keys() ^ other.gone.keys()
        gone = {**other.gone, **weekly.gone}
        back = [
            life
            for life in weekly.born
            if life.memory.id in differ and gone[life.memory.id] < life.touched(END)
        ]
        print(
            f"{name}: {len(differ)} memories have another fate than weekly; {len(back)} because "
            f"they were read after they had faded, the others because themes came and went."
        )


def _switched_on(born: Sequence[Life]) -> None:
    """Print how a store is pruned for the first time after two years."""
    world = World(Way(), born)
    for week in range(104):
        world.tag(START + week * WEEK)
    now, went = END, [world.prune(END)]
    while world.waiting:
        now += WEEK
        world.tag(now)
        went.append(world.prune(now))
    print(f"\nSwitched on after two years, weekly, until nothing waits: {went} went.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
