"""What would be deployed with the settings as they are, and what would not work of it."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llm_maint.bootstrap import installed, places, root

if TYPE_CHECKING:
    from llm_maint.domain.deployment import Deployment
    from llm_maint.settings.loading import LoadedSettings

log = logging.getLogger(__name__)

WRITTEN_IN = "scheduler.check_interval_seconds"
"""The setting that the files hold themselves."""


def deployment_of(
    loaded: "LoadedSettings",
    *,
    program: str,
    user: bool,
    loopback: bool = False,
    own: bool = True,
) -> "Deployment":
    """Return what is to be started, with absolute paths; `own` says that it has our home."""
    from llm_maint.domain.deployment import Deployment

    file, key = loaded.file, loaded.settings.llm.api_key_file
    if user:
        config = installed.config_to_name(file, of_this_user=own)
    else:
        config = str(file.absolute()) if file else places.SYSTEM_CONFIG
    return Deployment(
        program=_absolute(program or installed.program_path()),
        interval_seconds=loaded.settings.scheduler.check_interval_seconds,
        config=config,
        key_file=_absolute(key) if key and not user else None,
        user=user,
        loopback=loopback,
    )


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def warned(
    deployment: "Deployment", loaded: "LoadedSettings", run_as: str | None = None
) -> list[str]:
    """Tell on standard error what would not work as the files stand, and return it."""
    warnings = list(_warnings(deployment, loaded))
    if run_as and loaded.file and installed.is_kept_from(loaded.file, run_as):
        warnings.append(f"{run_as} cannot read {loaded.file}: chown it, or name another --config")
    for warning in warnings:
        log.warning("%s", warning)
    return warnings


def _warnings(deployment: "Deployment", loaded: "LoadedSettings") -> Iterator[str]:
    from llm_maint.domain.deployment import STATE, out_of_reach

    if not installed.is_program(deployment.program):
        yield f"there is no program {deployment.program} on this host"
    if not deployment.user and deployment.config and not Path(deployment.config).exists():
        yield (
            f"there is no {deployment.config}; make it, and the database, with: XDG_DATA_HOME="
            f"{Path(STATE).parent} llm-maint --config {deployment.config} init"
        )
    yield from out_of_reach(
        deployment,
        installed.needed_for(deployment.program),
        urls=_urls(loaded),
        textfile=loaded.settings.monitoring.textfile,
    )
    yield from set_here_alone(loaded)


def set_here_alone(loaded: "LoadedSettings") -> Iterator[str]:
    """Tell which settings neither cron nor a service would have."""
    from llm_maint.settings.loading import KEYS

    set_here = [name for name, origin in loaded.origins.items() if origin == "environment"]
    alone = [KEYS[name].variable for name in set_here if name != WRITTEN_IN]
    if alone:
        yield (
            f"set in this environment alone, which a service does not have: {', '.join(alone)};"
            " write it to the file with: llm-maint config set"
        )


def _urls(loaded: "LoadedSettings") -> Iterator[tuple[str, str]]:
    """Yield what is reached, each with the setting that says so."""
    from llm_maint.domain.ping import read_addresses

    settings = loaded.settings
    # Where there is no file yet, its `init` will decide on the place.
    given = settings.database.url.get_secret_value()
    yield "database.url", root.database_url(settings) if loaded.file else given
    yield "llm.base_url", settings.llm.base_url
    yield "monitoring.ping_url", settings.monitoring.ping_url
    pings, _ = read_addresses("", settings.monitoring.ping_urls)
    for job, address in pings.of_jobs.items():
        yield f"monitoring.ping_urls: that of {job}", address
