"""Rows that look alike: exact where few are asked for, nearly so by cells, and always the same."""

import math
import struct
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from random import Random

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.similarity import search
from llm_maint.similarity.search import Alike, alike

Row = Sequence[float]

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=80, database=None)

BY_CELLS, EXACTLY = 0, 1_000_000
"""For `exact_up_to`: either way, however many rows there are."""

both_ways = pytest.mark.parametrize(
    "exact_up_to", [pytest.param(EXACTLY, id="exactly"), pytest.param(BY_CELLS, id="by cells")]
)


def packed(rows: Iterable[Row]) -> list[bytes]:
    """Return rows as they are stored."""
    return [struct.pack(f"<{len(row)}f", *row) for row in rows]


def cosine(one: bytes, other: bytes) -> float:
    """Return the cosine of two packed vectors by its definition, or NaN where there is none."""
    if one == other and any(one):
        return 1.0
    left, right = (struct.unpack(f"<{len(each) // 4}f", each) for each in (one, other))
    lengths = math.sqrt(sum(x * x for x in left)) * math.sqrt(sum(y * y for y in right))
    product = sum(x * y for x, y in zip(left, right, strict=True))
    return product / lengths if lengths and math.isfinite(lengths) else math.nan


def all_pairs(
    vectors: Sequence[bytes],
    threshold: float,
    neighbours: int,
    wanted: Collection[int] | None = None,
) -> list[tuple[int, int]]:
    """Return the pairs that are to be found, by comparing all with all."""
    found = set()
    for one in range(len(vectors)) if wanted is None else wanted:
        near = [(cosine(vectors[one], each), -i) for i, each in enumerate(vectors) if i != one]
        for value, place in sorted(near, reverse=True)[:neighbours]:
            if value >= threshold:
                found.add((min(one, -place), max(one, -place)))
    return sorted(found)


def places(found: Iterable[Alike]) -> list[tuple[int, int]]:
    """Return the pairs without their cosines, by their places."""
    return sorted((each.one, each.other) for each in found)


def groups(pairs: Iterable[tuple[int, int]], rows: int) -> set[frozenset[int]]:
    """Return what hangs together."""
    member = [{row} for row in range(rows)]
    for one, other in pairs:
        if member[one] is not member[other]:
            member[one] |= member[other]
            for row in member[other]:
                member[row] = member[one]
    return {frozenset(each) for each in member}


def random_rows(count: int, width: int, seed: int = 1) -> list[list[float]]:
    """Return rows that point anywhere."""
    random = Random(seed)
    return [[random.gauss() for _ in range(width)] for _ in range(count)]


def clustered(count: int, width: int) -> list[bytes]:
    """Return rows about some topics, of which every fifth resembles the one before it."""
    random = np.random.default_rng(1)
    topics = random.standard_normal((count // 60, width))
    rows = 0.8 * topics[random.integers(0, len(topics), count)]
    rows += random.standard_normal((count, width))
    closeness = random.uniform(0.2, 0.8, (len(rows[1::5]), 1))
    rows[1::5] = rows[::5] + closeness * rows[1::5]
    return [row.tobytes() for row in rows.astype("<f4")]


@both_ways
@pytest.mark.parametrize("neighbours", [1, 3, 10, 100])
@pytest.mark.parametrize("threshold", [-1.0, 0.3, 0.9])
def test_a_small_input_is_searched_exactly(
    threshold: float, neighbours: int, exact_up_to: int
) -> None:
    """Each pair of which one is among the nearest of the other is found, and no other pair."""
    vectors = packed(random_rows(80, 5))
    found = alike(vectors, threshold=threshold, neighbours=neighbours, exact_up_to=exact_up_to)
    assert places(found) == all_pairs(vectors, threshold, neighbours)
    for each in found:
        assert each.cosine == pytest.approx(cosine(vectors[each.one], vectors[each.other]), 1e-14)


def test_the_most_similar_come_first() -> None:
    """Pairs are sorted by their cosine, then by the places of their rows."""
    vectors = packed([[1, 0], [0, 1], [1, 1], [2, 0], [1, 0]])
    found = alike(vectors, threshold=0.5)
    assert [(each.one, each.other) for each in found] == [(0, 3), (0, 4), (0, 2), (1, 2), (2, 3)]
    assert [each.cosine for each in found] == pytest.approx([1, 1, *[math.sqrt(0.5)] * 3])


small = st.integers(-2, 2).map(float)
inputs = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[small] * width), max_size=14).map(packed)
)
thresholds = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 0.9, 1.0])
ways = st.sampled_from([BY_CELLS, EXACTLY])


