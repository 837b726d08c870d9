"""Which themes are found, and how many memories are tagged: how `Recurrence` got its numbers."""

import argparse
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import mean

from texts import HOBBIES, Texts

from llm_maint.domain.memory import Memory
from llm_maint.domain.recurrence import Recurrence, Recurring, recurring

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = (50, 200, 1_000, 5_000, 20_000, 100_000)
LARGE = 20_000
"""Of larger stores one is enough."""

OF_HOBBIES = 0.25
"""The share of a store that is about hobbies; the second has half as many as the first, the third
a third, and so on."""

DEFAULT = Recurrence()
VARIANTS = {
    "three days, nothing else": Recurrence(max_share=1.0, top=10**9),
    "max_share 0.02": Recurrence(max_share=0.02),
    "max_share 0.05": Recurrence(max_share=0.05),
    "max_share 0.1": Recurrence(max_share=0.1),
    f"the defaults ({DEFAULT.max_share:g}, top {DEFAULT.top})": DEFAULT,
    "max_share 0.4": Recurrence(max_share=0.4),
    "top 8": Recurrence(top=8),
    "top 20": Recurrence(top=20),
}


@dataclass(frozen=True)
class Store:
    """Memories of two years, and which of them are about a hobby."""

    memories: Sequence[Memory]
    hobbies: Collection[str]
    about: Collection[str]


def main() -> None:
    """Print a line for each variant and size."""
    arguments = _arguments()
    print("Memories are made up: hobbies among texts of anything, over two years (texts.py).\n")
    head = "variant, memories, tagged, tagged of those about hobbies, about hobbies of those tagged"
    cells = [*head.split(", "), "hobbies found", "seconds"]
    print(f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}")
    for size in arguments.sizes:
        stores = [_store(size, seed) for seed in range(1 if size > LARGE else arguments.seeds)]
        for name, variant in VARIANTS.items():
            _line(name, size, variant, stores)


def _line(name: str, size: int, variant: Recurrence, stores: Sequence[Store]) -> None:
    figures = []
    for store in stores:
        start = time.perf_counter()
        found = recurring(store.memories, variant, names=(), sightings={}, now=NOW)
        figures.append((*_figures(found, store), time.perf_counter() - start))
    shares = " | ".join(f"{mean(each):.2f}" for each in zip(*figures, strict=True))
    print(f"| {name} | {size:,} | {shares} |", flush=True)


def _figures(found: Recurring, store: Store) -> tuple[float, ...]:
    both = len(found.ids & set(store.about))
    words = {theme.word for theme in found.themes}
    known = [not words.isdisjoint(" ".join(HOBBIES[hobby]).split()) for hobby in store.hobbies]
    return (
        found.share,
        both / max(1, len(store.about)),
        both / max(1, len(found.ids)),
        mean(known),
    )


def _store(size: int, seed: int) -> Store:
    draw = random.Random(seed)
    texts = Texts(draw)
    hobbies = draw.sample(sorted(HOBBIES), min(12, max(2, round(2 + (size / 50) ** 0.5))))
    weights = [1 / (rank + 1) for rank in range(len(hobbies))]
    memories, about = [], set()
    for number in range(size):
        is_hobby = draw.random() < OF_HOBBIES
        hobby = draw.choices(hobbies, weights)[0]
        text = texts.of_hobby(hobby) if is_hobby else texts.of_anything()
        created = NOW - timedelta(days=draw.uniform(0, 730))
        memories.append(Memory(id=str(number), content=text, created_at=created))
        if is_hobby:
            about.add(str(number))
    return Store(memories, hobbies, about)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seeds", type=int, default=4, help="stores of each size but the largest")
    return parser.parse_args()


if __name__ == "__main__":
    main()
