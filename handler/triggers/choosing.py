"""Chooses the configured targets that a message is for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from handler.core.model.policy import Target
from handler.core.model.values import Intent
from handler.triggers.faults import nearest
from handler.triggers.messages import Ignored, Rejected, Unreadable, shown

_EXPECTED = "expected the name of a target in SWAP_TARGETS, or the id of its VServer group (rsp-)"

#: What becomes of a message.
Item = Intent | Rejected | Ignored


def of_each(targets: Iterable[Target], asked: Intent) -> list[Item]:
    """Return what is asked of each target of this function, and a note for each that is off.

    Targets of another writer are passed over: it gets the same delivery.
    """
    intents: list[Item] = []
    off: list[Item] = []
    others = 0
    for target in targets:
        if target.writer == "another":
            others += 1
        elif target.mode == "off":
            off.append(Ignored("target_off", f"the mode of {shown(target.name)} is off", asked.event_ids))
        else:
            intents.append(replace(asked, target=target.name))
    if intents or off:
        return off + intents
    if others:
        return [Ignored("other_share", "another function writes to what it concerns", asked.event_ids)]
    return [Ignored("no_target", "no target is configured", asked.event_ids)]


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
