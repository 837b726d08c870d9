"""Half-lives of single tags, as the settings have them."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from llm_maint.errors import ConfigurationError


def read_half_lives(texts: Iterable[str]) -> Mapping[str, timedelta]:
    """Return the half-lives of tags, from settings such as `work=30`: a tag and its days.

    Raises:
        ConfigurationError: an item is none, its days are not above zero, or its tag comes twice.

    """
    found: dict[str, timedelta] = {}
    for text in texts:
        name, _, days = text.rpartition("=")
        tag = folded(name)
        if tag in found:
            raise ConfigurationError(f"half-life {text!r}: the tag has one already")
        half_life = _days(days)
        if not tag or half_life is None:
            raise ConfigurationError(
                f"half-life {text!r}: it is written tag=days, with more than 0 days"
            )
        found[tag] = half_life
    return found


def folded(tag: str) -> str:
    """Return a tag as it is compared: people write it in any case."""
    return tag.strip().casefold()


def _days(text: str) -> timedelta | None:
    try:
        half_life = timedelta(days=float(text))
    except (ValueError, OverflowError):
        return None
    return half_life if half_life > timedelta(0) else None
