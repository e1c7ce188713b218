"""Several writers, deployed by either template in the local cloud: everything reaches the right one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.serving import LocalCloud
from show.signing import SECRET, signed
from tests.support.deliveries import scaled_in
from tests.support.level_c import Http, quick_template
from tests.support.places import merged, place, target

#: By writer of three, a target that is its share.
SHARES = {1: "wiki", 2: "auth", 3: "web"}
ARN = "acs:fc:cn-hangzhou:1234567890123456:"


class Deployed:
    """A stack of three writers, and its door."""

    def __init__(self, local: LocalCloud, name: str) -> None:
        self.local, self.http, self.newer = local, Http(local.endpoint), name == "template.yml"

    def function(self, number: int) -> str:
        suffix = "" if number == 1 else f"-{number}"
        return f"slb-swap-swap{suffix}" if self.newer else f"swap{suffix}"

    def request(self, name: str) -> int:
        """Ask at the door for a replacement in a target."""
        body = {"target": name, "pairs": [[f"i-{name}1", f"i-{name}3"]]}
        content = {"content-type": "application/json"}
        given = {"method": "POST", "headers": content, "sign": "standard", "body": body}
        method, headers, sent = signed(given, time.time())
        return self.http.send(method, f"/fcapp.run/{self._door}/", sent, headers).status

    @property
    def _door(self) -> str:
        return "slb-swap-webhook" if self.newer else "webhook"

    def completed(self) -> dict[int, list[str]]:
        """The targets that each writer has run, by its log."""
        assert self.http.send("POST", "/_local/async/drain").status == 200
        logs = self.http.send("GET", "/_local/logs").json()
        found = {}
        for number in SHARES:
            lines = [json.loads(one) for one in logs.get(self.function(number), []) if one.startswith("{")]
            done = [one for one in lines if one["event"] in {"swap.completed", "swap.unfinished"}]
            found[number] = [target["target"] for one in done for target in one["targets"]]
        return found


@pytest.fixture(params=["template.yml", "template.fc2.yml"])
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deployed(template: str, tmp_path: Path) -> Iterator[Deployed]:
    yield from deploy(template, tmp_path, Writers="3", WritersBefore="3")


def deploy(template: str, folder: Path, **params: str) -> Iterator[Deployed]:
    path = quick_template(folder, template)
    names = SHARES.values()
    state = merged(*(place(one, f"i-{one}1 i-{one}2", f"i-{one}2 i-{one}3") for one in names))
    targets = [target(one, load_balancer_id=f"lb-{one}") for one in names]
    env = {"SWAP_TARGETS": json.dumps(targets), "SWAP_WEBHOOK_SECRETS": SECRET}
    with LocalCloud(state, template=path, params=params, env=env) as local:
        yield Deployed(local, template)


def test_an_event_reaches_every_writer_and_is_done_by_one(deployed: Deployed) -> None:
    event = scaled_in("i-auth1", "auth")
    assert deployed.http.send("POST", "/_local/events", event).json() == {"sent": 3}
    assert deployed.completed() == {1: [], 2: ["auth"], 3: []}
    assert deployed.http.servers("rsp-auth") == ["i-auth2", "i-auth3"]


def test_the_timer_of_each_writer_compares_its_share(deployed: Deployed) -> None:
    assert deployed.http.send("POST", "/_local/timers/reconcile").status == 202
    assert deployed.completed() == {number: [name] for number, name in SHARES.items()}


def test_what_changes_its_writer_rests_until_the_stack_is_told_that_it_has_changed(
    template: str, tmp_path: Path
) -> None:
    # Of the three, only wiki is the first writer's both of one and of three.
    for deployed in deploy(template, tmp_path, Writers="3"):
        assert deployed.request("web") == deployed.request("auth") == 503
        assert deployed.request("wiki") == 200
        assert deployed.http.send("POST", "/_local/timers/reconcile").status == 202
        assert {number: set(names) for number, names in deployed.completed().items()} == {
            number: {name} for number, name in SHARES.items()
        }
        assert deployed.http.servers("rsp-web") == ["i-web1", "i-web2"]
        assert deployed.http.servers("rsp-wiki") == ["i-wiki2", "i-wiki3"]


def test_a_request_reaches_the_writer_of_its_target_which_the_door_may_invoke_and_no_more(
    deployed: Deployed,
) -> None:
    if deployed.newer:
        assert [deployed.request(name) for name in SHARES.values()] == [200, 200, 200]
        deployed.http.send("PUT", "/_local/readings", {"fc3_invoke_resource": "name_and_rest"})
    assert [deployed.request(name) for name in SHARES.values()] == [200, 200, 200]
    assert deployed.completed() == {
        number: [name] * (2 if deployed.newer else 1) for number, name in SHARES.items()
    }
    functions = deployed.local.functions
    assert functions is not None
    policies = functions.policies()
    used = {pair for one in policies for pair in one.used if pair[0] == "fc:InvokeFunction"}
    granted = {pair for one in policies for pair in one.granted if pair[0] == "fc:InvokeFunction"}
    if deployed.newer:
        assert granted == used
    else:  # whether 2.0 checks it with its service's version, or without, is not documented
        either = {(action, arn.replace(".LATEST", "")) for action, arn in used}
        assert granted == used | either
    assert len({arn for _, arn in used}) == (6 if deployed.newer else 3)
    assert not [pair for one in policies for pair in one.denied]
