"""Intervals as systemd and cron write them, and paths that do not break what they stand in."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from cronsim import CronSim

from llm_maint.domain.crontab import crontab
from llm_maint.domain.deployment import Deployment, calendar_of, cron_step, every, out_of_reach
from llm_maint.domain.unit_files import service, timer
from llm_maint.errors import UsageError

DAY = 86_400
PROGRAM = "/opt/llm-maint/bin/llm-maint"
SYSTEM_CONFIG = "/etc/llm-maint/config.toml"


def _of(seconds: int = 30, program: str = PROGRAM) -> Deployment:
    return Deployment(program=program, interval_seconds=seconds, config=SYSTEM_CONFIG)


@pytest.mark.parametrize(
    ("seconds", "calendar"),
    [
        (1, "*:*:0/1"),
        (30, "*:*:0/30"),
        (60, "*:*:00"),
        (300, "*:0/5:00"),
        (1_800, "*:0/30:00"),
        (3_600, "*:00:00"),
        (7_200, "0/2:00:00"),
        (43_200, "0/12:00:00"),
        (DAY, "00:00:00"),
    ],
)
def test_an_even_interval_goes_by_the_calendar(seconds: int, calendar: str) -> None:
    """A timer by the calendar makes up for a tick that was missed."""
    assert calendar_of(seconds) == calendar
    text = timer(_of(seconds))
    assert f"\nOnCalendar={calendar}\n" in text
    assert "\nPersistent=true\n" in text
    assert "OnUnitActiveSec" not in text


@pytest.mark.parametrize("seconds", [7, 45, 90, 420, 2_700, 18_000, DAY - 1])
def test_an_odd_interval_is_counted_from_tick_to_tick(seconds: int) -> None:
    """No calendar can say it; `Persistent=` means nothing there, and the first is at once."""
    assert calendar_of(seconds) is None
    lines = timer(_of(seconds)).splitlines()
    assert {"OnActiveSec=1s", f"OnUnitActiveSec={seconds}s"} <= set(lines)
    assert not any(line.startswith(("OnCalendar=", "Persistent=")) for line in lines)


@pytest.mark.parametrize(
    ("seconds", "delay"), [(1, "100ms"), (5, "500ms"), (10, "1s"), (30, "2s"), (DAY, "2s")]
)
def test_a_random_delay_is_short_beside_the_interval(seconds: int, delay: str) -> None:
    """Many hosts do not tick in one instant, and no tick comes much later than it should."""
    assert f"\nRandomizedDelaySec={delay}\n" in timer(_of(seconds))


@pytest.mark.parametrize(
    ("seconds", "fields", "step"),
    [
        (1, "* * * * *", 60),
        (30, "* * * * *", 60),
        (60, "* * * * *", 60),
        (90, "* * * * *", 60),
        (300, "*/5 * * * *", 300),
        (420, "*/6 * * * *", 360),
        (3_599, "*/30 * * * *", 1_800),
        (3_600, "0 * * * *", 3_600),
        (18_000, "0 */4 * * *", 14_400),
        (DAY, "0 0 * * *", DAY),
    ],
)
def test_cron_says_the_interval_or_the_next_shorter_one(
    seconds: int, fields: str, step: int
) -> None:
    """A tick that comes too early is cheap; where the interval is another, the line says why."""
    assert cron_step(seconds) == (fields, step)
    text = crontab(_of(seconds))
    assert f"\n{fields} {PROGRAM} --config" in text
    assert (f"interval_seconds is {seconds};" in text) == (seconds != step)


def test_the_steps_of_cron_are_even() -> None:
    """Each interval has one, none longer than it but the shortest, and all gaps are the same."""
    steps = {}
    for seconds in range(60, DAY + 1, 60):
        fields, step = cron_step(seconds)
        assert step <= seconds
        steps[step] = fields
    for step, fields in steps.items():
        firings = islice(CronSim(fields, datetime(2026, 1, 1, tzinfo=UTC)), DAY // step + 2)
        gaps = {later - earlier for earlier, later in pairwise(firings)}
        assert gaps == {timedelta(seconds=step)}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "every second"),
        (45, "every 45 seconds"),
        (60, "every minute"),
        (5_400, "every 90 minutes"),
    ],
)
def test_an_interval_is_said_in_words(seconds: int, words: str) -> None:
    """The comments of the files are for people."""
    assert every(seconds) == words


@pytest.mark.parametrize(
    ("program", "started", "entry"),
    [
        pytest.param("/a b/llm", '"/a b/llm"', "'/a b/llm'", id="a space"),
        pytest.param("/50%/llm", "/50%%/llm", r"/50\%/llm", id="a percent sign"),
        pytest.param("/a;b/llm", "/a;b/llm", "'/a;b/llm'", id="a semicolon"),
    ],
)
def test_a_path_is_quoted(program: str, started: str, entry: str) -> None:
    """As systemd, the shell and cron, each in its own way, take it for one word."""
    assert f"\nExecStart={started} run-due\n" in service(_of(program=program))
    assert f"\n* * * * * {entry} --config" in crontab(_of(program=program))


@pytest.mark.parametrize("path", ["/a\nb", "/a\\b", "/a\tb", "/a'b", '/a"b'])
def test_a_path_that_cannot_be_quoted_is_refused(path: str) -> None:
    """What the readers of these files disagree about is written into none."""
    with pytest.raises(UsageError, match="a quotation mark, a backslash"):
        _of(program=path)


def test_a_key_file_is_handed_over() -> None:
    """Its path is not quoted but for systemd's specifiers; without a setting, by a name alone."""
    named = Deployment(
        program=PROGRAM, interval_seconds=30, config=SYSTEM_CONFIG, key_file="/etc/my keys/50%"
    )
    assert "\nLoadCredential=llm-api-key:/etc/my keys/50%%\n" in service(named)
    assert "\nSetCredential=llm-api-key:\\n\n" in service(named)
    assert "\nLoadCredential=llm-api-key:llm-maint.api-key\n" in service(_of())
    assert "SetCredential" not in service(_of())


