"""The memories with truth that consolidation is measured on: what the sets say must be so."""

import gzip
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks/memories"
NAMES = sorted(path.name for path in (FOLDER / "sets").glob("*.json.gz"))


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_is_about_rows_of_the_set(name: str) -> None:
    """Every id of a truth is a row, and what must survive is said by a row that it names."""
    rows = {row["id"]: row for row in _read(FOLDER / "sets" / name)}
    truth = _read(FOLDER / "sets/truth" / name)
    assert set(_ids_in(truth)) <= set(rows)
    assert len(rows) == truth["rows"]
    for fact in truth["must_survive"]:
        texts = [_folded(rows[row_id]["content"]) for row_id in fact["rows"]]
        patterns = [rf"(?<!\w){re.escape(needle)}(?!\w)" for needle in fact["needles"]]
        assert any(all(re.search(each, text) for each in patterns) for text in texts), fact


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_apart_where_the_truth_says_so(name: str) -> None:
    """No fact is in two groups, message ids are one row's, and a perfect model loses little."""
    rows = _read(FOLDER / "sets" / name)
    truth = _read(FOLDER / "sets/truth" / name)
    grouped = [row_id for group in truth["merge_groups"] for row_id in group["rows"]]
    assert len(grouped) == len(set(grouped))
    assert all(len(g["kind"]) == len(g["rows"]) - 1 for g in truth["merge_groups"])
    messages = [each for row in rows for each in row["source_message_ids"]]
    assert len(messages) == len(set(messages))
    strict = [update for update in truth["updates"] if update["strict"]]
    lost = sum(len(u["old"]) + len(u["new"]) - 1 for u in strict) + len(truth["noise"])
    assert lost <= max(3, 0.12 * (len(rows) - len(truth["protected"])))


def test_the_sets_are_what_their_seeds_make() -> None:
    """Whoever changes a wording writes the sets again, and the vectors of their texts."""
    command = [sys.executable, str(FOLDER / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _read(path: Path) -> Any:  # noqa: ANN401 any JSON value
    return json.loads(gzip.decompress(path.read_bytes()))


def _ids_in(value: Any) -> Iterator[str]:  # noqa: ANN401 any part of a truth
    """Yield the ids of rows in a part of a truth; other texts do not look like one."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _ids_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _ids_in(each)
    elif isinstance(value, str) and re.fullmatch(r"mem\d{4}_[a-z]-\d{5}", value):
        yield value


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
