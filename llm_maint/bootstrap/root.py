"""The composition root: settings become working parts. Sole reader of environment, clock, signals.

What costs time to import (the database, the model client) is imported where it is first needed.
"""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from llm_maint.bootstrap import places
from llm_maint.bootstrap.process import end_process
from llm_maint.bootstrap.signals import SIGNALS
from llm_maint.domain.listening import NOBODY, Listener
from llm_maint.domain.progress import Progress, Watch, untold, unwatched
from llm_maint.errors import ConfigurationError
from llm_maint.settings.sources import without_password

if TYPE_CHECKING:
    from llm_maint.contract import Clock, JobContext, LanguageModel
    from llm_maint.llm.client import Client
    from llm_maint.runner import Runner
    from llm_maint.settings.loading import LoadedSettings
    from llm_maint.settings.sections import Settings
    from llm_maint.store.database import Database

KEY_COMMAND_SECONDS = 30


def load_settings(config: Path | None) -> "LoadedSettings":
    """Return the settings: environment, file, defaults, in this order.

    Raises:
        ConfigurationError: see `LoadedSettings.of`.

    """
    return load_settings_of(config_in_use(config), {})


def load_settings_of(file: Path | None, flags: Mapping[str, str]) -> "LoadedSettings":
    """Return the settings with those of exactly this file, None for none; flags go first."""
    from llm_maint.settings.loading import LoadedSettings

    return LoadedSettings.of(flags=flags, environment=os.environ, file=file)


def config_in_use(config: Path | None) -> Path | None:
    """Return the configuration file to read, None where there is none and none was named."""
    found = places.config_in_use(None if config is None else str(config))
    return None if found is None else Path(found)


def config_to_write(config: Path | None) -> Path:
    """Return the configuration file that `init` and `config set` write."""
    return config_in_use(config) or Path(places.config_of_user())


def database_url(settings: "Settings") -> str:
    """Return the database's URL; by default a SQLite file in the user's data directory."""
    url = settings.database.url.get_secret_value()
    return url or f"sqlite:///{places.default_database()}"


def open_database(settings: "Settings", *, create: bool = False) -> "Database":
    """Return the database; nothing is connected yet. `create` allows a new SQLite file."""
    from llm_maint.store.database import Database

    url = database_url(settings)
    return Database.at(
        url,
        place=without_password(url),
        schema=settings.database.schema_,
        timeout=settings.database.connect_timeout_seconds,
        create=create,
    )


def clock_of(database: "Database") -> "Clock":
    """Return the clock: the database server's where it has one, read once and kept by offset.

    Two hosts with clocks that differ then agree on what is due and whose lease has run out.

    Raises:
        MaintError: the database cannot be reached, or its schema is not this version's.

    """
    offset = database.greeted(host_time)
    return lambda: host_time() + offset


def host_time() -> datetime:
    """Return the host's clock, in UTC."""
    return datetime.now(UTC)


def model_factory(settings: "Settings") -> "Callable[[], LanguageModel | None]":
    """Return what makes the model client, once, when a job first asks for it."""
    return cache(lambda: model_client(settings) if settings.llm.uses_model else None)


def model_client(settings: "Settings") -> "Client":
    """Return the client of the configured model server; nothing is connected yet.

    Raises:
        ConfigurationError: there is no address, the key cannot be had or may not be sent there.

    """
    llm = settings.llm
    if not llm.base_url:
        raise ConfigurationError("llm.provider is set and llm.base_url is not")
    from llm_maint.llm import anthropic, openai
    from llm_maint.llm.address import Address
    from llm_maint.llm.client import Client
    from llm_maint.llm.context import Context
    from llm_maint.llm.form import Form
    from llm_maint.llm.secret import Secret

    address, key = Address.of(llm.base_url), _api_key(settings)
    if not llm.allow_insecure:
        address.check_may_get(key)
    return Client(
        address=address,
        provider=anthropic if llm.provider == "anthropic" else openai,
        model=settings.profile_maintenance.model or llm.model,
        secret=Secret(key, tuple(filter(None, [address.parts.password]))),
        timeout=llm.timeout_seconds,
        max_attempts=llm.max_attempts,
        temperature=llm.temperature,
        concurrency=llm.concurrency,
        form=Form.of(llm.structured_output),
        context=Context(llm.context_tokens, llm.max_output_tokens),
        clock=host_time,
    )


def runner_for(
    settings: "Settings",
    database: "Database",
    clock: "Clock",
    watch: Watch = unwatched,
    listener: Listener = NOBODY,
) -> "Runner":
    """Return the runner; from here on a signal raises only while a job is at work."""
    from llm_maint.runner import Runner

    SIGNALS.deferred = True
    return Runner(
        settings=settings,
        database=database,
        clock=clock,
        model=model_factory(settings),
        host=places.host_name(),
        interruptible=SIGNALS.interruptible,
        end_process=end_process,
        watch=watch,
        listener=listener,
    )


def context_for(
    settings: "Settings",
    database: "Database",
    clock: "Clock",
    *,
    dry_run: bool = False,
    progress: Progress = untold,
) -> "JobContext":
    """Return the context for work that a person started, outside the queue."""
    from llm_maint.contract import JobContext

    return JobContext(
        config={},
        database=database,
        settings=settings,
        clock=clock,
        model=model_factory(settings),
        dry_run=dry_run,
        progress=progress,
    )


def _api_key(settings: "Settings") -> str:
    """Return the model server's key: the setting, systemd's credential, a file, or a command.

    The credential goes before the file, for it may be a copy of the file, which a service cannot
    read by itself.
    """
    llm = settings.llm
    if key := llm.api_key.get_secret_value() or _key_of_credential():
        return key
    if llm.api_key_file:
        return _key_in(Path(llm.api_key_file).expanduser(), "llm.api_key_file")
    return _key_from(llm.api_key_command) if llm.api_key_command else ""


def _key_of_credential() -> str:
    file = credential()
    return _key_in(file, "the systemd credential") if file else ""


def credential() -> Path | None:
    """Return the file in which systemd hands over the model server's key, None for no such."""
    from llm_maint.domain.deployment import CREDENTIAL

    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    file = Path(folder or "/") / CREDENTIAL
    return file if folder and file.exists() else None


def _key_in(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise ConfigurationError(f"{setting}: cannot read {path}: {reason}") from error


def _key_from(command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 the command is the user's own setting
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=KEY_COMMAND_SECONDS,
            check=True,
        )
        return done.stdout.decode().strip()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # The error's own text would show the command, and with it perhaps a secret.
        raise ConfigurationError(f"llm.api_key_command failed ({type(error).__name__})") from error
