"""A pooler in front of PostgreSQL: the real PgBouncer, in its mode that forgets all sessions."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import sqlalchemy as sa

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
"""Where it is installed, None where it is not."""

SECONDS = 15
"""It takes much less to start."""

CONFIGURATION = """\
[databases]
* = {server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
query_wait_timeout = 20
"""


@contextmanager
def pooling(server_url: str, *, size: int) -> Iterator[str]:
    """Put a pooler with so many connections a database before a server; give its URL."""
    assert PROGRAM is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = sa.make_url(server_url)
    home = Path(tempfile.mkdtemp(prefix="llm-maint-pooler-"))
    home.chmod(0o755)  # for the user that it runs as
    settings = home / "pgbouncer.ini"
    settings.write_text(
        CONFIGURATION.format(server=_server(url), port=port, size=size), encoding="utf-8"
    )
    with (home / "log").open("w") as log:
        pooler = subprocess.Popen(
            [PROGRAM, "-q", str(settings)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            user=_user(url),
        )
    try:
        pooled = sa.URL.create("postgresql", "maint", None, "127.0.0.1", port, url.database)
        _wait_for(pooled, pooler, home / "log")
        yield pooled.render_as_string(hide_password=False)
    finally:
        pooler.kill()
        pooler.wait()
        shutil.rmtree(home)


def _server(url: sa.URL) -> str:
    """Return how the pooler reaches the server: through the same socket or port as anybody."""
    known = {
        "host": url.host or url.query.get("host"),
        "port": url.port,
        "user": url.username,
        "password": url.password,
    }
    return " ".join(f"{name}='{value}'" for name, value in known.items() if value)


def _user(url: sa.URL) -> int | None:
    """Return whom it runs as where we are root, which it refuses: who can reach the socket."""
    if os.geteuid() != 0:
        return None
    socket_folder = Path(str(url.query.get("host", "/nonexistent")))
    owner = socket_folder.stat().st_uid if socket_folder.is_dir() else 0
    return owner or pwd.getpwnam("nobody").pw_uid


def _wait_for(url: sa.URL, pooler: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            psycopg.connect(url.render_as_string(hide_password=False)).close()
        except psycopg.OperationalError:
            told = log.read_text(encoding="utf-8")
            assert pooler.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        else:
            return
