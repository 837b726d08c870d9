"""The data sets with truth: rows in the import format, and what is true of them."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinds import MEMORY, PROFILE, Kind, Row

from benchmarks.memories import stored

FOLDER = Path(__file__).parent / "sets"

BY_WORDS = "_w"
"""What a set of memories ends with that has no vectors."""

Truth = Mapping[str, Any]
"""What is true of a set, see sets/README.md."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Rows with truth: a profile, or the memories of a bot."""

    name: str
    rows: Sequence[Row]
    truth: Truth
    kind: Kind = PROFILE

    @property
    def owner(self) -> str:
        """Whose rows they are."""
        return str(self.truth[self.kind.owner])

    @property
    def title(self) -> str:
        """What sets like this one are called in tables."""
        if self.kind is PROFILE:
            return "profiles"
        return "memories by words" if self.name.endswith(BY_WORDS) else "memories"

    def documents(self) -> list[dict[str, Any]]:
        """Return the rows as the import command reads them, memories with their vectors."""
        if self.kind is PROFILE:
            return list(self.rows)
        vectors = stored.vectors(self.name)
        rows = stored.rows(self.name)
        if vectors is None:
            return rows
        return [{**row, "embedding": found} for row, found in zip(rows, vectors, strict=True)]

    @property
    def by_id(self) -> dict[str, Row]:
        """The rows by their names within the set."""
        return {row["id"]: row for row in self.rows}


def names() -> list[str]:
    """Return the names of all sets, those of profiles first."""
    return [*profiles(), *stored.names()]


def profiles() -> list[str]:
    """Return the names of the sets of profiles, small ones first."""
    return sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


def load(name: str) -> DataSet:
    """Return a set."""
    if name in stored.names():
        rows = [MEMORY.row(row) for row in stored.rows(name)]
        return DataSet(name, rows, stored.truth(name), MEMORY)
    return DataSet(name, _read(FOLDER / f"{name}.json.gz"), _read(FOLDER / f"truth/{name}.json.gz"))


def quick(every: Iterable[str]) -> list[str]:
    """Return the names of the sets of 50 and 200 rows."""
    return [name for name in every if name[3:].startswith(("0050", "0200"))]


def _read(path: Path) -> Any:  # noqa: ANN401 any JSON value
    return json.loads(gzip.decompress(path.read_bytes()))
