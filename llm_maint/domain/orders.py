"""Rows that speak to a model: they travel apart from others, and no model's word loses them.

A guess by wording, which need not be right: a row that is taken for an order by mistake is kept,
and an order that is not recognised meets the other guards.
"""

import re

from llm_maint.domain.row import Row

_ORDER = re.compile(
    r"""
    \b(?:ignore|disregard|forget|vergiss|vergessen|ignoriere|ignorez|oubliez?|ignora|olvida)\b
        .{0,40}\b(?:previous|prior|above|all|any|other|every\w*|instructions?|rules?
        |alle\w*|anweisung\w*|bisherig\w*|tou(?:s|t|te|tes)|consignes?|instructions|todo|todas?|todos)\b
    |\b(?:previous|prior|above|following|these|new|system)\ (?:instructions?|prompts?|orders?)\b
    |\binstructions?\ (?:for|to)\ the\ (?:\w+\ )?(?:model|assistant|maintainer|system|ai)\b
    |^\s*(?:system|assistant|developer)\b(?:\ \w+)?\ ?:\s
    |\b(?:assistant|model|ai|chatbot)\ (?:must|should|shall|has\ to|needs\ to)\b
    |\bdear\ (?:model|assistant|ai|chatbot|llm)\b
    |\bnew\ task\ ?:
    |\b(?:mark|delete|remove|erase|drop|overwrite|replace|supersedes?|lösche\w*|supprime\w*|borra)\b
        .{0,30}\b(?:every|all|any|each|other|everything|category|alle\w*|tou(?:s|t|te|tes)|todo\w*)\b
        .{0,30}\b(?:rows?|facts?|attributes?|entries|records?|memor(?:y|ies)|keys?|profile|zeilen
        |lignes|filas)\b
    |\boverrid(?:es?|ing)\b.{0,30}\b(?:rows?|rules?|protect\w*|instructions?|everything|merge)\b
    |\bset\b.{0,20}\b(?:every|all|each)\b.{0,20}\b(?:value|confidence|row|key)s?\b
    |```|</?(?:system|attributes?|rows?|instructions?|prompt)>
    |\breturn\ an?\ (?:empty|json)\b
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def speaks_to_model(row: Row) -> bool:
    """Return whether a row reads like an order to whoever tidies the profile."""
    return _ORDER.search(f"{row.text[:MOST]}\n{row.key}") is not None


MOST = 4_000
"""Characters that are looked at; whatever gives orders says so early."""
