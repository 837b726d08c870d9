"""Pings: which a monitor gets of a run, and at which address, as healthchecks.io has it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, urlsplit
from uuid import UUID

from llm_maint.domain.runs import Finished, Status

JOB = "{job}"
"""In an address: the name of the job."""


class Event(StrEnum):
    """What a ping says; its value is what follows the address of the monitor."""

    START = "/start"
    SUCCESS = ""
    FAIL = "/fail"
    LOG = "/log"


def event_of(finished: Finished) -> Event | None:
    """Return what to say of a run that has ended; None for nothing.

    Skipped is not failed. A run that is skipped because its time was missed needs no telling, and
    ends well. One that this version cannot run is only noted: a monitor that waits for a success
    finds by itself that there is none. What was interrupted or abandoned runs again, and that run
    has an end of its own.
    """
    match finished.run.status:
        case Status.SUCCESS:
            return Event.SUCCESS
        case Status.FAILED:
            return Event.FAIL
        case Status.SKIPPED:
            return Event.SUCCESS if finished.expected else Event.LOG
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where monitors are pinged: of single jobs, and of all others; never in a `repr`.

    Whoever knows such an address can ping it: it is a secret.
    """

    of_all: str = field(default="", repr=False)
    of_jobs: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def use_tls(self) -> bool:
        """Whether any of them does."""
        return any(each[:6].lower() == "https:" for each in (self.of_all, *self.of_jobs.values()))

    def of(self, job: str) -> str | None:
        """Return the address for a job; None where it is not watched."""
        found = self.of_jobs.get(job, self.of_all)
        return found.replace(JOB, quote(job, safe="", errors="replace")) or None


def read_addresses(ping_url: str, ping_urls: Iterable[str]) -> tuple[Addresses, list[str]]:
    """Return the addresses of the settings, and what is wrong with others, which are left out.

    Args:
        ping_url: of all jobs; empty for none.
        ping_urls: of single jobs, `name=url`.

    """
    of_jobs, malformed, wrong = {}, 0, []
    for item in ping_urls:
        name, _, url = (part.strip() for part in item.partition("="))
        if name and _is_address(url):
            of_jobs[name] = url
        elif item.strip():
            malformed += 1
    if malformed:
        wrong.append(f"ping_urls: {malformed} of them are not JOB=URL")
    if ping_url and not _is_address(ping_url):
        wrong.append("ping_url is not the address of a web server")
        ping_url = ""
    return Addresses(ping_url, of_jobs), wrong


def ping_url(address: str, event: Event, run_id: str) -> str:
    """Return the URL of a ping; a query of the address stays, a slash at its end goes."""
    parts = urlsplit(address)
    rid = _canonical(run_id)
    query = "&".join(filter(None, [parts.query, rid and f"rid={rid}"]))
    path = parts.path.rstrip("/") + event
    return parts._replace(path=path, query=query, fragment="").geturl()


def shown(address: str) -> str:
    """Return of an address what may be shown: not its path, whose knowledge is a right."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def hidden(text: str, address: str) -> str:
    """Return a text without the parts of an address that may not be shown, should it hold them."""
    parts = urlsplit(address)
    userinfo = parts.netloc.rpartition("@")[0]
    for word in re.split("[/?&=:@]", f"{userinfo}/{parts.path}/{parts.query}"):
        if len(word) >= _SHORTEST:
            text = text.replace(word, "***")
    return text


_SHORTEST = 4
"""Characters of what is hidden: less is no secret, and part of many a word."""


def _is_address(url: str) -> bool:
    """Return whether a text is the address of a web server."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _canonical(run_id: str) -> str:
    """Return the id of a run as monitors know it; empty where it is none, for a deleted run."""
    try:
        return str(UUID(run_id))
    except ValueError:
        return ""
