"""Connections of the drivers themselves: they lead where those of the toolkit lead."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from llm_maint.store import driver

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=1_000, database=None)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql://h/d", {"host": "h", "dbname": "d"}),
        (
            "postgres://u:p@h:6432/d",
            {"host": "h", "port": 6432, "dbname": "d", "user": "u", "password": "p"},
        ),
        ("postgresql+psycopg://h/d", {"host": "h", "dbname": "d"}),
        (
            "postgresql://u:%40%2F%C3%A9@h/d",
            {"host": "h", "dbname": "d", "user": "u", "password": "@/\u00e9"},
        ),
        ("postgresql://u:@/d?host=/tmp/s", {"host": "/tmp/s", "dbname": "d", "user": "u"}),
        ("postgresql:///d?sslmode=require", {"dbname": "d", "sslmode": "require"}),
        ("postgresql://", {}),
    ],
)
def test_an_ordinary_url_is_read(url: str, parts: dict[str, Any]) -> None:
    """What most people write needs no toolkit."""
    assert driver.postgresql_parts(url) == parts


pieces = st.sampled_from(
    [
        *(
            "u",
            "p",
            "h",
            "d",
            "h-1.example",
            "127.0.0.1",
            "5432",
            "0",
            "80_0",
            "",
            "\u00e9",
            "[::1]",
        ),
        *(
            ":",
            "@",
            "/",
            "?",
            "&",
            "=",
            "%",
            "%40",
            "%4",
            "%zz",
            "%C3%A9",
            "%ff",
            "+",
            ",",
            "#",
            ";",
        ),
        *("host=/tmp/s", "host=a,b", "host=a:1", "port=1", "sslmode=require", "user=x", "host=h"),
        *(
            "dbname=e",
            "a=",
            "=b",
            "a=%41",
            "a=1&a=2",
            " ",
            "a=%2Fs",
            "a=%2B",
            "a=b+c",
            "\n",
            "password=s",
            ":pw@",
            "u:p@h/",
        ),
    ]
)


@EXAMPLES
@given(
    st.sampled_from([*driver.POSTGRESQL_SCHEMES, "postgresql+asyncpg://", "postgresql:/", ""]),
    st.lists(pieces, max_size=9).map("".join),
)
def test_a_server_is_the_one_that_the_toolkit_finds(scheme: str, rest: str) -> None:
    """Whatever a URL says, the driver is told what the toolkit tells it, or nothing."""
    parts = driver.postgresql_parts(scheme + rest)
    if parts is not None:
        url = sa.make_url((scheme + rest).replace("postgres://", "postgresql://", 1))
        dialect: Any = PGDialect_psycopg
        _, expected = dialect().create_connect_args(url)
        expected.pop("context", None)
        assert parts == expected


@EXAMPLES
@given(
    st.sampled_from(["sqlite:///", "sqlite:////", "sqlite://", "sqlite+pysqlite:///", "file:///"]),
    st.lists(pieces | st.sampled_from([":memory:", "a b", "..", ".", "a.db"]), max_size=6).map(
        "".join
    ),
)
def test_a_file_is_the_one_that_the_toolkit_finds(scheme: str, rest: str) -> None:
    """Whatever a URL says, the file is the toolkit's, or none."""
    path = driver.sqlite_path(scheme + rest)
    if path is not None:
        url = sa.make_url(scheme + rest)
        assert (url.get_backend_name(), url.database) == ("sqlite", path)
        assert path != ":memory:"


@pytest.mark.parametrize(
    "name", ["a.db", "a b.db", "\u00e9.db", "a#b.db", "a?b.db", "a%41.db", "..a"]
)
def test_a_file_is_opened_by_its_name(tmp_path: Path, name: str) -> None:
    """Whatever signs are in a name, it is that file."""
    path = tmp_path / name
    driver.open_sqlite(str(path), timeout=1, mode="rwc").execute(
        "CREATE TABLE t (x)"
    ).connection.close()
    assert path.exists()
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_missing_file_stays_missing(tmp_path: Path) -> None:
    """Only `init` makes databases."""
    with pytest.raises(sqlite3.OperationalError):
        driver.open_sqlite(str(tmp_path / "a.db"), timeout=1)
    assert list(tmp_path.iterdir()) == []


def test_a_relative_file_is_one_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As everywhere."""
    monkeypatch.chdir(tmp_path)
    driver.open_sqlite("a.db", timeout=1, mode="rwc").execute(
        "CREATE TABLE t (x)"
    ).connection.close()
    assert (tmp_path / "a.db").exists()


@pytest.mark.parametrize("parameter", ["autocommit", "prepare_threshold", "connect_timeout"])
def test_what_we_say_of_a_connection_goes_first(parameter: str) -> None:
    """A URL that names one of our own parameters is no bug of ours."""
    url = f"postgresql://nobody@127.0.0.1:1/none?{parameter}=5"
    with pytest.raises(psycopg.OperationalError):
        driver.opened(url, schema="", timeout=2)
