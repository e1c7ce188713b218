"""Every run ends: writes are counted, none is sent again without a wait and a look, none too late."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud.state.world import Backend
from tests.explore.oracle.facts import Run
from tests.explore.playing import Played
from tests.explore.ports import READ, Attempt, Call

#: Writes that a run may make for each backend that it names or is to change, and beside.
EACH, BESIDE = 4, 16


def ends(attempt: Attempt) -> Iterator[str]:
    """An attempt neither breaks nor goes on and on."""
    if attempt.endless:
        yield f"endless: {len(attempt.calls)} calls"
    if attempt.broken:
        yield f"broken: {attempt.broken.strip().splitlines()[-1]}"
    late = [c for c in attempt.writes if c.at >= attempt.deadline]
    if late:
        yield f"a write after the deadline: {late[0].action} at {late[0].at:.1f}"


def counted(run: Run) -> Iterator[str]:
    """A run makes a small multiple of the entries that it names, and not all of them at once."""
    written = [c for c in run.writes if not c.passing]
    keys = {key for c in run.writes for key in (*c.old, *(key for key, _ in c.new))}
    ports = {b.port for b in run.start} or {80}
    keys |= {b.key for b in run.leave} | {(server, port, None) for server in run.come for port in ports}
    most = EACH * len(keys) + BESIDE
    if len(written) > most:
        yield f"too many writes: {len(written)} for {len(keys)} backends"
    moments = [c.at for c in written]
    if any(moments.count(at) > 2 * len(keys) + BESIDE for at in set(moments)):
        yield f"too many writes at one moment: {len(keys)} backends"


def sent_again(run: Run) -> Iterator[str]:
    """What was refused is not sent again without a wait and a look; nor anything after an unknown answer."""
    last, looked, unknown = None, True, False
    for call in run.calls:
        if call.action == READ:
            looked = looked or call.answer == "ok"
            unknown = unknown and call.answer != "ok"
            continue
        if unknown:
            yield f"sent blindly, after an answer that was lost: {call.action}"
            return
        same = last is not None and _content(last) == _content(call)
        if same and last is not None and last.answer != "ok" and (last.at == call.at or not looked):
            yield f"sent again without a wait and a look: {call.action} after {last.answer}"
            return
        last, looked = call, False
        unknown = call.answer == "cut" or call.trouble == "5xx"


def _content(call: Call) -> tuple[object, ...]:
    return call.action, call.old, call.new, call.form


def _plain(backends: tuple[Backend, ...]) -> set[tuple[object, ...]]:
    return {(b.key, b.weight) for b in backends}


def repeats(played: Played, last: Run) -> Iterator[str]:
    """The last delivery once more writes nothing."""
    excused = played.excused
    again = played.again
    final = played.final
    if again is None or final is None or final.raised:
        return
    writes = [c for c in again.writes if c.group == last.group]
    if not writes:
        return
    asked = {"over_quota", "bad_backend"} & set(last.refused.values()) or last.refused.keys() & {last.group}
    at = last.served.before(last.group, again.last)
    as_it_was = _plain(last.backends(at)) == _plain(last.backends(last.end))
    others = [c for c in final.writes if c.group != last.group and c.last > c.first]
    if excused.allow("asked_again", others and "over_quota" in last.refused.values()):
        return
    if as_it_was and excused.allow("asked_again", asked):
        return
    over = {subject.partition("@")[0] for subject, why in last.refused.items() if why == "over_quota"}
    came = set(_plain(last.backends(at))) - set(_plain(last.backends(last.end)))
    left = set(_plain(last.backends(last.end))) - set(_plain(last.backends(at)))
    for_them = {key[0] for key, _ in left} <= {b.server_id for b in last.leave}
    if for_them and excused.allow("asked_again", came and {key[0] for key, _ in came} <= over):
        return
    if excused.allow("ecs_not_read", last.ecs_unread and "bad_backend" in last.refused.values()):
        return
    if excused.allow("still_sick", {"not_healthy", "after_rollback"} & set(last.refused.values())):
        return
    if excused.allow("others_meanwhile", any(final.last <= at < again.last for at in played.others)):
        return
    if excused.allow("hook_abandoned", any(told.result == "ABANDON" for told in final.hooks)):
        return
    portless = {subject.partition("@")[0] for subject, why in last.refused.items() if why == "no_ports"}
    added = {key[0] for call in writes for key, _ in call.new}
    only_added = added and not any(call.old for call in writes)
    if excused.allow("no_port_yet", only_added and added <= portless):
        return
    share = {"max_unavailable", "max_removed", "min_backends"}
    if excused.allow("share_each_run", share & set(last.refused.values())):
        return
    yield f"a repeated delivery writes: {writes[0].action}"
