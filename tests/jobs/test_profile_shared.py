"""A run shared between hosts: each entity is dealt with by one, and one reports them all."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

import pytest
from consolidating import settings
from crowd import SECONDS, Crowd, MakeCrowd, greetings_go, together
from databases import add_row, sql
from model_server import ModelServer, Raw

from llm_maint.bootstrap.root import model_client
from llm_maint.domain.chat import Usage
from llm_maint.errors import ExitCode


def _lines(crowd: Crowd) -> dict[str, Any]:
    """Return what the only run says of each entity, but for the ids of plans."""
    ((result,),) = sql(crowd.database, "SELECT result_json FROM job_runs")
    lines = (json.loads(result) if isinstance(result, str) else result)["entities"]
    assert len({line["entity_id"] for line in lines}) == len(lines)
    return {line["entity_id"]: {**line, "plan_id": None} for line in lines}


def test_three_hosts_share_a_run(make_crowd: MakeCrowd) -> None:
    """Each entity is asked about once, by one of them; the one run of it all tells of each."""
    crowd = make_crowd(30)
    for script in together(3):
        crowd.host(script)
    (finished,) = crowd.tick()
    assert (finished.run.status, finished.exit_code) == ("success", ExitCode.OK)
    assert crowd.asked == dict.fromkeys(crowd.names, 1)
    assert all(host.asked for host in crowd.hosts)
    result = finished.run.result
    assert result is not None
    assert sorted(_lines(crowd)) == crowd.names
    assert result["llm"] == asdict(Usage(30, 3_000, 300))
    assert (result["attributes_before"], result["attributes_after"]) == (90, 60)
    assert result["accounting"]["removed"] == 30
    assert crowd.greeted() == []
    plans = "SELECT run_id, count(*) FROM maintenance_plans GROUP BY run_id"
    assert sql(crowd.database, plans) == [(finished.run.id, 30)]
    assert sql(crowd.database, "SELECT count(*) FROM job_runs") == [(1,)]
    assert crowd.is_tidy()


def test_hosts_share_with_requests_side_by_side(make_crowd: MakeCrowd) -> None:
    """Each takes as many entities as it may ask about at once, and no entity is in two hands."""
    crowd = make_crowd(30)

    def said(body: dict[str, Any]) -> Raw:
        asked = json.loads(body["messages"][1]["content"])
        answer = {**greetings_go(asked), "nonce": asked["nonce"]}
        return Raw(body=json.dumps(answer), finish_reason="stop", delay=0.03)

    with ModelServer(said) as server:
        for _ in range(3):
            given = settings(llm={"base_url": server.url, "model": "m", "concurrency": 4})
            crowd.host_with(model_client(given), given)
        (finished,) = crowd.tick()
    asked = [json.loads(body["messages"][1]["content"]) for body in server.requests]
    assert Counter(each["entity"]["id"] for each in asked) == dict.fromkeys(crowd.names, 1)
    assert (finished.run.status, sorted(_lines(crowd))) == ("success", crowd.names)
    assert finished.run.result is not None
    assert finished.run.result["llm"] == asdict(Usage(30, 210, 90))
    assert crowd.greeted() == []
    assert crowd.is_tidy()


def test_what_others_came_to_is_reported_as_ones_own(make_crowd: MakeCrowd) -> None:
    """Failures, held plans and costs: the run ends as it would have without their help."""
    found = []
    for hosts in (1, 2):
        crowd = make_crowd(6)
        for number in range(6):
            add_row(crowd.database, "hello", f'"hi {number}!"', entity_id="e02")
        _help_is_given(crowd) if hosts == 2 else crowd.host(_unruly)
        (finished,) = crowd.tick(led=True)
        run, result = finished.run, dict(finished.run.result or {})
        lines = _lines(crowd)
        del result["entities"]
        assert result["llm"]["calls"] == crowd.asked.total()
        found.append((run.status, finished.exit_code, run.error_message, result, lines))
        assert [bool(host.asked) for host in crowd.hosts] == [True] * hosts
        assert set(crowd.greeted()) == {"e01", "e02"}
    status, code, error, result, lines = found[0]
    assert (status, code) == ("failed", ExitCode.JOB_FAILED)
    assert error
    assert (result["failed"], result["held"]) == (1, 1)
    assert [name for name, line in sorted(lines.items()) if line["error"]] == ["e01"]
    assert [name for name, line in sorted(lines.items()) if line["held"]] == ["e02"]
    assert found[1] == found[0]


def _unruly(asked: dict[str, Any]) -> Any:  # noqa: ANN401 any reply
    """Say nothing that can be read of one entity; remove much of another."""
    return ["no object"] if asked["entity"]["id"] == "e01" else greetings_go(asked)


def _help_is_given(crowd: Crowd) -> None:
    """Let a second host do all but the first entity."""
    crowd.host(lambda asked: helper.ended.wait(SECONDS) and _unruly(asked))
    helper = crowd.host(_unruly)


@pytest.mark.parametrize("hosts", [1, 3])
def test_the_limit_of_calls_counts_those_of_all(make_crowd: MakeCrowd, hosts: int) -> None:
    """Each other host may be at one entity when the last call is made; the rest waits."""
    crowd = make_crowd(20)
    for script in together(hosts):
        crowd.host(script, max_calls_per_run=8)
    (finished,) = crowd.tick()
    calls = crowd.asked.total()
    assert 8 <= calls < 8 + hosts
    result = finished.run.result
    assert result is not None
    assert (finished.run.status, finished.exit_code) == ("success", ExitCode.OK)
    assert (result["llm"]["calls"], result["deferred"]) == (calls, 20 - calls)
    assert len(crowd.greeted()) == 20 - calls
    assert set(crowd.greeted()).isdisjoint(crowd.asked)


def test_the_entities_that_waited_longest_come_first(make_crowd: MakeCrowd) -> None:
    """Shared or not: each host takes the next of those that are left."""
    crowd = make_crowd(9)
    for script in together(2):
        crowd.host(script)
    crowd.tick()
    assert all(host.asked == sorted(host.asked) for host in crowd.hosts)
    assert {host.asked[0] for host in crowd.hosts} == {"e00", "e01"}


def test_a_run_of_one_entity_tells_that_it_shares_nothing(make_crowd: MakeCrowd) -> None:
    """Nobody who finds nothing due waits for it to tell, while its model thinks."""
    crowd = make_crowd(2)
    one = "UPDATE scheduled_jobs SET config_json = :config"
    sql(crowd.database, one, config='{"entity_id": "e00"}')
    crowd.host(lambda asked: other.ended.wait(SECONDS) and greetings_go(asked))
    other = crowd.host()
    (finished,) = crowd.tick(led=True)
    assert finished.run.status == "success"
    assert other.asked == []
    assert crowd.greeted() == ["e01"]
