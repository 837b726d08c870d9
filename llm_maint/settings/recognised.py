"""What is certainly a valid setting, told without the library that checks them all.

A tick that has nothing to do does not wait for that library. It *recognises* values: what is found
here is valid and means what it seems to; of anything else nothing is said, and the settings are
loaded in full. A test holds this table against the settings themselves, see `sections`.
"""

from collections.abc import Callable, Mapping

TEXT, TEXTS, SWITCH = ("text",), ("texts",), ("switch",)
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]*$|^$"
WEB_ADDRESS = r"^https?://.+$|^$"

Rule = tuple[object, ...]
"""A kind of value, and what it needs to know."""

RULES: dict[str, Rule] = {
    "database.url": TEXT,
    "database.schema": ("pattern", IDENTIFIER),
    "database.connect_timeout_seconds": ("whole", 1, 3_600),
    "llm.provider": ("choice", "", "openai", "anthropic", "none"),
    "llm.base_url": ("pattern", WEB_ADDRESS),
    "llm.model": TEXT,
    "llm.api_key": TEXT,
    "llm.api_key_file": TEXT,
    "llm.api_key_command": TEXT,
    "llm.allow_insecure": SWITCH,
    "llm.timeout_seconds": ("above", 0, 86_400),
    "llm.max_attempts": ("whole", 1, 100),
    "llm.concurrency": ("whole", 1, 64),
    "llm.context_tokens": ("whole", 0, None),
    "llm.max_output_tokens": ("whole", 64, None),
    "llm.temperature": ("number", 0, 2),
    "llm.structured_output": ("choice", "auto", "json_schema", "json_object", "none"),
    "scheduler.enabled": SWITCH,
    "scheduler.check_interval_seconds": ("whole", 1, 86_400),
    "scheduler.lease_seconds": ("whole", 1, 86_400),
    "scheduler.job_timeout_minutes": ("whole", 0, 5_256_000),
    "profile_maintenance.interval_minutes": ("whole", 1, 5_256_000),
    "profile_maintenance.model": TEXT,
    "profile_maintenance.summary": ("choice", "template", "off"),
    "profile_maintenance.summary_max_tokens": ("whole", 50, None),
    "profile_maintenance.max_rows_per_request": ("whole", 2, None),
    "profile_maintenance.max_loss_ratio": ("number", 0, 1),
    "profile_maintenance.min_age_minutes": ("whole", 0, 5_256_000),
    "profile_maintenance.gather_minutes": ("whole", 0, 5_256_000),
    "profile_maintenance.max_calls_per_run": ("whole", 0, None),
    "profile_maintenance.max_tokens_per_run": ("whole", 0, None),
    "profile_maintenance.protected_sources": TEXTS,
    "profile_maintenance.pinned_keys": TEXTS,
    "memory.interval_minutes": ("whole", 1, 5_256_000),
    "memory.similarity_threshold": ("number", 0, 1),
    "memory.embedding_model": TEXT,
    "memory.max_cluster_rows": ("whole", 2, None),
    "memory.max_rows_per_request": ("whole", 2, None),
    "memory.max_loss_ratio": ("number", 0, 1),
    "memory.min_age_minutes": ("whole", 0, 5_256_000),
    "memory.protected_tags": TEXTS,
    "memory.max_calls_per_run": ("whole", 0, None),
    "memory.max_tokens_per_run": ("whole", 0, None),
    "memory.recurrence_threshold": ("whole", 2, None),
    "memory.half_life_days": ("above", 0, 36_500),
    "memory.half_lives": TEXTS,
    "memory.prune_threshold": ("number", 0, 1),
    "memory.exempt_importance": ("number", 0, 1),
    "memory.grace_days": ("number", 0, 36_500),
    "memory.prune": SWITCH,
    "memory.prune_orphans": SWITCH,
    "memory.messages_table": ("pattern", IDENTIFIER),
    "history.keep_days": ("whole", 1, 36_500),
    "history.journal_keep_days": ("whole", 8, 36_500),
    "monitoring.ping_url": ("pattern", WEB_ADDRESS),
    "monitoring.ping_urls": TEXTS,
    "monitoring.ping_bodies": SWITCH,
    "monitoring.textfile": TEXT,
    "monitoring.on_failure_command": TEXT,
}
"""Every setting, in the order of its declaration."""

SECTIONS = frozenset(name.partition(".")[0] for name in RULES)

DEFAULTS: dict[str, str | int | bool] = {
    "database.url": "",
    "database.schema": "",
    "database.connect_timeout_seconds": 5,
    "scheduler.enabled": True,
    "scheduler.check_interval_seconds": 30,
    "history.journal_keep_days": 90,
    "monitoring.textfile": "",
}
"""The settings that a tick needs to know before it knows that there is work, and `status` at all.
"""


Meaning = str | int | bool | None
"""What a value means; None where that is not certain. Beyond `DEFAULTS`, only that it is valid."""


def recognised(found: Mapping[str, tuple[object, str]]) -> dict[str, str | int | bool] | None:
    """Return the settings that `DEFAULTS` names, or None where a value is not recognised.

    Args:
        found: name -> value as it was written, and its origin; see `sources.gathered`.

    """
    known = dict(DEFAULTS)
    for name, (value, origin) in found.items():
        rule = RULES.get(name)
        if rule is None:
            return None
        if rule is TEXTS and origin != "file":
            value = [value]  # noqa: PLW2901 separated by commas, and any text is
        meaning = _KINDS[str(rule[0])](value, rule)
        if meaning is None:
            return None
        if name in known:
            known[name] = meaning
    return known


def _text(value: object, _rule: Rule) -> Meaning:
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:  # half a character, or a variable that is no UTF-8
        return None
    return value


def _texts(value: object, rule: Rule) -> Meaning:
    each = value if isinstance(value, list) else [None]
    return None if any(_text(item, rule) is None for item in each) else 1


def _choice(value: object, rule: Rule) -> Meaning:
    return value if isinstance(value, str) and value in rule[1:] else None


def _pattern(value: object, rule: Rule) -> Meaning:
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        return None
    if rule[1] == IDENTIFIER:
        fits = value.isidentifier()
    else:
        fits = value.startswith(("http://", "https://")) and not value.endswith("://")
    return value if fits or not value else None


def _switch(value: object, _rule: Rule) -> Meaning:
    return value if isinstance(value, bool) else _SWITCHES.get(str(value))


_SWITCHES = {"true": True, "false": False, "True": True, "False": False}


def _whole(value: object, rule: Rule) -> Meaning:
    if isinstance(value, str) and _is_short_number(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    _, least, most = rule
    assert isinstance(least, int)
    fits = least <= value and (not isinstance(most, int) or value <= most)
    return value if fits else None


def _number(value: object, rule: Rule) -> Meaning:
    if isinstance(value, str) and _is_short_number(value.replace(".", "", 1)):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    kind, least, most = rule
    assert isinstance(least, int)
    assert isinstance(most, int)
    return 1 if least <= value <= most and not (kind == "above" and value == least) else None


def _is_short_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len("1000000000")


_KINDS: dict[str, Callable[[object, Rule], Meaning]] = {
    "text": _text,
    "texts": _texts,
    "choice": _choice,
    "pattern": _pattern,
    "switch": _switch,
    "whole": _whole,
    "number": _number,
    "above": _number,
}
