"""The sets of memories as they are stored: rows, what is true of them, and vectors of their texts.

Vectors are small integers, each row's with a scale of its own: close enough, and a sixth of the
size. A text that is told twice has one vector.
"""

import gzip
import hashlib
import json
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "sets"

LEVELS = 31
"""The largest number of a stored vector. It changes a cosine by 0.002 on average, 0.01 at most."""

Vector = Sequence[float]


def names() -> list[str]:
    """Return the names of all sets, small ones first."""
    return sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


def rows(name: str) -> list[dict[str, Any]]:
    """Return the rows of a set, without vectors."""
    found: list[dict[str, Any]] = read(FOLDER / f"{name}.json.gz")
    return found


def truth(name: str) -> dict[str, Any]:
    """Return what is true of a set, see README.md."""
    found: dict[str, Any] = read(FOLDER / "truth" / f"{name}.json.gz")
    return found


def vectors(name: str) -> list[Vector] | None:
    """Return a vector for each row, in their order; None for a set that has none.

    Raises:
        ValueError: the vectors are those of other texts.

    """
    file = FOLDER / "vectors" / f"{name}.gz"
    if not file.exists():
        return None
    head, _, body = gzip.decompress(file.read_bytes()).partition(b"\n")
    about = json.loads(head)
    contents = [row["content"] for row in rows(name)]
    if about["digest"] != _digest(contents):
        raise ValueError(f"{file} is not about the texts of {name}: run embed.py")
    numbers, size = array("b", body), about["dimensions"]
    found = {}
    for place, (text, scale) in enumerate(zip(_distinct(contents), about["scales"], strict=True)):
        whole = numbers[place * size : (place + 1) * size]
        found[text] = [round(number * scale, 6) for number in whole]
    return [found[text] for text in contents]


def write_vectors(name: str, model: str, vectors_of: dict[str, Vector]) -> None:
    """Store the vectors of a set's texts."""
    contents = [row["content"] for row in rows(name)]
    found = [vectors_of[text] for text in _distinct(contents)]
    scales = [round(max(map(abs, vector)) / LEVELS, 8) for vector in found]
    head = {
        "model": model,
        "dimensions": len(found[0]),
        "digest": _digest(contents),
        "scales": scales,
    }
    numbers = array("b")
    for vector, scale in zip(found, scales, strict=True):
        numbers.extend(round(number / scale) for number in vector)
    _write(FOLDER / "vectors" / f"{name}.gz", _line(head) + numbers.tobytes())


def write(file: Path, value: object) -> None:
    """Store a JSON value."""
    _write(file, _line(value))


def read(file: Path) -> Any:  # noqa: ANN401 any JSON value
    """Return a stored JSON value."""
    return json.loads(gzip.decompress(file.read_bytes()))


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(content, mtime=0))


def _distinct(contents: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(contents))


def _digest(contents: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(contents).encode()).hexdigest()[:16]
