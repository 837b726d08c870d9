"""Vectors that are as embeddings of short sentences are, with pairs among them that look alike.

Topics of very unlike sizes in a few domains, a few directions that carry most of the variance, and
among them paraphrases and look-alikes, some of several of one row; all others are unrelated.
"""

from collections.abc import Callable

import numpy as np

PARAPHRASES, LOOK_ALIKES = (0.90, 0.97), (0.75, 0.85)
"""The cosines of the planted pairs."""

PLANTED = 0.3
"""The part of the rows that are like another one: half of them paraphrases."""

PER_TOPIC, DOMAINS = 150, 24
"""Rows of a topic, on average, and domains."""


def embeddings(rows: int, dimensions: int, seed: int) -> np.ndarray:
    """Return unit vectors as float32; shape (rows, dimensions)."""
    random = np.random.default_rng(seed)
    noise = _noise(random, dimensions)
    about = _topics(random, noise, max(DOMAINS, rows // PER_TOPIC))
    found = np.empty((rows, dimensions), np.float32)
    plain = int(rows * (1 - PLANTED))
    found[:plain] = _unit(0.62 * about(plain) + 0.78 * noise(plain))
    planted = rows - plain
    cosines = np.empty((planted, 1), np.float32)
    cosines[::2, 0] = random.uniform(*PARAPHRASES, len(cosines[::2]))
    cosines[1::2, 0] = random.uniform(*LOOK_ALIKES, len(cosines[1::2]))
    source = found[random.integers(0, plain, planted)]
    aside = noise(planted) + 0.5 * about(planted)  # a look-alike may well be of another topic
    aside = _unit(aside - (aside * source).sum(axis=1, keepdims=True) * source)
    found[plain:] = cosines * source + np.sqrt(1 - cosines**2) * aside
    return found[random.permutation(rows)]


def _topics(
    random: np.random.Generator, noise: Callable[[int], np.ndarray], count: int
) -> Callable[[int], np.ndarray]:
    """Return what draws topics, some of them far more often than others."""
    domains = noise(DOMAINS)[random.integers(0, DOMAINS, count)]
    centres = _unit(0.8 * noise(count) + 0.6 * domains + 0.15 * noise(1))
    sizes = (1 + np.arange(count)) ** -0.7
    return lambda rows: centres[random.choice(count, rows, p=sizes / sizes.sum())]


def _noise(random: np.random.Generator, dimensions: int) -> Callable[[int], np.ndarray]:
    """Return what draws directions, a few of which carry most of the variance."""
    weights = ((1 + np.arange(dimensions)) ** -0.35).astype(np.float32)
    turned = np.linalg.qr(random.standard_normal((dimensions, dimensions), np.float32))[0]
    return lambda rows: _unit(
        (random.standard_normal((rows, dimensions), np.float32) * weights) @ turned
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
