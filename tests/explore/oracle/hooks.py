"""Lifecycle hooks: none continued too early, none abandoned but for a fault of its own, none forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.explore.oracle.facts import HOOKS_IN, RUNS, Run
from tests.explore.oracle.served import Served
from tests.explore.playing import Played
from tests.explore.ports import Attempt, Told

#: Codes that say that a server itself cannot be taken.
BAD = frozenset({"ObtainIpFail", "InvalidServerId.NotFound"})


def completed(played: Played, served: Served, attempt: Attempt, runs: Sequence[Run]) -> Iterator[str]:
    """What each hook was told fits what was there at that moment, in every target of any mode."""
    for told in attempt.hooks:
        fed = [one for one in played.setup.targets if told.scaling_group in one.get("scaling_group_ids", ())]
        here = {
            str(target["name"]): {
                b.server_id
                for b in served.history[served.before(target["vserver_group_id"], told.instant)].backends
            }
            for target in fed
        }
        if told.transition == "scale_in":
            still = [name for name, servers in here.items() if servers & set(told.servers)]
            if still or told.result != "CONTINUE":
                yield f"a scale-in hook told {told.result} while {still} has its instances"
        elif told.result == "ABANDON":
            if played.excused.allow("row_of_another", _fails_for_another_group(told)):
                continue
            if not all(_at_fault(attempt, told, server) for server in told.servers):
                yield "a scale-out hook abandoned for what is not its instances' fault"
        elif not any(_takes(run, told.instant, told.servers) for run in runs if run.acts):
            if played.excused.allow("others_meanwhile", any(run.meddled for run in runs)):
                continue
            yield "a scale-out hook continued while no target has its instances in service"


def _fails_for_another_group(told: Told) -> bool:
    """Whether a check that fails may be that of another group: rows of health do not tell them apart."""
    known = (told.instances.get(server) for server in told.servers)
    return any("abnormal" in one.health_by_group.values() for one in known if one is not None)


def _at_fault(attempt: Attempt, told: Told, server: str) -> bool:
    known = told.instances.get(server)
    if known is None or known.status not in RUNS or known.operation_locks:
        return True
    bad = any(c.answer in BAD and any(key[0] == server for key, _ in c.new) for c in attempt.calls)
    return bad or known.health == "abnormal" or "abnormal" in known.health_by_listener.values()


def _takes(run: Run, instant: int, servers: tuple[str, ...]) -> bool:
    at = run.served.before(run.group, instant)
    dead = set() if run.played.excused.allow("ecs_not_read", run.ecs_unread) else run.served.dead(at)
    serving = {one[0] for one in run.served.serving(at) - dead}
    return set(servers) <= serving


def forgotten(played: Played, runs: Sequence[Run]) -> Iterator[str]:
    """After the last delivery of a hook, its instances being out of all targets, it is not left to wait."""
    final = played.final
    if final is None or final.words[0] not in HOOKS_IN or not runs or not all(run.acts for run in runs):
        return
    each = [(server,) for server in final.words[2:]] if final.words[0] == "hooksin" else [final.words[2:]]
    # Of several hooks, each is completed once its own instance is out, though the floor holds another.
    held = final.outcome == "raised" and {one["reason"] for one in final.results} <= {"floor", None}
    if final.raised and not (held and len(each) > 1):
        return
    here = {b.server_id for run in runs for b in run.backends(run.end)}
    for servers in each:
        if not here & set(servers) and _waits(played, servers[0]):
            yield "a scale-in hook left to wait though its instances are out"


def _waits(played: Played, first: str) -> bool:
    """Whether the scale-in hook with the token of its first instance is still to be completed."""
    return any(
        (a.status, a.lifecycle_hook_id) == ("Pending", "ash-in")
        and a.lifecycle_action_token == f"token-{first}"
        for group in played.cloud.world.scaling_groups.values()
        for a in group.lifecycle_actions
    )