@EXAMPLES
@given(inputs, thresholds, st.integers(1, 4), ways)
def test_what_is_returned_is_true(
    vectors: list[bytes], threshold: float, neighbours: int, exact_up_to: int
) -> None:
    """Every pair comes once, is as similar as it says, similar enough, and in its place."""
    found = alike(vectors, threshold=threshold, neighbours=neighbours, exact_up_to=exact_up_to)
    assert found == sorted(found, key=lambda each: (-each.cosine, each.one, each.other))
    assert len(set(places(found))) == len(found)
    for each in found:
        assert 0 <= each.one < each.other < len(vectors)
        assert threshold <= each.cosine <= 1
        assert each.cosine == pytest.approx(cosine(vectors[each.one], vectors[each.other]))
    again = alike(vectors, threshold=threshold, neighbours=neighbours, exact_up_to=exact_up_to)
    assert again == found


@EXAMPLES
@given(inputs, thresholds, ways, st.randoms(use_true_random=False))
def test_what_looks_alike_hangs_together(
    vectors: list[bytes], threshold: float, exact_up_to: int, random: Random
) -> None:
    """With neighbours enough, rows hang together as in a comparison of all, in any order."""
    order = list(range(len(vectors)))
    random.shuffle(order)
    shuffled = [vectors[place] for place in order]
    found = alike(shuffled, threshold=threshold, neighbours=99, exact_up_to=exact_up_to)
    expected = all_pairs(vectors, threshold, 99)
    back = [(order[each.one], order[each.other]) for each in found]
    assert groups(back, len(vectors)) == groups(expected, len(vectors))


@EXAMPLES
@given(inputs, thresholds, ways, st.sets(st.integers(0, 13)))
def test_only_what_is_wanted_is_returned(
    vectors: list[bytes], threshold: float, exact_up_to: int, some: set[int]
) -> None:
    """Each pair has a row that is wanted, and these hang together with all that is like them."""
    wanted = {place for place in some if place < len(vectors)}
    found = alike(
        vectors, threshold=threshold, neighbours=99, wanted=wanted, exact_up_to=exact_up_to
    )
    assert all(each.one in wanted or each.other in wanted for each in found)
    expected = all_pairs(vectors, threshold, 99)
    known = [pair for pair in expected if wanted.isdisjoint(pair)]  # what earlier runs have found
    assert groups(known + places(found), len(vectors)) == groups(expected, len(vectors))


def test_a_row_that_is_wanted_is_compared_with_all() -> None:
    """A few new rows among many known ones find each its own nearest."""
    vectors = packed(random_rows(200, 6))
    found = alike(vectors, threshold=0.5, neighbours=3, wanted=[7, 190])
    assert places(found) == all_pairs(vectors, 0.5, 3, wanted=[7, 190])
    assert found


