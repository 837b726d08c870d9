"""Portions: parts of many rows that share none, within which look-alikes are together."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from llm_maint.domain.clusters import Clusters
from llm_maint.domain.portions import Portion, portions
from llm_maint.domain.relation import Link

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=120, database=None)


def _link(one: int, other: int, weight: float = 0.8) -> Link:
    return Link((min(one, other), max(one, other)), weight, weight)


@st.composite
def graphs(draw: st.DrawFn, most: int = 24) -> tuple[int, list[Link]]:
    """Return a number of rows, and links between some of their places; a pair may come twice."""
    count = draw(st.integers(2, most))
    places = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(places, places), max_size=40))
    weights = [draw(st.sampled_from((0.5, 0.71, 0.9, 1.0))) for _ in pairs]
    return count, [
        _link(*pair, w) for pair, w in zip(pairs, weights, strict=True) if len({*pair}) > 1
    ]


sizes = st.integers(2, 10)
mosts = st.integers(2, 6)


def _made(graph: tuple[int, list[Link]], size: int, most: int) -> list[Portion]:
    count, links = graph
    return list(portions(count, links, size=size, most=most))


def _components(graph: tuple[int, list[Link]]) -> list[set[int]]:
    count, links = graph
    clusters = Clusters(count, size=count)
    for link in links:
        clusters.join(*link.pair)
    return [set(found) for found in clusters.all() if len(found) > 1]


def _links_of(portion: Portion) -> list[Link]:
    """Return the links of a portion between the places that all rows have."""
    return [
        Link((portion.places[a], portion.places[b]), each.overlap, each.weight)
        for each in portion.links
        for a, b in [each.pair]
    ]


@EXAMPLES
@given(graphs(), sizes, mosts)
def test_no_row_is_in_two_portions_and_a_row_that_is_like_none_is_in_none(
    graph: tuple[int, list[Link]], size: int, most: int
) -> None:
    """Each that a link joins is in exactly one, unless more are joined than a portion has."""
    placed = Counter(place for each in _made(graph, size, most) for place in each.places)
    assert set(placed.values()) <= {1}
    joined = {place for link in graph[1] for place in link.pair}
    large = {place for found in _components(graph) if len(found) > size for place in found}
    assert joined - large <= set(placed) <= joined


@EXAMPLES
@given(graphs(), sizes, mosts)
def test_every_row_of_a_portion_meets_one_that_it_looks_like(
    graph: tuple[int, list[Link]], size: int, most: int
) -> None:
    """Others are left out, to be asked about later; some meet, and so it comes to an end."""
    made = _made(graph, size, most)
    for each in made:
        assert {place for link in each.links for place in link.pair} == {*range(len(each.places))}
    assert bool(made) is bool(graph[1])


@EXAMPLES
@given(graphs(), sizes, mosts)
def test_no_portion_is_larger_than_its_size(
    graph: tuple[int, list[Link]], size: int, most: int
) -> None:
    """Too many rows that look alike are cut: pieces of `most` rows are small enough."""
    assert all(0 < len(each.places) <= size for each in _made(graph, size, most))


@EXAMPLES
@given(graphs(), sizes, mosts)
def test_look_alikes_share_a_portion_as_far_as_it_has_room(
    graph: tuple[int, list[Link]], size: int, most: int
) -> None:
    """Only of a component larger than a portion are rows apart, and these are marked as cut."""
    made = _made(graph, size, most)
    cut = {each.places[place] for each in made for place in each.cut}
    for component in _components(graph):
        homes = [each for each in made if component & {*each.places}]
        placed = {place for each in homes for place in each.places}
        if len(component) <= size:
            assert len(homes) == 1
            assert cut.isdisjoint(component)
        else:
            assert component & placed <= cut


@EXAMPLES
@given(graphs(), sizes, mosts)
def test_a_portion_has_all_links_between_its_rows_and_no_others(
    graph: tuple[int, list[Link]], size: int, most: int
) -> None:
    """They name places in the portion, and say what they said before."""
    made = _made(graph, size, most)
    home = {place: number for number, each in enumerate(made) for place in each.places}
    inside = [link for link in graph[1] if home.get(link.pair[0], -1) == home.get(link.pair[1], -2)]
    kept = [link for each in made for link in _links_of(each)]
    assert Counter(kept) == Counter(inside)
    for each in made:
        assert each.places == tuple(sorted(each.places))
        assert all(0 <= a < b < len(each.places) for a, b in (link.pair for link in each.links))


@EXAMPLES
@given(graphs(), sizes, mosts, st.randoms(use_true_random=False))
def test_the_same_links_make_the_same_portions(
    graph: tuple[int, list[Link]], size: int, most: int, chance: object
) -> None:
    """In whatever order they were found: a run after a kill goes on where it was."""
    assert hasattr(chance, "shuffle")
    count, links = graph
    shuffled = list(links)
    chance.shuffle(shuffled)
    first, second = _made(graph, size, most), _made((count, shuffled), size, most)
    assert [(each.places, each.cut) for each in first] == [(e.places, e.cut) for e in second]


def _places(made: Sequence[Portion]) -> list[tuple[int, ...]]:
    return [each.places for each in made]


def test_without_links_there_is_nothing_to_ask_about() -> None:
    """A memory that is like no other never travels."""
    assert list(portions(1_000, [], size=10, most=5)) == []


def test_small_components_fill_portions_together() -> None:
    """The largest first, and each as a whole."""
    links = [_link(0, 1), _link(1, 2), _link(3, 4), _link(5, 6)]
    assert _places(list(portions(8, links, size=5, most=2))) == [(0, 1, 2, 3, 4), (5, 6)]


def test_of_too_many_the_most_alike_stay_together() -> None:
    """A chain is cut at its weakest links, and what is cut is told."""
    links = [_link(0, 1, 0.9), _link(1, 2, 0.71), _link(2, 3, 0.95), _link(3, 4, 0.72)]
    made = list(portions(5, links, size=3, most=2))
    assert sorted(map(sorted, _places(made))) == [[0, 1], [2, 3]]
    assert [each.cut for each in made] == [frozenset(range(len(each.places))) for each in made]


def test_a_component_that_was_cut_may_be_packed_beside_a_small_one() -> None:
    """Only its own rows are cut."""
    links = [*(_link(n, n + 1, 0.9) for n in range(5)), _link(6, 7)]
    made = list(portions(8, links, size=4, most=2))
    cut = {each.places[place] for each in made for place in each.cut}
    assert cut == {0, 1, 2, 3, 4, 5}
    assert sorted(map(sorted, _places(made))) == [[0, 1, 2, 3], [4, 5, 6, 7]]
