"""Chooses the configured targets that a message is for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handler.core.model.policy import Target
from handler.core.model.values import Intent
from handler.triggers.faults import nearest
from handler.triggers.messages import Ignored, Rejected, Unreadable, shown

_EXPECTED = "expected the name of a target in SWAP_TARGETS, or the id of its VServer group (rsp-)"

#: What becomes of a message.
Item = Intent | Rejected | Ignored


def switched_on(targets: Iterable[Target], event_ids: tuple[str, ...]) -> tuple[list[Target], list[Item]]:
    """Return this function's targets that act, and a note for each that is off.

    Targets of another writer are passed over: it gets the same delivery.
    """
    chosen: list[Target] = []
    off: list[Item] = []
    others = 0
    for target in targets:
        if target.writer == "another":
            others += 1
        elif target.mode == "off":
            off.append(Ignored("target_off", f"the mode of {shown(target.name)} is off", event_ids))
        else:
            chosen.append(target)
    if others and not chosen and not off:
        off.append(Ignored("other_share", "another function writes to what it concerns", event_ids))
    elif not chosen and not off:
        off.append(Ignored("no_target", "no target is configured", event_ids))
    return chosen, off


def elsewhere(found: str | None, ours: str, event_ids: tuple[str, ...]) -> Ignored | None:
    """Return a note that an event is from another region; None if it is from ours or does not say."""
    if found is None or not ours or found == ours:
        return None
    return Ignored("not_our_region", f"an event of the region {shown(found)}", event_ids)


def by_name(name: str, targets: Sequence[Target], path: str = "target") -> Target:
    """Return the target of a configured name, or the only target of a VServer group.

    ``path`` is where the name is. Raises Unreadable: 404 if there is no target, 400 if the group has several.
    """
    for target in targets:
        if target.name == name:
            return target
    found = [target for target in targets if target.vserver_group_id == name]
    if len(found) > 1:
        raise Unreadable(f"{path}: several targets have this VServer group: expected a target's name")
    if found:
        return found[0]
    if name.startswith("sgp-"):
        raise Unreadable(f"{path}: {shown(name)} is a server group of an ALB or NLB: {_EXPECTED}", 404)
    known = [one for target in targets for one in (target.name, target.vserver_group_id)]
    hint = nearest(name, known) or f": {_EXPECTED}"
    raise Unreadable(
        f"{path}: {shown(name)} is neither a target's name nor a target's VServer group id{hint}", 404
    )