def test_a_users_service_carries_nothing_that_takes_root() -> None:
    """It keeps the user's own files, and a systemd without privileges can enforce all it says."""
    text = service(Deployment(program=PROGRAM, interval_seconds=30, user=True))
    names = {line.partition("=")[0] for line in text.splitlines() if line[:1].isupper()}
    assert not {name for name in names if name.startswith(("Private", "Protect", "IPAddress"))}
    assert names.isdisjoint({"DynamicUser", "StateDirectory", "LoadCredential", "Environment"})
    assert {"NoNewPrivileges", "SystemCallFilter", "RestrictAddressFamilies"} <= names
    assert "network-online" not in text


def test_on_loopback_no_network_is_waited_for() -> None:
    """A host that is offline ticks on time; otherwise the network is waited for."""
    loopback = Deployment(program=PROGRAM, interval_seconds=30, config=SYSTEM_CONFIG, loopback=True)
    assert "network-online" not in service(loopback)
    assert "\nAfter=postgresql.service\n" in service(loopback)
    assert "\nWants=network-online.target\n" in service(_of())


def test_a_users_service_is_told_of_an_unusual_configuration() -> None:
    """As one word, whatever is in the path."""
    named = Deployment(program=PROGRAM, interval_seconds=30, user=True, config="/my 5%/c.toml")
    assert '\nEnvironment="LLM_MAINT_CONFIG=/my 5%%/c.toml"\n' in service(named)


def test_a_user_has_no_loopback_variant() -> None:
    """A promise that a user's systemd would not keep is refused."""
    with pytest.raises(UsageError, match="packet filter"):
        Deployment(program=PROGRAM, interval_seconds=30, user=True, loopback=True)


@pytest.mark.parametrize("name", ["", "two words", "-x", "a/b"])
def test_a_line_for_cron_d_takes_a_users_name(name: str) -> None:
    """Anything else there would be taken for the beginning of the command."""
    assert f"* * * * * nick {PROGRAM}" in crontab(_of(), "nick")
    with pytest.raises(UsageError, match="no user's name"):
        crontab(_of(), name)


@pytest.mark.parametrize(
    ("needed", "urls", "told"),
    [
        pytest.param(PROGRAM, {}, "", id="all is well"),
        pytest.param("/root/bin/python3", {}, "home directory", id="an interpreter in a home"),
        pytest.param(PROGRAM, {"u": "sqlite:////home/n/m.db"}, "outside /var/lib", id="a file"),
        pytest.param(PROGRAM, {"u": "sqlite:////var/lib/llm-maint/m.db"}, "", id="its own file"),
        pytest.param(PROGRAM, {"u": "http://127.0.0.1:8080/v1"}, "", id="loopback"),
        pytest.param(PROGRAM, {"u": "http://[::1]:8080/v1"}, "", id="loopback of IPv6"),
        pytest.param(PROGRAM, {"u": "postgresql:///memory"}, "", id="a socket"),
        pytest.param(PROGRAM, {"u": ""}, "", id="the default"),
        pytest.param(PROGRAM, {"u": "http://model.example/v1"}, "another host", id="a host"),
        pytest.param(PROGRAM, {"u": "http://[/v1"}, "another host", id="no address"),
    ],
)
def test_what_is_out_of_reach_is_told(needed: str, urls: dict[str, str], told: str) -> None:
    """Of the system's service only: a user's reaches what the user does."""
    loopback = Deployment(program=PROGRAM, interval_seconds=30, loopback=True)
    warnings = list(out_of_reach(loopback, [needed], urls=urls.items()))
    assert len(warnings) == bool(told)
    assert told in "".join(warnings)
    of_user = Deployment(program=PROGRAM, interval_seconds=30, user=True)
    assert not list(out_of_reach(of_user, [needed], urls=urls.items(), textfile="/srv/x.prom"))


def test_other_hosts_are_in_reach_of_the_usual_variant() -> None:
    """Only the loopback variant drops packets."""
    assert not list(out_of_reach(_of(), [PROGRAM], urls=[("u", "http://model.example/v1")]))
