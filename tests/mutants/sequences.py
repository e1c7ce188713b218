"""Seeded bugs that sequences, several targets or weights show, each with a world where it shows."""

from __future__ import annotations

from dataclasses import dataclass

from tests.mutants.bugs import Bug, Patch


@dataclass(frozen=True)
class Sequenced:
    """A bug, and the rule of the oracle that it breaks."""

    bug: Bug
    rule: str

    def __str__(self) -> str:
        return str(self.bug)


def _bug(name: str, rule: str, world: str, *patches: tuple[str, str, str]) -> Sequenced:
    return Sequenced(Bug(name, tuple(Patch(*patch) for patch in patches), world), rule)


TWO_SOURCES = (
    "target web asg=a,b; in web i-0 80=100; in web i-1 80=100 mark; in web i-2 80=100;"
    "lists a i-0; lists b i-1; lists b i-2"
)
BUGS = (
    _bug(
        "only the first scaling group of a target listed",
        "taken out, and nobody said so",
        f"{TWO_SOURCES}; > timer",
        (
            "running.observer:Observer._list",
            "in self._target.scaling_group_ids:",
            "in self._target.scaling_group_ids[:1]:",
        ),
    ),
    _bug(
        "ids asked for in the first scaling group only",
        "taken out, and nobody said so",
        f"{TWO_SOURCES}; fault 0 list 1 missing; > timer",
        (
            "running.observer:Observer._complete",
            "for known in asking for",
            "for known in [*asking][:1] for",
        ),
    ),
    _bug(
        "a hook judged by the last target only",
        "a scale-in hook told CONTINUE while ['web'] has its instances",
        "target web asg=a mode=plan; target api asg=a; in web i-0 80=100; in api i-0 90=100;"
        "in api i-1 90=100; lists a i-0; lists a i-1; ~ leave a i-0 Removing:Wait; > hookin a i-0",
        (
            "core.deciding.hooks:verdict",
            "_is_out(hook, ending) for ending in endings)",
            "_is_out(hook, ending) for ending in endings[-1:])",
        ),
    ),
    _bug(
        "max_removed counting the gone",
        "refused for no cause that can be seen",
        "target web asg=a rem=1 un=100%; in web i-0 80=100 mark; in web i-1 80=100 mark;"
        "in web i-2 80=100 mark; lists a i-2; ~ release i-0; > deleted i-0",
        (
            "core.planning.guards:_over_share",
            "for effect in removals",
            "for effect in [*removals, *removals]",
        ),
    ),
    _bug(
        "busy is tried again at once",
        "sent again without a wait and a look",
        "target web; in web i-0 80=100; server i-n0; fault 0 write 0 busy; > request web l:i-n0",
        ("core.deciding.backoff:Retry.failed", "now + ", "now + 0 * "),
    ),
    _bug(
        "a drain measured from the first port",
        "taken out without its drain",
        "target web un=50% drain=20; in web i-0 80=0 81=100; in web i-1 80=100 81=100;"
        "fault 0 write 0 busy; > request web t:i-0",
        ("core.deciding.situation:Situation.drain_left", "max(begun, default", "min(begun, default"),
    ),
    _bug(
        "weights swapped between ports",
        "not as the one it replaced",
        "target web un=50%; in web i-0 80=30 81=100; in web i-1 80=100 81=30; server i-n0;"
        "> request web p:i-0/i-n0",
        (
            "core.planning.placement:replaced_by_port",
            "return [backend or next(left, None) for backend in same]",
            "return [backend or next(left, None) for backend in same][::-1]",
        ),
    ),
    _bug(
        "a reverse without what was only reweighed",
        "the reverse of a run forgets",
        "target web; in web i-0 80=100; in web i-1 80=100; > request web l:i-0:weight=30",
        ("outcome:_reverse", "*found.reweighed]", "]"),
    ),
    _bug(
        "who is about to be reclaimed is put in",
        "about to be reclaimed, and put in",
        "target web asg=a; in web i-0 80=100; lists a i-0; server i-n0 doomed; ~ launch a i-n0; > timer",
        ("core.model.observed:Observed.why_not_launched", "if instance.reclaimed:", "if False:"),
    ),
    _bug(
        "who has stopped is put in",
        "not running, and named in a write",
        "target web asg=a; in web i-0 80=100; lists a i-0; server i-n0 stopped; ~ launch a i-n0; > timer",
        ("core.model.observed:Observed.why_not_launched", "if self.is_down(server_id)", "if False"),
    ),
    _bug(
        "Deleted is believed whatever ECS and the checks say",
        "floor",
        "target web asg=a; in web i-0 80=100; lists a i-0; > deleted i-0",
        (
            "core.planning.desired:_Reconciling._deleted",
            'return "not_deleted_yet" if',
            'return "gone" if',
        ),
    ),
    _bug(
        "an ENI is one server, whatever its addresses",
        "floor",
        "target web un=1; in web eni-0@10.0.0.1 80=100; in web eni-0@10.0.0.2 80=100;"
        "in web eni-0@10.0.0.3 80=100; in web eni-0@10.0.0.4 80=100;"
        "> request web t:eni-0@10.0.0.1 t:eni-0@10.0.0.2",
        ("core.model.values:Key.unit", "if self.server_ip else", "if False else"),
    ),
    _bug(
        "weight 0 is no removal",
        "floor",
        "target web rem=100%; in web i-0 80=100; in web i-1 80=100;"
        "> request web l:i-0:weight=0 l:i-1:weight=0",
        ("core.planning.guards:_effects", "if not backend.weight}", "if False}"),
        ("core.deciding.add_remove:weigh", "not costs or", "True or"),
    ),
    _bug(
        "a scaling group that is gone ends the target",
        "told another group than there was before",
        "target web asg=a,b; in web i-0 80=100; lists a i-0; ~ drop b; > timer",
        ("running.observer:Observer._list", "is not Result.GONE", "is not None"),
    ),
    _bug(
        "a hook of an instance that a target switched off still has is continued",
        "a scale-in hook told CONTINUE while ['api'] has its instances",
        "target web asg=a; target api asg=a mode=off; in web i-0 80=100; in web i-1 80=100;"
        "in api i-0 90=100; lists a i-0; lists a i-1; ~ leave a i-0 Removing:Wait; > hookin a i-0",
        ("running.delivering:_Delivery._endings", "if hook.transition ==", "if False and hook.transition =="),
    ),
    _bug(
        "one bad listener takes all out of service",
        "floor",
        "target web un=1; listener web https:443; in web i-0 80=100; in web i-1 80=100; in web i-2 80=100;"
        "server i-0 443=abnormal; server i-1 443=abnormal; server i-2 443=abnormal; server i-n0; server i-n1;"
        "server i-n2; > request web t:i-0 t:i-1 t:i-2 l:i-n0 l:i-n1 l:i-n2",
        (
            "core.model.observed:Observed.gets_requests",
            "verdicts != {Verdict.ABNORMAL}",
            "Verdict.ABNORMAL not in verdicts",
        ),
    ),
    _bug(
        "the floor sinks with a server that is lost",
        "floor",
        "target web asg=a; in web i-0 80=100 mark; in web i-1 80=100 mark; in web i-2 80=100;"
        "~+5 release i-0; > out a i-n2",
        ("core.planning.goal:Memo.goal", "first, self._gone)", "first)"),
    ),
    _bug(
        "a reading that lags is believed where others have written",
        "floor",
        "target web asg=a; in web i-0 80=100; in web i-2 80=100; fault 0 write 0 other;"
        "read present_new=updated; read read_lag=2; ~ launch a i-n0; > hookin a i-2",
        (
            "core.deciding.writes:Written.read",
            "self._hidden(read) if self.lag",
            "self._hidden(read) if self.lag and any(same(read, group) for group, _ in self.past)",
        ),
    ),
    _bug(
        "a drain that is not remembered",
        "not as the one it replaced",
        "target web drain=3 un=50%; in web i-0 80=30; in web i-1 80=100; server i-n0; fault 0 write 1 kill;"
        "> request web p:i-0/i-n0",
        ("core.model.marks:Marks.drained", "weight=0, description=word", "weight=0"),
    ),
    _bug(
        "what was drained stays so where the replacement is refused",
        "left at weight 0 by us",
        "target web drain=3 un=50%; in web i-0 80=100; in web i-1 80=100; fault 0 write 1 kill;"
        "fault 1 write 0 kill; fault 2 write 0 kill; > request web t:i-0; > request web l:i-1:weight=30",
        ("core.model.marks:Marks.drained_from", "return int(found[2]) if found", "return None if found"),
    ),
    _bug(
        "a name that is not known goes into a write",
        "not running, and named in a write",
        "target web; in web i-0 80=100; > request web l:i-n0",
        ("core.model.observed:Observed.why_not_launched", 'return "unknown_server" if', 'return "" if'),
    ),
    _bug(
        "an empty scaling group holds everything up",
        "refused for no cause that can be seen",
        "target web asg=a,b; in web i-0 80=100; in web i-1 80=100 mark; lists a i-0; > timer",
        ("core.model.observed:believed", "listing.counted != 0", "True"),
    ),
    _bug(
        "a check for another group proves a server",
        "floor",
        "target web strategy=surge; in web i-0 80=100; server i-n0 abnormal beside=normal;"
        "rule web http:80 beside i-n0=100; > request web p:i-0/i-n0",
        ("cloud.health_rows:_together", 'if statuses == {"normal"} else Verdict.MIXED', ""),
    ),
    _bug(
        "a check that fails for another group makes servers free to replace",
        "floor",
        "target web un=1; in web i-0 80=100; in web i-1 80=100; in web i-2 80=100;"
        "rule web http:80 beside i-0=100 i-1=100 i-2=100; server i-0 beside=abnormal;"
        "server i-1 beside=abnormal; server i-2 beside=abnormal; server i-n0 abnormal;"
        "server i-n1 abnormal; server i-n2 abnormal; > request web t:i-0 t:i-1 t:i-2 l:i-n0 l:i-n1 l:i-n2",
        (
            "cloud.health_rows:_together",
            'if "normal" in statuses:',
            'if "normal" in statuses and "abnormal" not in statuses:',
        ),
    ),
    _bug(
        "a row that nobody checks hides that a server fails",
        "floor",
        "target web asg=a; in web i-1 80=100; server i-1 abnormal; in web i-2 80=100 mark;"
        "rule web http:80 beside i-1=0; read weight0_checked=False; > timer",
        (
            "cloud.health_rows:_together",
            'Verdict.ABNORMAL if "abnormal" in statuses',
            'Verdict.ABNORMAL if statuses == {"abnormal"}',
        ),
    ),
    _bug(
        "of two hooks, one that the floor holds keeps the other waiting",
        "a scale-in hook left to wait though its instances are out",
        "target web asg=a; in web i-0 80=100; in web i-1 80=100; lists a i-0; lists a i-1;"
        "~ leave a i-0 Removing:Wait; ~ leave a i-1 Removing:Wait; > hooksin a i-0 i-1",
        ("core.deciding.hooks:_is_out", "not in LEFT_TO_OTHERS", 'not in LEFT_TO_OTHERS - {"floor"}'),
    ),
    _bug(
        "a reverse that names a pair for each port",
        "the reverse of a run would be rejected",
        "target web un=50%; in web i-0 80=100 81=30; in web i-1 80=100 81=30; server i-n0;"
        "> request web p:i-0/i-n0",
        (
            "outcome:_pairs_of_servers",
            "if new != old and new not in came and old not in left:",
            "if new != old:",
        ),
    ),
    _bug(
        "a server that is no more counts where nothing checks it",
        "floor",
        "target web asg=a; listener web http:80 unchecked; in web i-0 80=100 mark;"
        "in web i-1 80=100 foreign; lists a i-0; ~ release i-1; ~ leave a i-0; > timer",
        (
            "core.model.observed:Observed._is_dead",
            "self.is_down(server_id) or self.is_released(server_id)",
            "self.is_down(server_id)",
        ),
    ),
    _bug(
        "a new server that one check finds normal stays beside the old one that serves",
        "failed, and kept beside the server that it was to replace",
        "target web min=1; listener web https:443; in web i-1 80=100; in web i-2 80=100; in web i-3 80=100;"
        "in web i-4 80=100; server i-n0 443=abnormal; ~+6 is i-4 abnormal; > request web p:i-1/i-n0",
        (
            "core.deciding.rollback:_spared",
            "room >= 0 or not _may_serve_alone(status, situation)",
            "room > 0",
        ),
    ),
    _bug(
        "a forced removal takes the room of what is replaced",
        "refused by a limit that it forces",
        "target web min=4; in web i-1 80=100; in web i-2 80=100; in web i-3 80=100; in web i-4 80=100;"
        "server i-n0; > request web p:i-1/i-n0 l:i-2:weight=0 force:min_backends,max_unavailable,max_removed",
        ("core.deciding.add_remove:weigh", "0 if any(map(_is_to_retire, situation.changes)) else", ""),
        ("core.planning.capacity:Capacity.refusal", "if is_replaced:", "if False:"),
        ("core.planning.capacity:Capacity.refusal", "None if is_replaced else reason", "reason"),
    ),
    _bug(
        "a reverse that leaves drained what an earlier run drained",
        "the reverse of a run leaves at weight 0 what an earlier run drained",
        "target web drain=3 un=50%; in web i-0 80=100; in web i-1 80=100; server i-n0; fault 0 write 1 kill;"
        "> request web p:i-0/i-n0",
        ("outcome:_reverse", "diff.undrained(found, run.target.policy.marks)", "found"),
    ),
    _bug(
        "a look fails as a whole where ECS does not answer",
        "failed, and left in though its old one may return",
        "target web un=50% drain=5; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal;"
        "fault 0 ecs 1+ throttled; > request web p:i-0/i-n0",
        ("running.observer:Observer._try_others", "if self._is_first:", "if True:"),
    ),
    _bug(
        "a look fails as a whole where a scaling group may not be listed any more",
        "failed, and left in though its old one may return",
        "target web asg=a un=50% drain=5; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal;"
        "lists a i-0; lists a i-1; ~ leave a i-0; ~ launch a i-n0; fault 0 list 1+ forbidden; > timer",
        ("running.observer:Observer._try_others", "if self._is_first:", "if True:"),
    ),
    _bug(
        "a read that is refused ends a run that has written",
        "ended half done by a read that was refused",
        "target web un=50%; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal;"
        "fault 0 health 1 forbidden; > request web p:i-0/i-n0",
        ("core.deciding.run_state:RunState.waits_out", "(self.writes > 0 and", "(False and"),
    ),
    _bug(
        "who leaves stays for a new server without a place",
        "to leave, still there, and not said",
        "target web asg=a; in web i-0 80=100; in web i-1 80=100; lists a i-0; lists a i-1;"
        "server eci-n0; ~ launch a eci-n0; ~ leave a i-0; > timer",
        (
            "core.planning.changes:changes",
            "[] if desired.literal else",
            "[] if True else",
        ),
    ),
    _bug(
        "each timer takes a share of what serves while the replacements fail",
        "wanted",
        "target web asg=a; in web i-0 80=100 mark; in web i-1 80=100 mark; in web i-2 80=100 mark;"
        "in web i-3 80=100 mark; in web i-4 80=100; lists a i-4; in web i-5 80=100; lists a i-5;"
        "in web i-6 80=100; lists a i-6; in web i-7 80=100; lists a i-7; ~ is i-4 abnormal;"
        "~ is i-5 abnormal; ~ is i-6 abnormal; ~ is i-7 abnormal; > timer; > timer",
        ("core.planning.capacity:capacity", "wanted is not None", "False"),
    ),
    _bug(
        "a new server that waited for its weight stays though it fails with it",
        "failed, and kept beside the server that it was to replace",
        "target web; in web i-0 80=100; server i-n0 abnormal; read weight0_checked=False;"
        "fault 1 write 0 killed; fault 0 ecs 1+ throttled; > request web p:i-0/i-n0",
        ("core.deciding.rollback:_ours", "(b == found or b in status.change.into)", "b == found"),
    ),
    _bug(
        "an old server that is put back counts before its check",
        "floor",
        "target web asg=a; in web i-1 80=100 mark; in web i-2 80=100; server i-n0 abnormal; room 0;"
        "read fresh_health=2; ~ launch a i-n0; ~ leave a i-2; > timer",
        ("core.planning.capacity:in_service", "unchecked_yet(observed, back)", "frozenset()"),
    ),
    _bug(
        "a server that a listener uses unchecked is gone before its first check",
        "taken out without its drain",
        "target web asg=a drain=3; listener web https:443 unchecked; read fresh_health=2;"
        "~+10 foreign web in i-n4 80; > outerr a i-n4",
        (
            "core.model.observed:Observed.may_serve",
            "not said or bool(self.listeners.unchecking)",
            "not said",
        ),
    ),
    _bug(
        "an empty listing lets the floor sink",
        "wanted",
        "target web asg=a; in web i-0 80=100; in web i-1 80=100; server i-1 stopped; lists a i-1;"
        "in web i-2 80=100; server i-2 stopped; lists a i-2; in web i-4 80=100;"
        "fault 1 list 0 empty; ~ leave a i-4; > hooksin a i-4",
        ("core.planning.capacity:to_serve", "return not (is_told or", "return not (True or"),
    ),
    _bug(
        "a new server replaces another old one each time that its event comes",
        "floor",
        "target web asg=a un=0; in web i-2 80=30 mark; in web i-3 80=30 mark; in web i-4 80=30 mark;"
        "lists a i-4; in web i-6 80=30 mark; lists a i-6; in web i-5 80=30 mark; lists a i-5;"
        "server i-5 abnormal; ~ leave a i-2 Removing:Wait; ~ leave a i-3 Removing:Wait; > out a i-5 i-4",
        ("core.planning.capacity:baseline", "wanted is not None", "False"),
    ),
    _bug(
        "a server that a run cut off has put in counts before its first check",
        "floor",
        "target web asg=a un=50%; in web i-0 80=100; in web i-1 80=100; server i-n0;"
        "server i-n1; once; read fresh_health=2; fault 0 write 0 killed; ~ launch a i-n0;"
        "~ launch a i-n1; > out a i-n0 i-n1; ~ leave a i-0; ~ leave a i-1; > timer; > timer",
        ("core.planning.goal:goal", "untried(first, policy.marks)", "frozenset()"),
    ),
    _bug(
        "what was put back after a refusal for good is said to be held by the floor",
        "refused for the floor that has room",
        "target web drain=3; in web i-0 80=100; in web i-1 80=100; in web i-2 80=100; in web i-3 80=100;"
        "in web i-4 80=100; in web i-5 80=100; refuse RemoveVServerGroupBackendServers Forbidden.RAM;"
        "> request web t:i-0 t:i-1 force:min_backends,max_unavailable,max_removed",
        (
            "core.deciding.decide:_refused_for_good",
            "_next(calm) is None and not any(status.is_unfinished for status in calm.changes)",
            "_next(calm) is None",
        ),
        (
            "core.deciding.finish:_kept",
            "if (situation.room if is_replaced else situation.room_for_removals) > 0:",
            "if False:",
        ),
    ),
    _bug(
        "one server that is refused for good holds up all others",
        "a server that is refused holds up all others",
        "target web un=100% min=0; in web i-0 80=100; in web i-1 80=100; in web i-2 80=100; server i-n0;"
        "server i-n1; server i-n2; refuse any Forbidden.RAM of i-n1;"
        "> request web p:i-0/i-n0 p:i-1/i-n1 p:i-2/i-n2",
        (
            "core.deciding.run_state:RunState.after_write",
            'case Result.PERMANENT if do.why != "take_back":',
            "case Result.PERMANENT if False:",
        ),
    ),
    _bug(
        "a server that others put in during the run is taken for one of its own",
        "put in by others during the run, and taken out",
        "target web asg=a; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal;"
        "refuse ModifyVServerGroupBackendServers ObtainIpFail; ~+5 foreign web in i-n0 80 #by-hand;"
        "> request web p:i-0/i-n0",
        (
            "core.deciding.run_state:RunState.has_put_in",
            "(backend.key, backend.description) in self.put_in",
            "True",
        ),
    ),
    _bug(
        "a server that others put in during the run gets the weight of a new one",
        "put in by others during the run, and changed",
        "target web weight=50; in web i-0 80=100; in web i-1 80=100; server i-n0;"
        "refuse AddVServerGroupBackendServers ObtainIpFail; ~+5 foreign web in i-n0 80 #by-hand;"
        "> request web l:i-n0",
        ("core.deciding.status:ChangeStatus._meant", "now.key in look.state.start.backends", "True"),
    ),
)
