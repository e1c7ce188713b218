"""Worlds that walks at random found wrong once."""

from __future__ import annotations

import pytest

from tests.explore.oracle.judging import violations
from tests.explore.playing import play
from tests.explore.worlds import of_text

FOUND = {
    "a waiting new server takes the place of an old one that is in, not of one that is out":
        "target web strategy=surge; in web i-0 80=30 81=100; server i-n2; fault 0 write 0 killed; "
        "> request web t:i-1 t:i-0 l:i-n2",
    "a new server stays the one beside an old one on its port":
        "target web ports=80 weight=50; in web i-0 81=100; server i-n2; server i-n3; "
        "refuse RemoveVServerGroupBackendServers TooManyBackendServers; "
        "> request web t:i-0 t:i-1 l:i-n2 l:i-n3 surge",
    "the floor does not sink with a server that is lost during the run":
        "target web asg=a; in web i-0 80=100 mark; in web i-1 80=100 mark; in web i-2 80=100; "
        "~+5 release i-0; > out a i-n2",
    "nor where others are replaced":
        "target web asg=a exclusive; in web i-0 80=100; in web i-1 80=100; in web i-2 80=100; "
        "~+1 release i-1; ~ launch a i-n3; > out a i-n2",
    "a reading that shows others' write and not yet ours has both":
        "target web asg=a; in web i-0 80=100; in web i-2 80=100; fault 0 write 0 other; "
        "read present_new=updated; read read_lag=2; ~ launch a i-n0; > hookin a i-2",
    "a drain is given back though the reading lags and others have written":
        "target web asg=a,b drain=3; in web i-0 80=100; in web i-2 80=100 foreign; read read_lag=2; "
        "fault 0 write 0 other; > in b i-2; > timer",
    "a server that others put in during the run counts once it is proven":
        "target web asg=a min=2; in web i-0 80=100; read fresh_health=2; ~+10 foreign web in i-x9 80; "
        "~ launch a i-n2; > hookin a i-0",
    "the rest of a server whose pair failed is not said to be held by the floor":
        "target web un=50%; in web eni-0@10.0.0.1 80=100; in web eni-0@10.0.0.2 80=100; in web i-1 80=100; "
        "in web i-2 80=100; in web i-3 80=100; server i-n0; denied ecs; > request web l:i-n0; "
        "> request web t:i-2 t:eni-0 l:i-n4 l:i-n5",
    "what died during a run is replaced at once, and was not retired":
        "target web drain=3; in web i-0 80=100; in web i-1 80=100; lists a i-1; "
        "in web i-2 80=100; lists a i-2; server i-n2; server i-n3; server i-n4; read busy_for=1; ~+5 zero a; "
        "> request web p:i-0/i-n2 p:i-2/i-n3 p:i-1/i-n4",
    "a new server that fails a check does not waive it for another":
        "target web asg=a,b min=3; listener web https:443; in web i-0 80=0; in web i-1 80=100 mark; "
        "lists a i-1; in web i-2 80=100; lists a i-2; server i-n0 443=abnormal; server i-n3 443=abnormal; "
        "~ launch b i-n0; ~ leave b i-0; > hookin b i-0; ~ zero a; ~ launch b i-n3; > out b i-n3",
    "a new server that was given up, and is normal by now, stays where nothing else serves":
        "target web; in web i-0 80=100; server i-n0 abnormal; read fresh_health=2; read busy_for=1; "
        "~+5 foreign web weight i-0 0; > request web; ~+9 is i-n0 normal; > request web p:i-0/i-n0",
    "who is about to be reclaimed does not come back once ECS is asked again":
        "target web; target api asg=b exclusive un=0; in api i-4 80=100; server i-4 doomed; lists b i-5; "
        "in api i-6 80=100; server i-n2 beside=abnormal; rule api http:90 beside i-n2=100; "
        "~ launch b i-n2; > out b i-n2",
    "a server that was in with a part of its weights keeps them":
        "target web asg=a strategy=surge exclusive; in web i-0 80=30 81=100; lists a i-2; "
        "fault 0 write 0 other; refuse SetVServerGroupAttribute Forbidden.RAM; ~ launch a i-n2; > timer; "
        "~ launch a i-n5; > hookout a i-n5",
    "an instance waits at one lifecycle hook, however often it is said to leave":
        "target web asg=a; in web i-1 80=100; ~ leave a i-1 Removing:Wait; ~ launch a i-n0; "
        "~ leave a i-1 Removing:Wait; > hookin a i-1",
    "a scale-out hook is not continued for an instance that is stopped":
        "target web asg=a min=0 un=100%; listener web http:80 unchecked; in web i-0 80=100; "
        "lists a i-0; in web i-1 80=100 mark; ~ launch a i-1 Pending:Wait; ~ is i-1 stopped; > hookout a i-1",
    "a new server that fails stays beside its old one where the API does not take it out":
        "target web exclusive un=1; in web i-0 80=100 foreign; server i-n0 normal; server i-n1 normal; "
        "server i-n2 abnormal; server i-n3 abnormal; fault 0 write 0 reset; "
        "refuse RemoveVServerGroupBackendServers ObtainIpFail; "
        "> request web t:i-0 l:i-n0 force:max_removed; > request web l:i-n1 l:i-n2 surge; "
        "> request web p:i-0/i-n3",
    "a request takes out a server in service once its scaling group is gone":
        "target web asg=a ports=80 un=1; listener web https:443 unchecked; in web i-0 80=100; "
        "in web i-1 80=30 foreign; in web i-2 80=100; lists a i-2; in web i-3 80=100 mark; server i-n2; "
        "server i-n3; server i-n4; read fresh_health=2; ~+10 drop a; "
        "> request web t:i-2 t:i-0 t:i-3 l:i-n2 l:i-n3 l:i-n4",
    "a failed new server is taken back though ECS does not answer any more":
        "target web un=50% drain=5; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal; "
        "fault 0 ecs 1+ throttled; > request web p:i-0/i-n0",
    "nor Auto Scaling":
        "target web asg=a un=50% drain=5; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal; "
        "lists a i-0; lists a i-1; ~ leave a i-0; ~ launch a i-n0; fault 0 list 1+ forbidden; > timer",
    "a reading that is refused once does not end a run that has written":
        "target web un=50%; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal; "
        "fault 0 health 1 forbidden; > request web p:i-0/i-n0",
    "nor one that is refused to the end":
        "target web un=50%; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal; "
        "fault 0 read 1+ forbidden; > request web p:i-0/i-n0",
    "an owner's description does not remember the weight of a drain that a raised run has left":
        "target web drain=3; in web i-0 80=100; in web i-1 80=30 foreign; server i-n3; server i-n4; "
        "refuse ModifyVServerGroupBackendServers BackendServer.configuring; "
        "> request web t:i-1 t:i-0 l:i-n3 l:i-n4",
    "an action that is refused for good is the reason, and not the floor that it was drained under":
        "target web drain=3 strategy=surge; in web i-0 80=100; in web i-1 80=100; in web i-2 80=100; "
        "server i-n0; server i-n1; refuse RemoveVServerGroupBackendServers Forbidden.RAM; "
        "> request web p:i-0/i-n0 p:i-1/i-n1",
    "nor the quota of a load balancer that has room":
        "target web asg=a drain=3 un=100% min=0; in web i-0 80=100; in web i-1 80=100; lists a i-1; "
        "refuse ModifyVServerGroupBackendServers Forbidden.RAM; ~ launch a i-n0; ~ leave a i-0; > timer",
    "a server that is refused for good holds up no other, in or out":
        "target web asg=a exclusive un=100% rem=100% min=0; in web i-0 80=100; in web i-1 80=100; "
        "in web i-2 80=100; in web i-3 80=100; lists a i-3; refuse any IpVersionMismatch of i-1; > timer",
    "an old server that is refused on its way out is told apart from those that leave with it":
        "target web asg=a strategy=surge ports=80 un=2; in web i-0 80=100; server i-0 abnormal; lists a i-0; "
        "in web i-1 80=100 mark; server i-1 stopped; lists a i-1; server i-n0; server i-n1; room 0; "
        "refuse RemoveVServerGroupBackendServers IpVersionMismatch of i-1; "
        "> request web p:i-1/i-n0 p:i-0/i-n1 force:still_in_service",
    "and so it is where it does not drain":
        "target web asg=a drain=3 un=100%; in web i-0 80=100 mark; lists a i-0; in web i-1 80=100 mark; "
        "lists a i-1; in web i-2 80=100; lists a i-2; server i-n0; server i-n1; "
        "refuse SetVServerGroupAttribute Forbidden.RAM; "
        "> request web t:i-0 t:i-1 l:i-n0 l:i-n1 force:still_in_service",
    "nor where it is to be replaced at several ports":
        "target web drain=3 un=100% min=0; in web i-0 80=100 81=30; in web i-1 80=100 81=30; server i-n0; "
        "server i-n1; refuse any Forbidden.RAM of i-n0; > request web p:i-0/i-n0 p:i-1/i-n1",
    "a server that others put in is part of what a share is of, before its first check, too":
        "target web un=50%; in web i-0 80=100; in web i-2 80=100; in web i-3 80=100; server i-n0; "
        "server i-n1; read fresh_health=2; ~ foreign web in i-x9 80; > request web t:i-0 t:i-2 l:i-n0 l:i-n1",
    "a server about to be reclaimed is replaced though ECS was refused to another target once":
        "target web asg=a; target api; in web i-1 80=100; lists a i-1; server i-1 doomed; lists a i-2; "
        "fault 1 ecs 1 forbidden; fault 0 read 3+ throttled; > out a i-n0",
    "a server that has served nobody does not return for a new server that fails":
        "target web asg=a; target api asg=a; server i-2 abnormal; lists a i-2; in web i-3 80=100 mark; "
        "in api i-1 80=0; read weight0_checked=False; > in a i-1",
    "a server that others put in after the API refused it stays, though it is given up":
        "target web; in web i-0 80=100; in web i-1 80=100; server i-n0; server i-n1 abnormal; "
        "refuse ModifyVServerGroupBackendServers ObtainIpFail; ~+5 foreign web in i-n0 80 #by-hand; "
        "> request web t:i-0 l:i-n0 l:i-n1",
    "a new server that others have put in takes the place, and the next gets the usual weight":
        "target web; in web i-0 80=30; server i-n1; ~ foreign web in i-n0 80; "
        "> request web t:i-0 l:i-n0 l:i-n1",
    "a stale server goes though another target may not ask ECS who is about to be reclaimed":
        "target web asg=a strategy=surge; target api; in web i-0 80=100; in web i-2 81=100 mark; "
        "in api i-3 80=100; server i-n0 doomed; fault 0 ecs 1+ forbidden; ~ launch a i-n0; > timer",
    "an address at weight 0 is undone as it was, beside a drained one of the same server":
        "target web drain=3; in web eni-0@10.0.0.1 80=0; in web eni-0@10.0.0.2 80=30; in web i-0 80=100; "
        "in web i-1 80=100; fault 0 write 1 kill; > request web t:eni-0",
    "an old server does not return where the load balancer is busy to the end":
        "target web ports=80,81 min=0 rem=0; listener web https:443; in web i-0 80=30 mark; "
        "in web i-1 80=100; server i-n0 abnormal; "
        "refuse AddVServerGroupBackendServers BackendServer.configuring; ~ is i-0 doomed; "
        "> request web t:i-1 t:i-0 l:i-n0; ~ is i-1 stopped; > request web t:i-1",
    "a stale server goes though the server listed in its place comes to be reclaimed meanwhile":
        "target web asg=a strategy=surge; in web i-0 80=100; server i-0 abnormal; lists a i-0; server i-n0; "
        "server i-n1; read weight0_checked=False; "
        "> request web p:i-0/i-n0 p:i-2/i-n1 force:still_in_service; ~+5 is i-0 doomed; "
        "~ launch a i-n4; > out a",
    "a new server that fails is taken out though a rule uses it unchecked":
        "target web asg=a min=3; in web i-1 80=100; rule web http:80 web own unchecked; "
        "server i-n1 abnormal; read weight0_checked=False; ~ launch a i-n1; ~ leave a i-1; > out a",
    "an old server does not return while another target finds the load balancer busy":
        "target web asg=a exclusive min=0; target api asg=a; in web i-0 80=100; in api i-1 80=100; "
        "lists a i-1; server i-n0 abnormal; refuse AddVServerGroupBackendServers BackendServer.configuring; "
        "~ launch a i-n0; > hooksin a i-1",
    "of two new servers added for pairs that the API refuses nobody knows whose weight is whose":
        "target web asg=a,b weight=50 min=2; in web i-0 80=100; in web i-2 80=0 mark; "
        "refuse ModifyVServerGroupBackendServers TooManyBackendServers; ~ launch b i-n0; ~ launch a i-n2; "
        "> hookin a i-0",
    "a server said to be deleted, that fails, goes where a wrong listing leaves it out and ECS is unread":
        "target web asg=a; in web i-0 80=100; lists a i-0; denied ecs; fault 2 list 0 empty; "
        "~+1 is i-0 abnormal; > deleted i-0",
    "a server without a port comes in once the others have a port in common":
        "target web; in web i-0 80=100; server i-n0; server i-n1; server i-n2; > request web l:i-n0:port=81; "
        "> request web t:i-0 l:i-n1:port=81 l:i-n2:weight=30",
    "and is refused once more where there is no room for it":
        "target web; in web i-0 80=0; server i-n1; server i-n2; room 0; > request web t:i-0; "
        "> request web l:i-n1 l:i-n2:port=81",
    "an owner's description does not remember the weight of a drain that an earlier delivery has left":
        "target web asg=a drain=3; in web i-1 80=30 foreign; in web i-4 80=100; server i-n0 abnormal; "
        "read busy_for=1; fault 0 write 2 kill; ~ launch a i-n0; > hookin a i-1; ~ release i-1; > in a i-1",
    "what nothing replaces stays while fewer serve than are wanted, though the listing is empty for once":
        "target web asg=a; in web i-0 80=100; in web i-1 80=100; server i-1 stopped; lists a i-1; "
        "in web i-2 80=100; server i-2 stopped; lists a i-2; in web i-4 80=100; fault 1 list 0 empty; "
        "~ leave a i-4; > hooksin a i-4",
    "who is about to be reclaimed stands as a request says, though others took it out meanwhile":
        "target web; in web eni-0@10.0.0.1 80=100; in web i-1 80=100; "
        "refuse SetVServerGroupAttribute BackendServer.configuring; ~+1 is i-1 doomed; > request web; "
        "~+1 foreign web out i-1; > request web l:i-1:weight=0",
    "a stale server that waits for its weight stays while the new one for it fails":
        "target web asg=a; in web i-0 81=100; server i-n2; server i-n4 abnormal; "
        "refuse SetVServerGroupAttribute BackendServer.configuring; > request web p:i-0/i-n2; "
        "~ launch a i-n4; > timer",
    "a new server that fails is left in where others took out a part of its old one":
        "target web drain=3; in web i-0 80=100 81=100; in web i-1 80=100; server i-n0 abnormal; "
        "fault 0 write 0 other; > request web p:i-0/i-n0",
    "a new server that waited for its weight goes again if it fails once it has it":
        "target web; in web i-0 80=100; server i-n0 abnormal; read weight0_checked=False; "
        "fault 1 write 0 killed; fault 0 ecs 1+ throttled; > request web p:i-0/i-n0",
    "a new server gets the weight that the one it replaces had before it drained, whoever put that in":
        "target web asg=a drain=3; in web i-0 80=100 foreign; in web i-1 80=30; server i-n0; "
        "server i-n1; once; fault 1 write 0 reset; fault 1 read 5+ throttled; "
        "> request web t:i-0 t:i-1 l:i-n0 l:i-n1; > in a; "
        "~ launch a i-n2; > hookout a i-n2",
    "a weight 0 that a request has named is not handed on as one that a drain took":
        "target web; in web i-0 80=30; server i-n0; ~ foreign web out i-0; > request web l:i-0:weight=0; "
        "> request web t:i-0 l:i-n0",
    "what others make of a server that a run has just put in may be undone by that run":
        "target web asg=a; lists a i-2; in web i-3 80=100; read read_lag=2; ~+1 foreign web weight i-2 30; "
        "> timer; > request web t:i-3",
    "a new server that fails stays where a kill came before it was taken out":
        "target web asg=a; in web i-0 80=100; in web i-1 80=100; server i-n0 abnormal; read read_lag=2; "
        "fault 0 write 0 lost; fault 0 list 1 kill; > request web p:i-1/i-n0",
    "an old server that is put back counts once it is checked":
        "target web asg=a; in web i-1 80=100 mark; in web i-2 80=100; server i-n0 abnormal; room 0; "
        "read fresh_health=2; ~ launch a i-n0; ~ leave a i-2; > timer",
    "a server of a failed scale-out that a listener uses unchecked may serve, before its first check too":
        "target web asg=a drain=3; listener web https:443 unchecked; read fresh_health=2; "
        "~+10 foreign web in i-n4 80; > outerr a i-n4",
    "a new server that waited for its weight need not drain if it fails with it":
        "target web asg=a drain=3; listener web https:443; in web i-0 80=100 mark; server i-n0 443=abnormal; "
        "read weight0_checked=False; fault 0 write 1 kill; ~ launch a i-n0; > out a",
    "a server that others put in before the run counts for the floor before its first check":
        "target web un=0; in web i-0 80=100; in web i-1 80=100; server i-n0; read fresh_health=2; "
        "~ foreign web in i-x9 80; > request web t:i-0 t:i-1 l:i-n0",
    "an old server that a refused write may have taken out is tried again, though it fails meanwhile":
        "target web drain=3; in web i-0 80=100; read read_lag=2; read failed_new=removes_old; denied ecs; "
        "~+5 is i-0 abnormal; > request web p:i-0/i-n0",
    "and so does one that a cut-off run has drained, while the API refuses the new one":
        "target api asg=a drain=3 exclusive; lists a i-1; in api i-0 80=100 foreign; server i-n0; "
        "server i-n1 stopped; denied ecs; fault 1 write 3 kill; > request api t:i-0 l:i-n0; ~ lag a; "
        "~ launch a i-n1; > hooksin a i-0",
}  # fmt: skip


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND.keys())
def test_what_was_wrong_once_is_right(text: str) -> None:
    assert violations(play(of_text(text))) == []
