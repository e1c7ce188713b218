"""What is counted of traffic: causes by HAProxy's log, failures and latencies by the sender's."""

from collections import Counter

from show.traffic.haproxy import cause
from show.traffic.instances import Build
from show.traffic.measuring import measured, percentile
from show.traffic.sender import Sample
from show.traffic.stage import build_of, chunks

# Lines as HAProxy 2.6 wrote them.
REFUSED = (
    "127.0.0.1:51000 [25/Nov/2026:12:59:00.123] web rsp-web/i-2 0/0/-1/-1/0 503 217 - - SC-- 40/40/0/0/0 0/0 "
    '"GET / HTTP/1.1"\n'
)
NOBODY = REFUSED.replace("rsp-web/i-2", "rsp-web/<NOSRV>")
ANSWERED = REFUSED.replace("503 217 - - SC--", "500 217 - - ----")
DOWN = "Server rsp-web/i-2 is DOWN, reason: Layer4 connection problem, check duration: 0ms.\n"


def test_a_failure_has_its_cause_in_words():
    assert "no connection to the server" == cause(REFUSED)
    assert "no server was in service" == cause(NOBODY)
    assert "the server answered with an error" == cause(ANSWERED)


def test_a_line_about_a_server_is_no_failure():
    assert cause(DOWN) is None


def test_a_state_without_words_is_named_as_it_is():
    assert "state XY--" == cause(REFUSED.replace("SC--", "XY--"))


def test_what_is_no_2xx_has_failed_a_lost_answer_too():
    assert [False, True, True] == [Sample(0, status, 1).failed for status in (204, 503, -1)]


def test_latency_during_is_set_against_latency_before_and_idle_time_counts_for_neither():
    before = [Sample(1 + n / 100, 200, 2.0) for n in range(100)]
    during = [Sample(5 + n / 100, 200, 3.0) for n in range(100)]
    idle = [Sample(9, 503, 1000.0)]
    found = measured([*before, *during, *idle], Counter(), [(5, 6)], 1, [])
    assert (201, 1, 3.0, 3.0, 1.5) == (
        found.requests, found.failed, found.p50_ms, found.p99_ms, found.p99_ratio,
    )  # fmt: skip


def test_the_quiet_between_two_replacements_is_before_the_second():
    def at(second: float, ms: float) -> list[Sample]:
        return [Sample(second + n / 100, 200, ms) for n in range(100)]

    samples = [*at(1, 2.0), *at(5, 3.0), *at(6, 99.0), *at(8, 6.0), *at(9, 3.0)]
    found = measured(samples, Counter(), [(5, 6), (9, 10)], 1, [])
    assert (3.0, 0.5) == (found.p99_ms, found.p99_ratio)


def test_a_percentile_of_nothing_is_0():
    assert (0.0, 99, 1) == (percentile([], 0.99), percentile(list(range(100)), 0.99), percentile([1], 0.99))


def test_every_fourth_new_server_is_slow_and_a_bad_build_is_known_by_its_name():
    assert [Build(3.0), Build(1.5), Build(1.5, bad=True)] == [
        build_of("i-new0104"), build_of("i-new0105"), build_of("i-bad0101"),
    ]  # fmt: skip
    assert Build(1.5) == build_of("i-new0104", pace=0.5)


def test_a_call_takes_20_backends():
    assert [20, 20, 5] == [len(part) for part in chunks([str(n) for n in range(45)])]
