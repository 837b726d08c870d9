"""What comes after `init`: the commands, with what is true of this installation."""

import shlex
from typing import TYPE_CHECKING

from llm_maint.bootstrap import places
from llm_maint.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from llm_maint.domain.entity import Entity
    from llm_maint.settings.loading import LoadedSettings
    from llm_maint.settings.sections import Settings


def first_steps(settings: "Settings", example: "Entity | None", *, needs_key: bool) -> list[str]:
    """Return the commands that a person tries next, without the name of the program.

    Args:
        settings: those that were set up with.
        example: a profile to begin with, None where there is none.
        needs_key: the model server asks for a key that it was not given.

    """
    steps = []
    if needs_key:
        steps += ["config set llm.api_key_file FILE", "doctor"]
    elif not settings.llm.uses_model:
        steps += ["config set llm.base_url http://127.0.0.1:8080/v1"]
    if example is None:
        steps += ["profile list"]
    else:
        kind = "" if example.type == "user" else f" --entity-type {example.type}"
        steps += [f"profile consolidate --entity {shlex.quote(example.id)}{kind} --dry-run"]
    return [*steps, "memory list", "status"]


def crontab_line(loaded: "LoadedSettings") -> str | None:
    """Return the line of a crontab that starts the ticks; None where it cannot be written."""
    from llm_maint.cli.deployable import deployment_of
    from llm_maint.domain.crontab import crontab

    try:
        deployment = deployment_of(loaded, program="", user=True)
    except UsageError:  # no program, or a path that cron cannot be told: `deploy cron` says which
        return None
    return crontab(deployment).splitlines()[-1]


def systemd_steps(file: "Path", options: str) -> list[str]:
    """Return the commands by which systemd starts the ticks, of the system or of this user.

    Args:
        file: the configuration; that of the system is for the system's service.
        options: those that stand before the name of a command.

    """
    from llm_maint.cli.deploy import SYSTEM_UNITS, USER_UNITS
    from llm_maint.domain.deployment import TIMER

    is_system = str(file) == places.SYSTEM_CONFIG
    scope, units = ("", SYSTEM_UNITS) if is_system else (" --user", USER_UNITS)
    steps = [
        f"llm-maint{options} deploy systemd{scope} --output {units}",
        f"systemctl{scope} daemon-reload",
        f"systemctl{scope} enable --now {TIMER}",
    ]
    lingering = "loginctl enable-linger            # so that it ticks while you are logged out"
    return steps if is_system else [*steps, lingering]
