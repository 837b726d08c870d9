"""The data sets with truth: rows in the import format, and what is true of them."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "sets"

Row = dict[str, Any]
"""One row as `profile import` reads it and `profile export` writes it."""

Truth = Mapping[str, Any]
"""What is true of a set, see sets/README.md."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A profile with truth."""

    name: str
    rows: Sequence[Row]
    truth: Truth

    @property
    def entity(self) -> str:
        """Whose profile it is."""
        return str(self.truth["entity_id"])

    @property
    def by_id(self) -> dict[str, Row]:
        """The rows by their names within the set."""
        return {row["id"]: row for row in self.rows}


def names() -> list[str]:
    """Return the names of all sets, small ones first."""
    return sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


def load(name: str) -> DataSet:
    """Return a set."""
    return DataSet(name, _read(FOLDER / f"{name}.json.gz"), _read(FOLDER / f"truth/{name}.json.gz"))


def quick(every: Iterable[str]) -> list[str]:
    """Return the names of the sets of 50 and 200 rows."""
    return [name for name in every if name.startswith(("syn0050", "syn0200"))]


def _read(path: Path) -> Any:  # noqa: ANN401 any JSON value
    return json.loads(gzip.decompress(path.read_bytes()))
