"""The text of systemd's unit files: a service that is one tick, and the timer that starts it."""

from llm_maint.domain.deployment import CREDENTIAL, SERVICE, TIMER, Deployment, calendar_of, every

STORED_KEY = "llm-maint.api-key"
"""Name of the key's file in /etc/credstore, where no setting names one."""


def unit_files(deployment: Deployment) -> dict[str, str]:
    """Return the text of each unit file by its name."""
    return {SERVICE: service(deployment), TIMER: timer(deployment)}


def service(deployment: Deployment) -> str:
    """Return the service: one tick, in the narrowest bounds that it can work in."""
    parts = [
        _ONE_TICK.format(edit=f"systemctl {'--user ' * deployment.user}edit {SERVICE}"),
        _UNIT.format(after=_after(deployment)),
        _START.format(program=_word(deployment.program)),
        _own_settings(deployment) if deployment.user else _handed_over(deployment),
        "" if deployment.user else _SYSTEM_BOUNDS,
        _LOOPBACK if deployment.loopback else "",
        (_USER_BOUNDS if deployment.user else _MORE_BOUNDS) + _BOUNDS,
    ]
    return "\n".join(part for part in parts if part)


def timer(deployment: Deployment) -> str:
    """Return the timer: by the calendar, which makes up for a tick that was missed, if it can."""
    seconds = deployment.interval_seconds
    delay = min(2_000, seconds * 100)
    calendar = calendar_of(seconds)
    pace = _CALENDAR.format(calendar=calendar) if calendar else _MONOTONIC.format(seconds=seconds)
    return _TIMER.format(
        every=every(seconds),
        pace=pace,
        delay=f"{delay // 1_000}s" if delay % 1_000 == 0 else f"{delay}ms",
    )


def _after(deployment: Deployment) -> str:
    """Return what is waited for, if it is there: a user's systemd knows nothing of the system's."""
    if deployment.user:
        return ""
    return _AFTER_DATABASE if deployment.loopback else _AFTER_NETWORK


def _own_settings(deployment: Deployment) -> str:
    """Return how a user's service is told of a configuration that it would not find."""
    if deployment.config is None:
        return ""
    return f"Environment={_word(f'LLM_MAINT_CONFIG={deployment.config}')}\n"


def _handed_over(deployment: Deployment) -> str:
    """Return what systemd reads as root and hands over to the service alone."""
    config, key = (
        _specifiers_escaped(path or "") for path in (deployment.config, deployment.key_file)
    )
    handed = _CONFIG.format(config=config)
    return handed + (_KEY_FILE.format(key=key) if key else _KEY_IN_STORE)


def _word(text: str) -> str:
    """Return a text without quotation marks as one word of a unit file. See systemd.syntax(7)."""
    escaped = _specifiers_escaped(text)
    return f'"{escaped}"' if " " in escaped else escaped


def _specifiers_escaped(text: str) -> str:
    return text.replace("%", "%%")


_ONE_TICK = f"""\
# {SERVICE}: one tick, which runs what is due and exits. {TIMER} starts it.
# Written by `llm-maint deploy systemd`. Changes of your own go into a drop-in, which stays when
# this file is written anew: {{edit}}
"""

_UNIT = """\
[Unit]
Description=Maintenance of an LLM assistant's long-term memory
{after}# The timer sets the pace, however quick.
StartLimitIntervalSec=0
"""

_AFTER_NETWORK = """\
Wants=network-online.target
After=network-online.target postgresql.service
"""

_AFTER_DATABASE = """\
After=postgresql.service
"""

_START = """\
[Service]
Type=oneshot
ExecStart={program} run-due
# 75: busy, try again later. 143: stopped by systemd, the claim was handed back.
SuccessExitStatus=75 143
TimeoutStopSec=30
"""

_CONFIG = """\
# The configuration may hold a password, so root alone reads it: systemd hands over a copy.
LoadCredential=config.toml:{config}
Environment=LLM_MAINT_CONFIG=%d/config.toml
"""

_KEY_FILE = f"""\
# So it does with the model server's key, the file of llm.api_key_file: the copy is read instead.
# Without the file it is an empty line, so that only what asks the model fails, and says why.
LoadCredential={CREDENTIAL}:{{key}}
SetCredential={CREDENTIAL}:\\n
"""

_KEY_IN_STORE = f"""\
# So it does with the model server's key, if there is one in /etc/credstore/{STORED_KEY}
# (systemd 252 or newer). A name instead of a path: a file that is missing there is no failure.
LoadCredential={CREDENTIAL}:{STORED_KEY}
"""

_SYSTEM_BOUNDS = """\
# A user that exists while a tick runs, and one directory: /var/lib/llm-maint.
DynamicUser=yes
StateDirectory=llm-maint
StateDirectoryMode=0700
Environment=XDG_DATA_HOME=/var/lib

# Beside that directory nothing can be written, and little be seen.
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProcSubset=pid
PrivateTmp=yes
PrivateDevices=yes
PrivateIPC=yes
PrivateMounts=yes
PrivateUsers=yes
RemoveIPC=yes
KeyringMode=private
"""

_LOOPBACK = """\
# Model server and database are on this host; packets to and from any other are dropped.
IPAddressDeny=any
IPAddressAllow=localhost
"""

_MORE_BOUNDS = """\
# No privilege, and no way to one.
CapabilityBoundingSet=
AmbientCapabilities=
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
"""

_USER_BOUNDS = """\
# What systemd can forbid without root's privileges; to hide files is not among it.
"""

_BOUNDS = """\
NoNewPrivileges=yes
UMask=0077
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# A command of yours, such as llm.api_key_command, runs within the same bounds. What compiles as it
# runs (Node.js, Java) needs MemoryDenyWriteExecute=no; what needs setuid (sudo) does not work.
"""

_TIMER = f"""\
# {TIMER}: a tick {{every}}, as scheduler.check_interval_seconds says.
# Written by `llm-maint deploy systemd`. One with nothing due is cheap.

[Unit]
Description=Ticks of llm-maint

[Timer]
{{pace}}AccuracySec=1s
RandomizedDelaySec={{delay}}

[Install]
WantedBy=timers.target
"""

_CALENDAR = """\
OnCalendar={calendar}
# A tick that was missed, the machine being off, is made up for at once.
Persistent=true
"""

_MONOTONIC = """\
# The interval divides no minute, hour or day evenly, so that no calendar can say it: it is counted
# from tick to tick. The first comes as the timer starts, so Persistent= would add nothing.
OnActiveSec=1s
OnUnitActiveSec={seconds}s
"""
