"""The orders in which servers are replaced: by the function, and as other programs do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from localcloud.rpc.errors import ApiError
from show.traffic.stage import Stage, chunks, entries

ADD, REMOVE, MODIFY = (
    "AddVServerGroupBackendServers",
    "RemoveVServerGroupBackendServers",
    "ModifyVServerGroupBackendServers",
)


@dataclass(frozen=True, slots=True)
class Order:
    """Ways to replace every server, in turn. `ours`: by the function; `short`: in the short form, too."""

    name: str
    ways: tuple[Callable[[Stage], None], ...]
    strategy: str = "swap"
    ours: bool = False
    short: bool = False


# ---- the function, delivered what happens


def by_deployment(stage: Stage) -> None:
    """New ones are launched, and a signed request says which takes the place of which."""
    old, new = stage.group(), stage.launch()
    answer = stage.request({"target": "web", "pairs": [list(pair) for pair in zip(old, new, strict=True)]})
    _settled(stage, new, answer.get("outcome") == "applied", f"a deployment, not {answer.get('outcome')}")
    stage.release(old)


def by_scaling(stage: Stage) -> None:
    """The scaling group replaces its instances, a quarter at a time, with lifecycle hooks."""
    old = stage.group()
    stage.scaling("replace", {"count": len(old), "batch": _part(old), "hooks": True, "boot_s": None})
    _settled(stage, [i for i in _listed(stage) if i not in old], True, "a replacement by scaling")


def by_interruption(stage: Stage) -> None:
    """A quarter at a time is about to be reclaimed, and dies when its notice is over."""
    old = stage.group()
    stage.scaling(
        "reclaim", {"instance_ids": old, "batch": _part(old), "boot_s": None, "notice_s": stage.notice_s}
    )
    _settled(stage, [i for i in _listed(stage) if i not in old], True, "a replacement by interruption")


def bad_build(stage: Stage) -> None:
    """A deployment of a build that never becomes healthy: it has to be taken back."""
    old, bad = stage.group(), stage.launch("bad", scaled=False)
    pairs = [list(pair) for pair in zip(old, bad, strict=True)]
    answer = stage.request({"target": "web", "pairs": pairs, "force": ["still_in_service"]})
    _settled(stage, old, answer.get("outcome") == "rolled_back", f"rolled_back, not {answer.get('outcome')}")
    stage.release(bad)


def some_reclaimed(stage: Stage) -> None:
    """A quarter of the instances is reclaimed at once, and dies at the end of a short notice."""
    old = stage.group()
    stage.scaling("reclaim", {"instance_ids": old[: _part(old)], "boot_s": None, "notice_s": stage.notice_s})
    _settled(stage, _listed(stage), True, "the replacement of the reclaimed ones")


# ---- others


def add_then_remove(stage: Stage) -> None:
    """Add, then remove at once, without a look at health (Alibaba's controller for Kubernetes)."""
    old, new = stage.group(), stage.launch()
    _add(stage, new)
    _remove(stage, old)
    _settled(stage, new, True, "add, then remove")
    stage.release(old)


def add_fails_once(stage: Stage) -> None:
    """The same where the Add fails once: the Remove is done all the same, the Add again after 5 s."""
    old, new = stage.group(), stage.launch()
    stage.refuse_once(ADD)
    try:
        _add(stage, new)
    except ApiError:
        _remove(stage, old)
        stage.pause(5.0)
        _add(stage, new)
    _settled(stage, new, True, "the second try")
    stage.release(old)


def remove_then_add(stage: Stage) -> None:
    """Remove all, then add all (Terraform's alicloud_slb_server_group)."""
    old, new = stage.group(), stage.launch()
    _remove(stage, old)
    _add(stage, new)
    _settled(stage, new, True, "remove, then add")
    stage.release(old)


def modify_all(stage: Stage) -> None:
    """One Modify for all, with no look at health."""
    old, new = stage.group(), stage.launch()
    for some, others in zip(chunks(old), chunks(new), strict=True):
        stage.call(MODIFY, OldBackendServers=entries(some), NewBackendServers=entries(others))
    _settled(stage, new, True, "Modify")
    stage.release(old)


def _add(stage: Stage, ids: list[str]) -> None:
    for some in chunks(ids):
        stage.call(ADD, BackendServers=entries(some))


def _remove(stage: Stage, ids: list[str]) -> None:
    for some in chunks(ids):
        stage.call(REMOVE, BackendServers=entries(some))


def _part(ids: list[str]) -> int:
    return max(1, len(ids) // 4)


def _listed(stage: Stage) -> list[str]:
    with stage.cloud.gateway.lock:
        (group,) = stage.cloud.cloud.world.scaling_groups.values()
        return [member.instance_id for member in group.instances]


def _settled(stage: Stage, wanted: list[str], right: bool, what: str) -> None:
    """Wait until exactly these are in the group and healthy; RuntimeError if it did not end as it had to."""
    if not right:
        raise RuntimeError(f"expected {what}")
    stage.until(lambda: sorted(stage.group()) == sorted(wanted), f"{what}: the group to be as wanted")
    stage.until(lambda: stage.healthy() == len(wanted), f"{what}: all to be healthy")


OURS = (by_deployment, by_scaling, by_interruption)
ORDERS = (
    Order("slb-swap surge", OURS, "surge", ours=True, short=True),
    Order("slb-swap swap", OURS, "swap", ours=True, short=True),
    Order("slb-swap surge, bad build", (bad_build,), "surge", ours=True),
    Order("slb-swap swap, bad build", (bad_build,), "swap", ours=True, short=True),
    Order("slb-swap surge, reclaimed", (some_reclaimed,), "surge", ours=True),
    Order("slb-swap swap, reclaimed", (some_reclaimed,), "swap", ours=True),
    Order("add, then remove", (add_then_remove,), short=True),
    Order("add, then remove; one Add fails", (add_fails_once,)),
    Order("remove, then add", (remove_then_add,), short=True),
    Order("one Modify for all", (modify_all,)),
)
