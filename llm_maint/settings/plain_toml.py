"""TOML as most configuration files use it, read without the library: that costs a tick a third.

What is read here is read as the library reads it, to the letter; a test holds them together.
"""


def plain_toml(text: str) -> dict[str, dict[str, object]] | None:
    """Return a document of sections with texts, whole numbers and switches.

    Returns:
        None where there is anything else in it: then the library reads it.

    """
    document: dict[str, dict[str, object]] = {}
    section: dict[str, object] | None = None
    for line in text.split("\n"):
        words = line.strip(" \t")
        if not (words.isascii() and words.isprintable()):
            return None
        if not words or words[0] == "#":
            continue
        if words[0] == "[":
            name = words[1:-1]
            if words[-1] != "]" or not name.isidentifier() or name in document:
                return None
            section = document[name] = {}
            continue
        key, equals, written = words.partition("=")
        key, value = key.rstrip(" \t"), _value(written.lstrip(" \t"))
        if section is None or not equals or not key.isidentifier() or key in section:
            return None
        if value is None:
            return None
        section[key] = value
    return document


def _value(written: str) -> str | int | bool | None:
    """Return what is written after an equals sign, None where that is not certain."""
    if written[:1] == '"' and "\\" not in written:
        text, quote, rest = written[1:].partition('"')
        comment = rest.lstrip(" \t")
        return text if quote and (not comment or comment[0] == "#") else None
    bare = written.partition("#")[0].rstrip(" \t")
    if bare in ("true", "false"):
        return bare == "true"
    short = bare.isdigit() and len(bare) < len("1000000000")
    return int(bare) if short and (bare[0] != "0" or bare == "0") else None
