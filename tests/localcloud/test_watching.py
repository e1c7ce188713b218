"""The hook: whoever shows a group is told of each of its states as it comes to be."""

from localcloud.cloud import Cloud
from localcloud.slb.entries import Entry
from localcloud.state.world import Instant

STATE = {
    "load_balancers": [
        {
            "load_balancer_id": "lb-1",
            "vserver_groups": [
                {"vserver_group_id": "rsp-1", "backends": [{"server_id": "i-old", "port": 80}]}
            ],
        }
    ],
    "instances": [{"instance_id": "i-new"}],
}


def watched() -> tuple[Cloud, list[Instant]]:
    cloud, seen = Cloud(STATE), []
    cloud.watch(seen.append)
    return cloud, seen


def test_each_instant_is_told_those_inside_a_call_too():
    cloud, seen = watched()
    cloud.slb.modify("rsp-1", [Entry("i-old", 80)], [Entry("i-new", 80)])
    assert [[], ["i-new"]] == [[b.server_id for b in instant.backends] for instant in seen]
    assert seen == cloud.world.history[1:]


def test_a_copy_is_not_watched():
    cloud, seen = watched()
    cloud.copy().world.release("i-old")
    assert [] == seen


def test_another_state_is_watched_as_well():
    cloud, seen = watched()
    cloud.replace(STATE)
    cloud.world.release("i-old")
    assert ["rsp-1"] == [instant.group_id for instant in seen]
