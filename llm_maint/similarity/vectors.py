"""Packed vectors: which of them differ, where their equals are, and their exact cosines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

COMPONENT = np.dtype("<f4")
"""How a component is packed: little-endian float32."""

BLOCK = 2_048
"""Vectors that are unpacked at a time, so that no second copy of all of them is ever there."""

Places = npt.NDArray[np.int64]
Units = npt.NDArray[np.float32]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Directions:
    """The different vectors of an input, less those without a direction.

    Args:
        units: a row for each, scaled to length 1; shape (different vectors, dimensions).
        copies: for each row the places of the input where it is, ascending.

    """

    units: Units
    copies: Sequence[Sequence[int]]


def directions(vectors: Sequence[bytes]) -> Directions:
    """Return the different vectors; those of zeros, or with an infinity or NaN, are left out.

    Raises:
        ValueError: the vectors are not all of one length, or that is no whole number of float32.

    """
    _check_lengths(vectors)
    places: dict[bytes, list[int]] = {}
    for place, vector in enumerate(vectors):
        places.setdefault(vector, []).append(place)
    width = len(vectors[0]) // COMPONENT.itemsize if vectors else 0
    units = np.empty((len(places), width), np.float32)
    copies: list[list[int]] = []
    for block in _blocks(places):
        reals, lengths = _unpacked(block)
        sound = np.isfinite(lengths) & (lengths > 0)
        start = len(copies)
        copies += [places[vector] for vector, kept in zip(block, sound, strict=True) if kept]
        units[start : len(copies)] = reals[sound] / lengths[sound, np.newaxis]
    return Directions(units[: len(copies)], copies)


def cosines(vectors: Sequence[bytes], ones: Places, others: Places) -> Reals:
    """Return the cosine of each pair of places in -1..1, computed in float64 as they were packed.

    Args:
        vectors: as they were given.
        ones: a place of each pair, of a vector that has a direction; shape (pairs,).
        others: the other place of each; shape (pairs,).

    """
    found = np.empty(len(ones), np.float64)
    for start in range(0, len(ones), BLOCK):
        block = slice(start, start + BLOCK)
        left, left_lengths = _unpacked([vectors[place] for place in ones[block]])
        right, right_lengths = _unpacked([vectors[place] for place in others[block]])
        found[block] = np.einsum("ij,ij->i", left, right) / (left_lengths * right_lengths)
    return found.clip(-1.0, 1.0)


def _check_lengths(vectors: Sequence[bytes]) -> None:
    lengths = {len(vector) for vector in vectors}
    if len(lengths) > 1:
        raise ValueError(f"vectors of several lengths: {sorted(lengths)} bytes")
    if any(not length or length % COMPONENT.itemsize for length in lengths):
        raise ValueError(f"a vector of {lengths.pop()} bytes is not packed float32")


def _blocks(places: dict[bytes, list[int]]) -> Iterator[list[bytes]]:
    rest = iter(places)
    while block := list(islice(rest, BLOCK)):
        yield block


def _unpacked(block: Sequence[bytes]) -> tuple[Reals, Reals]:
    """Return vectors as float64, in which the squares of no float32 overflow, and their lengths."""
    packed = np.frombuffer(b"".join(block), COMPONENT).reshape(len(block), -1)
    with np.errstate(invalid="ignore"):  # a signalling NaN is as good as any
        reals = packed.astype(np.float64)
        return reals, np.sqrt(np.einsum("ij,ij->i", reals, reals))
