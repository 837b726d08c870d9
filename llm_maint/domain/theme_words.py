"""Which words of a memory can be themes, and what of them is alike in all their forms."""

import re
from collections.abc import Iterator

from llm_maint.domain.relation import UNSPACED, stems_of
from llm_maint.domain.stop_words import STOP_WORDS
from llm_maint.domain.wording import words_of

LETTERS = 3
"""Letters of the shortest word that can be a theme, and of what is left of one without its end."""

_APOSTROPHE = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}]")
_SEAM = re.compile(
    f"(?<={UNSPACED.pattern})(?!{UNSPACED.pattern})|(?<!{UNSPACED.pattern})(?={UNSPACED.pattern})"
)
_SYLLABLES = re.compile("[\uac00-\ud7a3]")
_INFLECTED = re.compile(rf"([a-z]{{{LETTERS},}}?)(?:ings?|i?ed|i?es?|y|s)?")

# Of scripts without spaces: Han letters but those of grammar, and katakana. Hiragana is mostly
# grammar, and of Thai, Lao, Khmer and Burmese nobody can tell words apart without a dictionary.
_PAIR = re.compile(
    "(?:(?![\u7684\u4e86\u662f])[\u30a1-\u30fc\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]){2}"
)


def words_in(text: str) -> list[str]:
    """Return the words of a text, folded, without what an apostrophe joins them to.

    "Ada's" is Ada and "l'avion" a plane; a script without spaces may have words of another.
    """
    apart = _APOSTROPHE.sub(" ", text)
    return words_of(_SEAM.sub(" ", apart) if UNSPACED.search(apart) else apart)


def themes_of(word: str) -> Iterator[str]:
    """Yield what stands for a folded word as a theme; nothing for a word that can be none.

    Stop words, numbers and words of fewer than `LETTERS` letters are none. Sentences without spaces
    have pairs of letters for words, as for relations.
    """
    if word in STOP_WORDS:
        return
    if UNSPACED.search(word):
        pairs = (pair for pair in stems_of(word) if _PAIR.fullmatch(pair))
        yield from (pair for pair in pairs if pair not in STOP_WORDS)
    elif _SYLLABLES.match(word):
        # A syllable of Hangul is several letters, and what follows the second is mostly grammar.
        if len(word) > 1 and word[:2] not in STOP_WORDS:
            yield word[:2]
    elif sum(not char.isdigit() for char in word) >= LETTERS:
        yield from stems_of(_root(word))


def as_written(theme: str, word: str) -> str:
    """Return how a theme of a word is shown: a pair as it is, else the word."""
    return theme if UNSPACED.search(word) else word


def _root(word: str) -> str:
    """Return bak for bake, bakes, baked and baking, which are too short to begin alike."""
    found = _INFLECTED.fullmatch(word)
    if found is None:
        return word
    root = found[1]
    return root[:-1] if len(root) > LETTERS and root[-1] == root[-2] else root
