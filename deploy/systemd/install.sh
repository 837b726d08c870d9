#!/bin/sh
# Install and start the timer. As root: for the system, with a copy of the program in /opt/llm-maint.
# Else: for this user, with the program of this checkout. SCOPE=user chooses the second as root too;
# LOOPBACK=yes lets the system's service reach nothing beyond this host.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
systemctl=${SYSTEMCTL:-systemctl}
[ "$(id -u)" = 0 ] && usual=system || usual=user
scope=${SCOPE:-$usual}
if [ "$scope" = system ] && [ "$usual" = user ]; then
    echo "only root installs for the system: SCOPE=user, or as root" >&2
    exit 1
fi
[ "${LOOPBACK:-no}" = yes ] && loopback=--loopback || loopback=

if [ "$scope" = system ]; then
    config=/etc/llm-maint/config.toml
    # No tick while the program is replaced, and none before the database is of its version.
    "$systemctl" stop llm-maint.timer 2>/dev/null || true
    python3 -m venv /opt/llm-maint
    /opt/llm-maint/bin/python -m pip install --quiet --upgrade "$checkout"
    ln -sf /opt/llm-maint/bin/llm-maint /usr/local/bin/llm-maint
    if [ -e "$config" ]; then
        XDG_DATA_HOME=/var/lib /opt/llm-maint/bin/llm-maint --config "$config" db upgrade
    else
        XDG_DATA_HOME=/var/lib /opt/llm-maint/bin/llm-maint --config "$config" init
    fi
    XDG_DATA_HOME=/var/lib /opt/llm-maint/bin/llm-maint --config "$config" deploy systemd $loopback \
        --output /etc/systemd/system >/dev/null
    "$systemctl" daemon-reload
    "$systemctl" enable --now llm-maint.timer
else
    program=${PROGRAM:-$checkout/.venv/bin/llm-maint}
    if [ ! -x "$program" ]; then
        echo "no program at $program; make it with: make demo" >&2
        exit 1
    fi
    "$program" deploy systemd --user --program "$program" \
        --output "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user" >/dev/null
    "$systemctl" --user daemon-reload
    "$systemctl" --user enable --now llm-maint.timer
fi
echo "llm-maint.timer is installed; see: systemctl$([ "$scope" = user ] && echo ' --user') list-timers llm-maint.timer"