def test_few_rows_that_are_wanted_need_no_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides is how many rows are asked for, not how many there are."""
    monkeypatch.delattr(search, "by_cells")
    assert alike(packed(random_rows(90, 3)), threshold=0.5, wanted=range(20), exact_up_to=20)


@pytest.mark.parametrize("wanted", [[-1], [0, 3]])
def test_a_row_that_is_not_there_cannot_be_wanted(wanted: list[int]) -> None:
    """A place beyond the input is a mistake of the caller, and is not passed over."""
    with pytest.raises(ValueError, match="3 rows do not have"):
        alike(packed(random_rows(3, 2)), threshold=0.5, wanted=wanted)


@both_ways
@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(struct.pack("<2f", 0, 0), id="zeros"),
        pytest.param(struct.pack("<2f", -0.0, 0), id="negative zero"),
        pytest.param(struct.pack("<2f", 1, math.nan), id="NaN"),
        pytest.param(bytes.fromhex("0000803f0000a07f"), id="signalling NaN"),
        pytest.param(struct.pack("<2f", math.inf, 1), id="infinity"),
        pytest.param(struct.pack("<2f", math.inf, -math.inf), id="infinities"),
    ],
)
def test_a_vector_without_a_direction_is_like_none(odd: bytes, exact_up_to: int) -> None:
    """It does not even look like its own copy, and disturbs no other."""
    vectors = [odd, *packed([[1, 0], [1, 0.1]]), odd]
    assert places(alike(vectors, threshold=-1.0, exact_up_to=exact_up_to)) == [(1, 2)]
    assert alike([odd, odd], threshold=-1.0, exact_up_to=exact_up_to) == []


def test_the_length_of_a_vector_does_not_matter() -> None:
    """The smallest and the largest numbers of float32 have a direction like any other."""
    vectors = packed([[1e-45, 0], [3e38, 3e38], [1, 0]])
    found = alike(vectors, threshold=0.5)
    assert [(each.one, each.other) for each in found] == [(0, 2), (0, 1), (1, 2)]
    assert [each.cosine for each in found] == pytest.approx([1, math.sqrt(0.5), math.sqrt(0.5)])


@both_ways
@pytest.mark.parametrize("wanted", [None, [300, 505]])
def test_copies_hide_nothing(wanted: list[int] | None, exact_up_to: int) -> None:
    """Hundreds of equal vectors hang together, and what else is like them is found."""
    vectors = packed([[1, 0, 0]] * 500 + [[0, 0, 1]] * 3 + [[1, 0.3, 0], [1, 0, 0.3], [0, 1, 0]])
    found = alike(vectors, threshold=0.9, neighbours=2, wanted=wanted, exact_up_to=exact_up_to)
    clump = frozenset([*range(500), 503, 504])
    assert clump in groups(places(found), len(vectors))
    assert len(found) <= len(clump) + 3


@pytest.fixture(scope="module")
def topics() -> list[bytes]:
    """Return a few thousand rows."""
    return clustered(4_000, 96)


def test_cells_miss_hardly_a_pair(topics: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the pairs that an exact search finds, at least 99 % are found by cells, as they are."""
    exact = alike(topics, threshold=0.75, exact_up_to=EXACTLY)
    monkeypatch.delattr(search, "among_all")
    found = alike(topics, threshold=0.75, exact_up_to=BY_CELLS)
    assert len(exact) > 700
    assert len(set(exact) & set(found)) >= 0.99 * len(exact)


def test_cells_find_only_what_is_wanted(topics: list[bytes]) -> None:
    """Where many rows are wanted, the pairs are those of all rows less the others' own."""
    everything = alike(topics, threshold=0.75, exact_up_to=BY_CELLS)
    wanted = range(1_000, 3_000)
    found = alike(topics, threshold=0.75, wanted=wanted, exact_up_to=BY_CELLS)
    assert found == [each for each in everything if each.one in wanted or each.other in wanted]
    assert 0 < len(found) < len(everything)


@both_ways
def test_threads_change_nothing(topics: list[bytes], exact_up_to: int) -> None:
    """The result is the same with any number of threads, and their number is as it was."""
    before = faiss.omp_get_max_threads()
    found = []
    try:
        for threads in (1, 3):
            faiss.omp_set_num_threads(threads)
            found.append(alike(topics, threshold=0.7, exact_up_to=exact_up_to))
            assert faiss.omp_get_max_threads() == threads
    finally:
        faiss.omp_set_num_threads(before)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        pytest.param([b"\0" * 8, b"\0" * 12], r"several lengths: \[8, 12\] bytes", id="unlike"),
        pytest.param([b"\0" * 6, b"\0" * 6], "6 bytes is not packed float32", id="no whole number"),
        pytest.param([b"", b""], "0 bytes is not packed float32", id="empty"),
    ],
)
def test_a_wrong_length_is_refused(vectors: list[bytes], message: str) -> None:
    """Vectors of different models, or of another type, cannot be compared."""
    with pytest.raises(ValueError, match=message):
        alike(vectors, threshold=0.5)


def test_a_row_needs_a_neighbour() -> None:
    """To look for less than one neighbour is a mistake."""
    with pytest.raises(ValueError, match="0 neighbours"):
        alike([], threshold=0.5, neighbours=0)


@pytest.mark.parametrize("rows", [0, 1])
@both_ways
def test_less_than_two_rows_are_no_pair(rows: int, exact_up_to: int) -> None:
    """Nothing is found in nothing."""
    assert alike(packed([[1.0, 2.0]] * rows), threshold=-1.0, exact_up_to=exact_up_to) == []


def test_the_room_alone_imports_no_numbers() -> None:
    """A tick that compares no vectors does not pay for the libraries that do."""
    asked = "import sys, llm_maint.similarity; sys.exit(bool({'numpy', 'faiss'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
