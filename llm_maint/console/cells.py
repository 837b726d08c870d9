"""Texts in cells of a terminal: how many they take, and made to take so many."""

from unicodedata import combining, east_asian_width


def cells(text: str) -> int:
    """Return how many cells a text takes: two for a wide character, none for what is combined."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(sign) for sign in text)


def cut(text: str, most: int, *, ellipsis: str) -> str:
    """Return a text in so many cells at most; what is beyond them gives way to the ellipsis."""
    if cells(text) <= most:
        return text
    kept, left = "", most - len(ellipsis)
    for sign in text:
        left -= _cells_of(sign)
        if left < 0:
            break
        kept += sign
    return (kept.rstrip() + ellipsis)[: max(most, 0)]


def cut_start(text: str, most: int, *, ellipsis: str) -> str:
    """Return the same of a text whose end says most, as that of a path does."""
    return cut(text[::-1], most, ellipsis=ellipsis[::-1])[::-1]


def _cells_of(sign: str) -> int:
    if combining(sign):
        return 0
    return 2 if east_asian_width(sign) in "WF" else 1
