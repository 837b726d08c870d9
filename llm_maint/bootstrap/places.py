"""Where the configuration and, by default, the database are.

For the quick way of a tick as well: plain text instead of pathlib, and of the library that knows
every platform only what it says on Linux, so that it is asked elsewhere alone.
"""

import os
import sys

SYSTEM_CONFIG = "/etc/llm-maint/config.toml"


def config_in_use(named: str | None) -> str | None:
    """Return the configuration file to read, None where there is none and none was named."""
    if named is None and (of_environment := os.environ.get("LLM_MAINT_CONFIG")):
        named = os.path.expanduser(of_environment)
    if named is not None:
        return named
    return next((path for path in (config_of_user(), SYSTEM_CONFIG) if os.path.exists(path)), None)


def config_of_user() -> str:
    """Return the configuration file of this user, there or not."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(home, "llm-maint", "config.toml")


def default_database() -> str:
    """Return the SQLite file that is used where no database is configured."""
    return os.path.join(_data_of_user(), "memory.db")


def absolute_url(url: str) -> str:
    """Return the URL of a database without a path that depends on where we are: cron is elsewhere.

    Of a URL that is none, nothing is changed.
    """
    path = url.removeprefix("sqlite:///")
    is_relative = path not in (url, "", ":memory:") and path[0] not in "/~?"
    return f"sqlite:///{os.path.abspath(path)}" if is_relative else url


def obstacle(path: str) -> str | None:
    """Return why no file can be written at a path; None where nothing seems to be in the way.

    Nothing is tried: whoever is asked questions should not be told so after the last.
    """
    place = os.path.abspath(path)
    if os.path.isdir(place):
        return f"{place} is a directory"
    if not os.path.exists(place):
        place = os.path.dirname(place)
        while not os.path.lexists(place):
            place = os.path.dirname(place)
        if not os.path.isdir(place):
            return f"{place} is no directory"
    return None if os.access(place, os.W_OK) else f"you may not write {place}"


def shortened(path: str) -> str:
    """Return a path as this user would type it."""
    home = os.path.expanduser("~")
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path


def host_name() -> str:
    """Return this host's name, as claims, runs and ticks show it."""
    return os.uname().nodename.encode("ascii", "backslashreplace").decode()


def _data_of_user() -> str:
    given, home = os.environ.get("XDG_DATA_HOME", ""), os.environ.get("HOME", "")
    base = given or (home and f"{home.rstrip('/')}/.local/share")
    plain = base[:1] == "/" != base[1:2] and base == os.path.normpath(base)
    if sys.platform == "linux" and plain and "ANDROID_DATA" not in os.environ:
        return f"{base}/llm-maint"
    from platformdirs import user_data_path

    return str(user_data_path("llm-maint"))
