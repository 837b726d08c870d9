"""Which model server `init` is to use, and which of its models."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from llm_maint.bootstrap import root
from llm_maint.cli.answers import MODEL, SERVER, Answers
from llm_maint.errors import KeyRefusedError, MaintError
from llm_maint.settings.sources import without_password

if TYPE_CHECKING:
    from llm_maint.llm.client import Client
    from llm_maint.llm.finding import Found

SHOWN = 6
"""Names of models that are listed at once."""

PATIENCE_SECONDS = 10.0
"""How long a server may take to list its models while a person waits."""

_WIDEST, _NARROW = 70, 30
_NONE = "none"


def ask_server(answers: Answers) -> Sequence[str] | None:
    """Ask for the model server; return the names of its models, None where they are not known."""
    provider = answers.settings().llm.provider
    if provider == _NONE or not answers.lack(SERVER):
        return None
    from llm_maint.llm.finding import find

    found = find() if provider in ("", "openai") else []
    _list_servers(answers, found)
    what = "a number, a URL, or none" if found else "its URL, or none"
    default, kept = ("1" if found else _NONE), ""
    while True:
        answer = answers.ask(f"Model server: {what}", default)
        if answer.lower() == _NONE:
            answers.given[SERVER] = ""
            return None
        if (chosen := _numbered(answer, found)) is not None:
            answers.given[SERVER] = chosen.url
            return chosen.models
        url = kept if kept and answer == default else _url(answer)
        if not url:
            answers.tell(f"{answer!r} is no address such as http://127.0.0.1:8080/v1")
            continue
        if not _is_address(answers, url):
            continue
        models = () if url == kept else _listed(answers, {SERVER: url})
        if models is not None or answers.needs_key:
            answers.given[SERVER] = url
            return models
        default, kept = without_password(url), url  # it may be down for now: Enter keeps it


def ask_model(answers: Answers, names: Sequence[str] | None) -> None:
    """Ask for the model, where the server has several.

    `names` are those it has, None where they are not known: it is asked for them.
    """
    loaded = answers.loaded()
    # Of a file that names a server and no model, the first that is listed is meant.
    settled = not answers.lack(MODEL) or loaded.origins[SERVER] == "file"
    if settled or answers.needs_key or not loaded.settings.llm.uses_model:
        return
    if names is None:
        names = _listed(answers, {})
    if names and len(names) > 1:
        answers.given[MODEL] = _picked(answers, names)
    elif names:
        answers.tell(f"its model: {_shortened(names[0])}")


def _list_servers(answers: Answers, found: "Sequence[Found]") -> None:
    if not found:
        answers.tell("no model server was found on this host")
    for number, each in enumerate(found, 1):
        answers.tell(f"{number}  {each.url} (as {each.usual}): {_summary(each.models)}")


def _summary(models: Sequence[str]) -> str:
    if not models:
        return "no model yet"
    more = f" and {len(models) - 1:,} more" if len(models) > 1 else ""
    return _shortened(models[0], _NARROW) + more


def _numbered(answer: str, found: "Sequence[Found]") -> "Found | None":
    fits = answer.isascii() and answer.isdigit() and 0 < int(answer) <= len(found)
    return found[int(answer) - 1] if fits else None


def _url(answer: str) -> str:
    """Return the URL that was typed, as people do, without a scheme perhaps; empty for none."""
    if answer.startswith(("http://", "https://")) and " " not in answer:
        return answer
    return f"http://{answer}" if _PLACE.fullmatch(answer) else ""


_PLACE = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+|[\w-]+:\d+|\[[\da-f:]+\])(:\d+)?(/\S*)?")
"""A host as nobody would call a model: with a dot or a port."""


def _is_address(answers: Answers, url: str) -> bool:
    try:
        root.model_client(answers.settings({SERVER: url}))
    except MaintError as error:
        answers.tell(error)
        return False
    return True


def _listed(answers: Answers, more: Mapping[str, str]) -> Sequence[str] | None:
    """Return the names that a server lists; tell why, where there are none to be had."""
    from llm_maint.llm.finding import offered

    try:
        client: Client = root.model_client(answers.settings(more))
        client.timeout = min(client.timeout, PATIENCE_SECONDS)
        (models,) = client.in_order([client.models(tries=1)])
    except KeyRefusedError:
        answers.needs_key = True
        answers.tell("it asks for a key: see below")
    except MaintError as error:
        answers.tell(error)
    else:
        return offered(models)
    return None


def _picked(answers: Answers, names: Sequence[str]) -> str:
    """Return the model that a person picks by a number, a name or a part of one."""
    from llm_maint.domain.picking import picked

    shown = _list_models(answers, names)
    while True:
        answer = answers.ask("Model: a number, a name or a part of one", "1")
        found = picked(answer, names, shown)
        if found.name:
            return found.name
        if found.guessed or not found.among:
            answers.tell(f"no model {answer!r}" + ("; did you mean this?" if found.guessed else ""))
        if found.among:
            shown = _list_models(answers, found.among)


def _list_models(answers: Answers, names: Sequence[str]) -> Sequence[str]:
    """Show the beginning of a list; return it."""
    shown = names[:SHOWN]
    for number, name in enumerate(shown, 1):
        answers.tell(f"{number:2}  {_shortened(name)}")
    if len(names) > len(shown):
        answers.tell(f"    and {len(names) - len(shown):,} more")
    return shown


def _shortened(text: str, width: int = _WIDEST) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
