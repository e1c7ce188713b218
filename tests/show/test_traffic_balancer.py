"""The local cloud's group as HAProxy's backend: what is asked of it, and what the cloud is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.serving import LocalCloud
from localcloud.slb.entries import Entry
from show.traffic.balancer import Balancer

GROUP = "rsp-web"
STATE = {
    "load_balancers": [
        {
            "load_balancer_id": "lb-1",
            "listeners": [{"port": 80, "vserver_group_id": GROUP}],
            "vserver_groups": [
                {"vserver_group_id": GROUP, "backends": [{"server_id": "i-a", "port": 80, "weight": 50}]}
            ],
        }
    ],
    "instances": [{"instance_id": "i-a"}, {"instance_id": "i-b", "health": "unavailable"}],
    "readings": {"modify_atomic": False},
}


class Proxy:
    """HAProxy's runtime API, as far as it is asked: every command in order, and the health to answer."""

    def __init__(self) -> None:
        self.backend = GROUP
        self.commands: list[str] = []
        self.found: dict[str, str] = {}
        self.idle = True

    def run(self, *commands: str) -> str:
        self.commands += commands
        return "Server deleted.\n" if self.idle else "Server still has connections attached to it.\n"

    def health(self) -> dict[str, str]:
        return self.found

    def taken(self) -> list[str]:
        """The commands since the last call, without the options of `add server`."""
        taken, self.commands = self.commands, []
        return [" ".join(command.split()[:4]) if "add server" in command else command for command in taken]


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(STATE) as running:
        yield running


def balanced(cloud: LocalCloud) -> tuple[Balancer, Proxy]:
    proxy = Proxy()
    return Balancer(cloud, GROUP, proxy, lambda b: f"127.1.0.1:{b.port}"), proxy  # type: ignore[arg-type]


def test_a_new_server_is_down_until_its_first_check_and_only_then_gets_its_weight(cloud: LocalCloud):
    _, proxy = balanced(cloud)
    at = f"{GROUP}/i-a.1"
    assert [
        f"add server {at} 127.1.0.1:80",
        f"set server {at} weight 0",
        f"set server {at} state ready",
        f"enable health {at}",
        f"set server {at} health down",
        f"set server {at} weight 50",
    ] == proxy.taken()


def test_each_instant_of_a_modify_is_applied_old_ones_out_before_new_ones_in(cloud: LocalCloud):
    _, proxy = balanced(cloud)
    proxy.taken()
    cloud.cloud.slb.modify(GROUP, [Entry("i-a", 80)], [Entry("i-b", 80)])
    taken = proxy.taken()
    assert [f"set server {GROUP}/i-a.1 state maint", f"add server {GROUP}/i-b.2 127.1.0.1:80"] == taken[:2]


def test_a_weight_is_set_where_it_stands_and_nothing_else_is_touched(cloud: LocalCloud):
    _, proxy = balanced(cloud)
    proxy.taken()
    cloud.cloud.slb.set(GROUP, [Entry("i-a", 80, 0)])
    assert [f"set server {GROUP}/i-a.1 weight 0"] == proxy.taken()


def test_a_server_that_comes_again_has_another_name_than_the_one_that_still_drains(cloud: LocalCloud):
    balancer, proxy = balanced(cloud)
    proxy.idle = False
    cloud.cloud.slb.remove(GROUP, [Entry("i-a", 80)])
    balancer.tick()
    proxy.taken()
    cloud.cloud.slb.add(GROUP, [Entry("i-a", 80, 100)])
    assert f"add server {GROUP}/i-a.2 127.1.0.1:80" == proxy.taken()[0]
    proxy.idle = True
    balancer.tick()
    assert [f"del server {GROUP}/i-a.1"] == proxy.taken()
    balancer.tick()
    assert [] == proxy.taken()


def test_what_the_checks_find_is_what_the_cloud_says(cloud: LocalCloud):
    balancer, proxy = balanced(cloud)
    for verdict in ("unavailable", "abnormal", "normal"):
        proxy.found = {"i-a.1": verdict}
        balancer.tick()
        assert verdict == cloud.cloud.world.instances["i-a"].health


def test_an_instance_that_is_released_is_not_brought_back_by_a_check(cloud: LocalCloud):
    balancer, proxy = balanced(cloud)
    cloud.cloud.world.release("i-a")
    proxy.found = {"i-a.1": "abnormal"}
    balancer.tick()
    assert "i-a" not in cloud.cloud.world.instances


def test_every_state_is_kept_as_a_line_for_the_picture(cloud: LocalCloud):
    balancer, _ = balanced(cloud)
    cloud.cloud.slb.set(GROUP, [Entry("i-a", 80, 0)])
    assert [("cloud.group", [("i-a", 0, "normal")])] == [
        (line["event"], [(b["server_id"], b["weight"], b["health"]) for b in line["backends"]])
        for line in balancer.lines
    ]
