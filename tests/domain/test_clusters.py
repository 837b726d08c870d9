"""Clusters: they grow together up to a size, and fill parts without being cut."""

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.clusters import Clusters, packed

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=100, database=None)

PLACES = 12

pairs = st.lists(st.tuples(st.integers(0, PLACES - 1), st.integers(0, PLACES - 1)), max_size=25)
sizes = st.integers(1, PLACES + 2)


def _grown(joins: list[tuple[int, int]], size: int) -> list[list[int]]:
    clusters = Clusters(PLACES, size=size)
    for pair in joins:
        clusters.join(*pair)
    return clusters.all()


def test_two_that_are_joined_are_one_cluster_as_far_as_there_is_room() -> None:
    """Who comes first is together; what would be too large stays apart."""
    assert _grown([(0, 1), (2, 3), (1, 2)], 3)[:2] == [[0, 1], [2, 3]]
    assert min(map(sorted, _grown([(0, 1), (2, 3), (1, 2)], 4))) == [0, 1, 2, 3]


@EXAMPLES
@given(pairs, sizes)
def test_every_place_is_in_one_cluster_of_bounded_size(
    joins: list[tuple[int, int]], size: int
) -> None:
    """None is lost, none is in two, none grows beyond the size."""
    found = _grown(joins, size)
    assert sorted(place for each in found for place in each) == list(range(PLACES))
    assert all(0 < len(each) <= size for each in found)


@EXAMPLES
@given(pairs, st.randoms(use_true_random=False))
def test_without_a_bound_the_order_has_no_say(joins: list[tuple[int, int]], chance: object) -> None:
    """Then they are the components of the graph, and a pair twice or with itself is nothing new."""
    assert hasattr(chance, "shuffle")
    shuffled = [pair[::-1] for pair in [*joins, *joins]]
    chance.shuffle(shuffled)
    first, second = _grown(joins, PLACES), _grown(shuffled, PLACES)
    assert sorted(map(sorted, first)) == sorted(map(sorted, second))
    together = {place: number for number, each in enumerate(first) for place in each}
    assert all(together[one] == together[other] for one, other in joins)


@EXAMPLES
@given(pairs, sizes, st.integers(1, PLACES + 2))
def test_clusters_are_packed_whole(joins: list[tuple[int, int]], size: int, room: int) -> None:
    """Each is in one part, in its order; a part is too full only by one cluster that is so."""
    clusters = _grown(joins, size)
    parts = packed(clusters, size=room)
    for each in clusters:
        (part,) = [part for part in parts if each[0] in part]
        start = part.index(each[0])
        assert part[start : start + len(each)] == each
    assert sum(map(len, parts)) == PLACES
    assert all(len(part) <= room or part in clusters for part in parts)


@EXAMPLES
@given(pairs, sizes)
def test_no_two_parts_would_fit_into_one(joins: list[tuple[int, int]], size: int) -> None:
    """Fewer parts are fewer requests."""
    parts = sorted(map(len, packed(_grown(joins, size), size=PLACES)))
    assert len(parts) < 2 or parts[0] + parts[1] > PLACES


def test_packing_leaves_the_clusters_as_they_are() -> None:
    """What was grown can be asked for again."""
    clusters = [[0, 1], [2], [3]]
    assert packed(clusters, size=4) == [[0, 1, 2, 3]]
    assert clusters == [[0, 1], [2], [3]]
