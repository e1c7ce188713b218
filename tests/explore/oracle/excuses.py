"""The excuses: conditions under which something is not checked. Each is narrow, named and counted."""

from __future__ import annotations

from collections import Counter

#: Each excuse with its reason; docs/proof.md lists them, with how many worlds used them.
EXCUSES = {
    "said_gone": (
        "a server that a request says is gone, or that an event says has left and nobody lists any more, "
        "is no capacity: whoever delivers says so, and a listing agrees"
    ),
    "side_by_side": (
        "old ones to leave and new ones for them that both serve when a run begins count once each pair: "
        "a run that goes on after another was cut off would else never let an old one go"
    ),
    "forced": "a signed request lifts the limit that it names",
    "wrong_listing": (
        "an answer of a scaling group that was wrong, or lagged, hides who replaces whom in that delivery"
    ),
    "ecs_not_read": "ECS could not be asked, or failed to answer: nothing is known of instances then",
    "full": "under surge, a load balancer with no place left makes room within the floor of swap",
    "others_meanwhile": (
        "somebody else changed the group while a run went on: the two cannot be told apart in a diff"
    ),
    "share_each_run": (
        "a removal that the limit held up goes further in the next run, which begins with what is left"
    ),
    "drain_not_remembered": (
        "a backend with a description of its owner cannot remember the weight that a drain took"
    ),
    "no_time": "the world gives a run less time than health and drain need: it is raised, again and again",
    "still_sick": "a new server that fails its check is tried again by each delivery that names it",
    "still_coming": "a server that is named as launched, and not in service yet, keeps its delivery coming",
    "still_known": "a server said to be deleted that ECS still knows keeps its delivery coming",
    "held_by_the_floor": "a scale-in hook keeps its delivery coming while the floor holds its instances",
    "nobody_listed": (
        "scaling groups that list nobody are not believed: a delivery that names a launched server comes "
        "again, and what a request that was given up has left at weight 0 stays"
    ),
    "sick_at_nothing": (
        "a new server that a cut-off run has left at weight 0, and that fails its check, serves nobody, and "
        "is not touched by those that did not put it in"
    ),
    "held_by_a_limit": "a server that waits at weight 0 stays where a limit forbids its removal, and says so",
    "refused_for_good": "a write that the API refuses for good leaves things as they are, and is said",
    "failed_and_unseen": (
        "a write that was refused, and changed something all the same, does not show yet where readings lag"
    ),
    "not_its_turn": (
        "a target that the last delivery does not concern, or may not change, is left as earlier ones "
        "that were given up have left it"
    ),
    "asked_again": (
        "what the API refused, as over quota or as a server that cannot be taken, is known to be so only "
        "by asking again; what was drained for it is as it was afterwards, and a place may have become "
        "free by then"
    ),
    "dead_and_unchecked": (
        "a server that is no more, and that is sent requests because nothing checks it, counts as serving"
        " to the load balancer, and is no loss when it goes"
    ),
    "not_checked_yet": (
        "a server that others have put in counts as serving while its first check goes on, as long as "
        "nothing speaks against it"
    ),
    "hook_still_waits": (
        "a server that a cut-off run has put in at weight 0, and that its scaling group has not put in "
        "service, gets its weight by its hook's next delivery or once it is in service"
    ),
    "row_of_another": (
        "a row of health for another group that has the server at the same port, behind the same listener, "
        "looks like our own: all must be normal for a server to be proven, none for it to be out of service"
    ),
    "weight_0_under_rr": (
        "a server at weight 0 is not to serve, though a listener that schedules by rr still uses it"
    ),
    "killed_between": (
        "a kill or a refusal after an old one was taken out, and before the new one for it is in, leaves "
        "nobody to tell its weight by"
    ),
    "hook_abandoned": (
        "an instance whose hook was abandoned is released, so that the next delivery meets other listings"
    ),
    "no_port_yet": (
        "a server without a port is refused while the servers of its group have none in common, and takes "
        "theirs later"
    ),
    "its_own_is_sick": (
        "a server that is about to be reclaimed stays while the new one that is to take its place fails, "
        "though another has come that takes nobody's"
    ),
    "was_there_in_part": "a new server that had a part of its places before keeps them as they were",
    "named_in_part": (
        "a request that names a port or an address of a server says itself what stands in its place"
    ),
    "several_addresses": "of a server at several addresses it is not known here which one a new server took",
}


class Excuses(Counter[str]):
    """How often each excuse was used in a world."""

    def allow(self, name: str, condition: object = True) -> bool:
        """Tell whether an excuse holds, and count it where it does."""
        assert name in EXCUSES, name
        if condition:
            self[name] += 1
        return bool(condition)
