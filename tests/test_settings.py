"""Settings: what each key may be, and that everything wrong is said at once."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler import settings, targets
from handler.cloud import endpoints
from handler.core.model.marks import Marks
from handler.core.model.policy import Policy, Target
from handler.settings import BadSettings, Secrets, load

ONE = {"vserver_group_id": "rsp-web"}
GROUP = "the id of a VServer group, which begins with rsp-"
BALANCER = "the id of a Classic Load Balancer, which begins with lb-"
SHARE_25 = 'a number of servers, or a share like "25%"'
KEYS = ", ".join(targets._TARGET)
SECRET = "whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b"


def loaded(*targets: Any, **environ: str) -> settings.Settings:
    return load({"SWAP_TARGETS": json.dumps(list(targets)), **environ})


def errors(*targets: Any, **environ: str) -> tuple[str, ...]:
    with pytest.raises(BadSettings) as caught:
        loaded(*targets, **environ)
    assert str(caught.value) == "\n".join(caught.value.errors)
    return caught.value.errors


def test_only_the_group_is_required() -> None:
    policy = Policy(marks=Marks("rsp-web"))
    assert loaded(ONE).targets == (Target("rsp-web", "rsp-web", (), "apply", policy),)
    assert loaded(ONE) == settings.Settings(loaded(ONE).targets)


def test_everything_that_can_be_said() -> None:
    said = {
        "name": "web",
        "vserver_group_id": "rsp-web",
        "load_balancer_id": "lb-1",
        "scaling_group_ids": ["asg-1", "asg-2"],
        "ports": [8080, 9090],
        "weight": 50,
        "mode": "plan",
        "strategy": "surge",
        "max_unavailable": 2,
        "min_backends": 0,
        "max_removed": "0%",
        "exclusive": True,
        "drain_s": 30.5,
        "health": {"timeout_s": 60, "interval_s": 1},
    }
    policy = Policy(
        marks=Marks("web"),
        ports=(8080, 9090),
        weight=50,
        strategy="surge",
        max_unavailable=2,
        min_backends=0,
        max_removed="0%",
        exclusive=True,
        drain_s=30.5,
        health_timeout_s=60,
        health_interval_s=1,
    )
    assert loaded(said).targets == (Target("web", "rsp-web", ("asg-1", "asg-2"), "plan", policy, "lb-1"),)


def test_the_environment_says_the_rest() -> None:
    found = loaded(
        ONE,
        SWAP_ENDPOINT="http://127.0.0.1:8080",
        SWAP_NETWORK="VPC",
        SWAP_WEBHOOK_SECRETS=f" {SECRET}, a plain one of some length,,",
        LOG_LEVEL="debug",
    )
    assert (found.endpoints.network, found.log_level) == ("vpc", "DEBUG")
    assert found.endpoints.loopback == endpoints.loopback("http://127.0.0.1:8080")
    assert found.secrets.values == (SECRET, "a plain one of some length")
    assert "whsec" not in repr(found.secrets) + str(found)


def test_endpoints_may_be_named_each() -> None:
    assert loaded(ONE, SWAP_ENDPOINTS="slb=slb.aliyuncs.com").endpoints.hosts == {"slb": "slb.aliyuncs.com"}
    (why,) = errors(ONE, SWAP_ENDPOINTS="slb=slb.example.com")
    assert (
        why == "SWAP_ENDPOINTS: expected a host that ends with .aliyuncs.com for slb, got 'slb.example.com'"
    )


def test_empty_variables_are_as_good_as_none() -> None:
    assert loaded(
        ONE, SWAP_ENDPOINT=" ", SWAP_ENDPOINTS=" ", SWAP_NETWORK="", LOG_LEVEL="", SWAP_WEBHOOK_SECRETS=""
    ) == loaded(ONE)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "vserver_group_id",
            "sgp-1",
            f"{GROUP}, got the id of a server group of an ALB or NLB, which has another API",
        ),
        ("vserver_group_id", "lb-1", f"{GROUP}, got the id of a Classic Load Balancer"),
        ("vserver_group_id", "asg-1", f"{GROUP}, got the id of a scaling group"),
        ("vserver_group_id", "rsp-", GROUP),
        ("load_balancer_id", "rsp-a", f"{BALANCER}, got the id of a VServer group"),
        ("load_balancer_id", "alb-a", f"{BALANCER}, got the id of an ALB"),
        ("load_balancer_id", " lb-a", f'{BALANCER}, did you mean "lb-a"?'),
        ("load_balancer_id", 5, f"{BALANCER}, got a number"),
        ("vserver_group_id", "web", GROUP),
        ("vserver_group_id", "rsp-a\n", f'{GROUP}, did you mean "rsp-a"?'),
        ("vserver_group_id", ["rsp-a"], f'{GROUP}, got a list, did you mean "rsp-a"?'),
        ("vserver_group_id", None, f"{GROUP}, got null"),
        ("name", "a b", "1 to 71 letters, digits, '-', '_' or '.'"),
        ("name", "x" * 72, "1 to 71 letters, digits, '-', '_' or '.'"),
        ("name", 5, "1 to 71 letters, digits, '-', '_' or '.', got a number"),
        ("weight", 0, "a number from 1 to 100"),
        ("weight", 101, "a number from 1 to 100"),
        ("weight", 1.5, "a number from 1 to 100, got a number with a fraction"),
        ("weight", "100", "a number from 1 to 100, got text, did you mean 100?"),
        ("weight", "heavy", "a number from 1 to 100, got text"),
        ("mode", "dry", "one of apply, plan, off"),
        ("mode", "Apply", "one of apply, plan, off, did you mean apply?"),
        ("mode", 1, "one of apply, plan, off, got a number"),
        ("strategy", "blue-green", "one of swap, surge"),
        ("strategy", "surges", "one of swap, surge, did you mean surge?"),
        ("max_unavailable", "101%", SHARE_25),
        ("max_unavailable", -1, SHARE_25),
        ("max_unavailable", "2", f"{SHARE_25}, did you mean 2?"),
        ("max_unavailable", "25% ", f'{SHARE_25}, did you mean "25%"?'),
        ("max_unavailable", 2.5, f"{SHARE_25}, got a number with a fraction"),
        ("max_unavailable", True, f"{SHARE_25}, got true or false"),
        ("max_removed", "half", 'a number of servers, or a share like "50%"'),
        ("min_backends", -1, "a number of servers, 0 or more"),
        ("min_backends", None, "a number of servers, 0 or more, got null"),
        ("exclusive", "yes", "true or false, got text, did you mean true?"),
        ("exclusive", "False", "true or false, got text, did you mean false?"),
        ("exclusive", 1, "true or false, got a number"),
        ("drain_s", -1, "seconds, 0 to 86400"),
        ("drain_s", "30s", "seconds, 0 to 86400, got text"),
        ("ports", 8080, "a list of ports, 1 to 65535, got a number, did you mean [8080]?"),
        ("ports", "8080", "a list of ports, 1 to 65535, got text, did you mean [8080]?"),
        ("ports", {}, "a list of ports, 1 to 65535, got an object"),
        ("scaling_group_ids", "asg-1", 'a list of ids of scaling groups, got text, did you mean ["asg-1"]?'),
        ("health", 5, "an object with timeout_s and interval_s, got a number"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_key_what_is_allowed_and_what_is_nearest(
    key: str, value: Any, said: str
) -> None:
    assert errors({**ONE, key: value}) == (f"targets[0].{key}: expected {said}",)


def test_an_item_of_a_list_is_named_by_its_place() -> None:
    assert errors({**ONE, "ports": [80, 0]}) == ("targets[0].ports[1]: expected a port, 1 to 65535",)
    assert errors({**ONE, "ports": ["80", "x"]}) == (
        "targets[0].ports[0]: expected a port, 1 to 65535, got text, did you mean 80?",
        "targets[0].ports[1]: expected a port, 1 to 65535, got text",
    )
    assert errors({**ONE, "ports": [0, 81, 70000]}) == (
        "targets[0].ports[0]: expected a port, 1 to 65535",
        "targets[0].ports[2]: expected a port, 1 to 65535",
    )
    assert errors({**ONE, "scaling_group_ids": ["x" * 70 + " "]}) == (
        "targets[0].scaling_group_ids[0]: expected the id of a scaling group",
    )
    assert errors({**ONE, "scaling_group_ids": [""]}) == (
        "targets[0].scaling_group_ids[0]: expected the id of a scaling group",
    )
    assert errors({**ONE, "scaling_group_ids": ["asg-1", "rsp-web"]}) == (
        "targets[0].scaling_group_ids[1]: expected the id of a scaling group, got the id of a VServer group",
    )
    assert errors({**ONE, "ports": [80, 80], "scaling_group_ids": ["asg-1", "asg-1"]}) == (
        "targets[0].ports: 80 twice",
        "targets[0].scaling_group_ids: 'asg-1' twice",
    )


@given(
    st.sampled_from([*targets._TARGET, "health.timeout_s", "health.interval_s", "colour"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(max_codepoint=0x3FF, exclude_characters="`"), max_size=9)
    | st.lists(st.integers() | st.text("ab1-"), max_size=3)
    | st.dictionaries(st.text("ab"), st.integers(), max_size=1),
)
def test_whatever_a_key_has_its_message_names_it_and_has_no_parsers_jargon(key: str, value: Any) -> None:
    outer, _, inner = key.partition(".")
    try:
        loaded({**ONE, outer: {inner: value} if inner else value})
    except BadSettings as wrong:
        for error in wrong.errors:
            assert error.startswith(f"targets[0].{key}")
            said = error.partition(": ")[2].partition(", did you mean")[0]
            assert not re.search(r"`|regex|\bstr\b|\bint\b|array|Expected", said), error


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    assert errors({**ONE, "weigth": 5, "zzz": 1, "health": {"timeout": 5}}) == (
        "targets[0].weigth: unknown, did you mean weight?",
        f"targets[0].zzz: unknown, expected one of {KEYS}",
        "targets[0].health.timeout: unknown, did you mean timeout_s?",
    )


def test_all_errors_are_said_at_once() -> None:
    wrong = {"SWAP_NETWORK": "lan", "LOG_LEVEL": "LOUD", "SWAP_ENDPOINT": "https://slb.aliyuncs.com"}
    assert errors({"ports": ["x"]}, 5, {**ONE, "health": {"interval_s": 0}}, **wrong) == (
        "targets[0].ports[0]: expected a port, 1 to 65535, got text",
        "targets[0].vserver_group_id: required",
        "targets[1]: expected an object with vserver_group_id, got a number",
        "targets[2].health.interval_s: expected seconds above 0, up to 86400",
        "SWAP_ENDPOINT: expected a loopback address (localhost, 127.0.0.1, [::1]), got 'slb.aliyuncs.com'",
        "SWAP_NETWORK: expected one of public, vpc, got 'lan'",
        "LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, got 'LOUD'",
    )


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (
            {"name": "a"},
            {"name": "a", "vserver_group_id": "rsp-b"},
            ["name: 'a' is the name of targets[0] too"],
        ),
        ({}, {}, ["name: targets[0] has the same group and name; give each a name"]),
        (
            {},
            {"name": "rsp-web", "vserver_group_id": "rsp-b"},
            ["name: 'rsp-web' is the name of targets[0] too"],
        ),
        (
            {"name": "a"},
            {"name": "rsp-web", "vserver_group_id": "rsp-b"},
            ["name: it is the VServer group id of targets[0], or the reverse"],
        ),
        (
            {"name": "rsp-b"},
            {"name": "b", "vserver_group_id": "rsp-b"},
            ["name: it is the VServer group id of targets[0], or the reverse"],
        ),
        (
            {"name": "a", "exclusive": True},
            {"name": "b"},
            ["vserver_group_id: targets[0] has it too, and one is exclusive"],
        ),
        (
            {"name": "a"},
            {"name": "b", "exclusive": True},
            ["vserver_group_id: targets[0] has it too, and one is exclusive"],
        ),
    ],
)
def test_two_targets_that_cannot_be_together(
    one: dict[str, Any], other: dict[str, Any], said: list[str]
) -> None:
    assert errors({**ONE, **one}, {**ONE, **other}) == tuple(f"targets[1].{line}" for line in said)


def test_names_are_those_of_all_targets_and_what_they_consist_of() -> None:
    web = {**ONE, "name": "web", "scaling_group_ids": ["asg-1", "asg-2"]}
    assert loaded(web, {"vserver_group_id": "rsp-b"}).names == (
        "web",
        "rsp-web",
        "asg-1",
        "asg-2",
        "rsp-b",
        "rsp-b",
    )


def test_two_targets_may_share_a_group_if_neither_is_exclusive() -> None:
    found = loaded({**ONE, "name": "a"}, {**ONE, "name": "b"}, {"vserver_group_id": "rsp-c"}).targets
    assert [target.name for target in found] == ["a", "b", "rsp-c"]


def test_two_targets_of_a_group_are_of_one_load_balancer() -> None:
    web, api = ({**ONE, "name": name, "load_balancer_id": "lb-1"} for name in ("web", "api"))
    assert errors(web, {**api, "load_balancer_id": "lb-2"}) == (
        "targets[1].load_balancer_id: targets[0] has the same group and another one",
    )
    assert 2 == len(loaded(web, api).targets) == len(loaded(web, {**ONE, "name": "api"}).targets)


@pytest.mark.parametrize(
    ("health", "said"),
    [
        ({"timeout_s": 0}, "expected interval_s (2) or more, got 0"),
        ({"timeout_s": 1, "interval_s": 5}, "expected interval_s (5) or more, got 1"),
        ({"interval_s": 120.5}, "expected interval_s (120.5) or more, got 120"),
    ],
)
def test_a_new_server_is_looked_at_before_its_time_is_over(health: dict[str, Any], said: str) -> None:
    assert errors({**ONE, "health": health}) == (f"targets[0].health.timeout_s: {said}",)
    assert 2 == loaded({**ONE, "health": {"timeout_s": 2}}).targets[0].policy.health_timeout_s


def test_a_target_that_is_wrong_clashes_with_none() -> None:
    assert errors({**ONE, "weight": 0}, ONE, {**ONE, "weight": 0}) == (
        "targets[0].weight: expected a number from 1 to 100",
        "targets[2].weight: expected a number from 1 to 100",
    )


def test_targets_may_stand_in_a_file_of_the_package() -> None:
    read: list[str] = []

    def read_file(path: str) -> str:
        read.append(path)
        return json.dumps([ONE])

    assert load({"SWAP_TARGETS": "config/targets.json"}, read_file).targets == loaded(ONE).targets
    assert read == ["config/targets.json"]


def test_the_package_is_where_the_handler_is() -> None:
    here = Path(settings.__file__)
    assert settings.from_package("handler/settings.py") == here.read_text(encoding="utf-8")


def refused(targets: str | None, read_file: Any = settings.from_package) -> str:
    with pytest.raises(BadSettings) as caught:
        load({} if targets is None else {"SWAP_TARGETS": targets}, read_file)
    (line,) = caught.value.errors
    return line


@pytest.mark.parametrize("targets", [None, "", "  "])
def test_without_targets_it_is_said_what_is_expected(targets: str | None) -> None:
    assert (
        refused(targets) == "SWAP_TARGETS: expected a JSON list of targets, or the path of one in the package"
    )


@pytest.mark.parametrize(("targets", "got"), [("{}", "an object: put it in [ ]"), ("[]", "an empty list")])
def test_what_is_no_list_is_refused(targets: str, got: str) -> None:
    assert refused(targets) == f"SWAP_TARGETS: expected a list of at least one target, got {got}"


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ("[", "not JSON: it was cut"),
        ("[" * 100_000, "not JSON: nested too deep"),
        ("[{]", "not JSON: object keys must be strings (byte 2)"),
        ("[\udcff]", "not UTF-8"),
        (
            "'[{}]'",
            'expected a JSON list of targets, which begins with [, got text that begins with "\'"',
        ),
    ],
)
def test_what_is_no_json_is_refused(targets: str, said: str) -> None:
    assert refused(targets) == f"SWAP_TARGETS: {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not JSON: it was cut"),
        ("[1,]", "not JSON: trailing comma in array (byte 3)"),
        ("{}", "expected a list of at least one target, got an object: put it in [ ]"),
    ],
)
def test_a_file_that_is_no_list_is_named(content: str, said: str) -> None:
    assert refused("web.json", lambda _: content) == f"SWAP_TARGETS: 'web.json': {said}"


def test_a_word_that_is_nearly_right_is_told_its_neighbour() -> None:
    assert errors(ONE, SWAP_NETWORK="vcp", LOG_LEVEL="warn") == (
        "SWAP_NETWORK: expected one of public, vpc, got 'vcp', did you mean vpc?",
        "LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, got 'warn', did you mean WARNING?",
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "../targets.json", "a/../../b"])
def test_a_path_outside_the_package_is_refused(path: str) -> None:
    assert refused(path) == f"SWAP_TARGETS: expected a path inside the package, got {path!r}"


def test_a_file_that_cannot_be_read_is_named() -> None:
    assert refused("no/such.json") == "SWAP_TARGETS: cannot read 'no/such.json': No such file or directory"

    def read_file(path: str) -> str:
        return b"\xff".decode()

    assert refused("latin.json", read_file) == "SWAP_TARGETS: cannot read 'latin.json': not UTF-8"


@pytest.mark.parametrize(
    ("said", "function"),
    [
        ("other-swap/swap", ("other-swap", "swap")),
        ("other-swap.prod/swap", ("other-swap.prod", "swap")),
        ("slb-swap-1A2B", ("", "slb-swap-1A2B")),
        (" swap.prod ", ("", "swap.prod")),
        ("", ("slb-swap", "swap")),
    ],
)
def test_function_behind_the_webhook_is_in_a_service_or_in_none(said: str, function: tuple[str, str]) -> None:
    assert function == loaded(ONE, SWAP_FUNCTION=said).function


@pytest.mark.parametrize(
    "said", ["/swap", "slb-swap/", "a/b/c", "a b", "1a", "a.b.c", "https://x/y", "ä", SECRET]
)
def test_function_behind_the_webhook_that_is_neither_is_an_error(said: str) -> None:
    (error,) = errors(ONE, SWAP_FUNCTION=said)
    assert error.startswith("SWAP_FUNCTION: expected a function such as")


AT_THE_BEGINNING = "expected whsec_ at the beginning alone: no quotation marks, and commas between secrets"
OF_THE_EXAMPLES = "expected a secret of your own, got that of the examples"
PUBLISHED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SHORT = "expected whsec_ and base64 of 24 bytes or more, or 16 characters or more, got {} characters"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("x", SHORT.format(1)),
        ("fifteen-letters", SHORT.format(15)),
        ("whsec_", "expected base64 of 24 bytes or more after whsec_, got 0"),
        ("whsec_not base64!", "expected base64 after whsec_"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa", "expected base64 of 24 bytes or more after whsec_, got 22"),
        ("WHSEC_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b", "expected whsec_ in small letters"),
        ("'whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b'", AT_THE_BEGINNING),
        ("whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b;whsec_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b", AT_THE_BEGINNING),
        (
            "whsk_bqpRaw4cYwwfWi2yyaXie5j2y2Ujk04b",
            "expected a shared secret, which begins with whsec_, got a key of an asymmetric pair",
        ),
        ("whsec_" + "A" * 32, "expected random bytes, got only 1 different ones"),
        ("a" * 24, "expected random characters, got only 1 different ones"),
        ("passwordpasswordpassword", "expected random characters, got only 7 different ones"),
        (
            "{{resolve:kms-secret:x}}",
            "expected a secret, got a reference to one, which was never replaced by it",
        ),
        (
            "${WEBHOOK_SECRET_OF_WEB}",
            "expected a secret, got a reference to one, which was never replaced by it",
        ),
        (PUBLISHED, OF_THE_EXAMPLES),
        (PUBLISHED.removeprefix("whsec_"), OF_THE_EXAMPLES),
    ],
)
def test_a_secret_that_can_be_guessed_is_refused_by_its_place_and_never_by_its_text(
    secret: str, said: str
) -> None:
    assert errors(ONE, SWAP_WEBHOOK_SECRETS=f"{SECRET}, {secret}") == (f"SWAP_WEBHOOK_SECRETS[1]: {said}",)


@pytest.mark.parametrize("document", ["README.md", "docs/webhook.md"])
def test_the_secret_of_the_examples_is_for_a_local_cloud_alone(document: str) -> None:
    text = (Path(__file__).resolve().parents[1] / document).read_text(encoding="utf-8")
    (secret,) = re.findall(r"whsec_\w{32}", text)
    assert errors(ONE, SWAP_WEBHOOK_SECRETS=secret) == (f"SWAP_WEBHOOK_SECRETS[0]: {OF_THE_EXAMPLES}",)
    local = {"SWAP_ENDPOINT": "http://127.0.0.1:1", "SWAP_WEBHOOK_SECRETS": secret}
    assert loaded(ONE, **local).secrets.values == (secret,)


def test_a_secret_that_is_given_twice_is_one() -> None:
    assert loaded(ONE, SWAP_WEBHOOK_SECRETS=f"{SECRET}, x{SECRET[6:]},{SECRET}").secrets.values == (
        SECRET,
        f"x{SECRET[6:]}",
    )


def test_a_secret_in_the_place_of_another_setting_is_not_told() -> None:
    for name in ("SWAP_TARGETS", "SWAP_NETWORK", "SWAP_ENDPOINTS"):
        (error,) = errors(**{"SWAP_TARGETS": json.dumps([ONE]), "SWAP_WEBHOOK_SECRETS": SECRET, name: SECRET})
        assert "***" in error
        assert SECRET.removeprefix("whsec_") not in error


def test_no_hint_quotes_what_may_be_a_secret() -> None:
    (error,) = errors(SWAP_TARGETS=json.dumps([{**ONE, "scaling_group_ids": "s3cr3tS3cr3tS3cr3tAAAA"}]))
    assert "s3cr3t" not in error.lower()


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        SECRET.removeprefix("whsec_"),
        "WHSEC_short1",
        "whsk_short1",
        "LTAI5tFAKE0KEY0ID0OF0AN1",
        "correcthorsebatterystaple",
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.SflKxwRJSMeKKF2QT4",
        "https://user:hunter2hunter2@host.example.com/",
    ],
)
@pytest.mark.parametrize(
    "name", ["SWAP_TARGETS", "SWAP_NETWORK", "SWAP_ENDPOINTS", "SWAP_ENDPOINT", "SWAP_FUNCTION", "LOG_LEVEL"]
)
def test_what_may_be_a_secret_is_told_of_no_variable(name: str, secret: str) -> None:
    wrong = errors(
        **{"SWAP_TARGETS": json.dumps([ONE]), "SWAP_WEBHOOK_SECRETS": "targets.json", name: secret}
    )
    for part in re.split(r"[ .]|whs[ek]c?_", secret, flags=re.IGNORECASE):
        assert len(part) < 6 or part in {"Bearer", "example"} or part not in "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("SWAP_TARGETS", "targets-2024-06-01.json", "targets-2024-06-01.json"),
        ("SWAP_TARGETS", "/etc/slb-swap/targets", "/etc/slb-swap/targets"),
        ("SWAP_TARGETS", "a " * 99, ("a " * 99)[:61] + "..."),
        ("SWAP_NETWORK", "intranet", "intranet"),
        ("SWAP_ENDPOINTS", "slb=https://slb.aliyuncs.com", "https://slb.aliyuncs.com"),
        ("SWAP_ENDPOINTS", "slb-cn-hangzhou.aliyuncs.com", "slb-cn-hangzhou.aliyuncs.com"),
        ("SWAP_ENDPOINT", "http//127.0.0.1:8080", "***"),
        ("ALIBABA_CLOUD_CA_BUNDLE", "/nowhere/ca_bundle.pem", "/nowhere/ca_bundle.pem"),
    ],
)
def test_what_can_be_no_secret_is_told_and_cut(name: str, given: str, told: str) -> None:
    (error,) = errors(**{"SWAP_TARGETS": json.dumps([ONE]), name: given})
    assert f"{told!r}" in error


@pytest.mark.parametrize("given", ["export A=hunter2\nexport B=c", "x\ry", "x" * 256, "x={}"])
def test_a_text_that_can_be_no_path_is_not_told(given: str) -> None:
    assert errors(SWAP_TARGETS=given) == (
        "SWAP_TARGETS: expected a JSON list of targets, which begins with [, "
        f"got text that begins with {given[0]!r}",
    )


def test_a_secret_as_a_key_is_not_told() -> None:
    (error,) = errors({**ONE, SECRET: 1})
    assert error.startswith("targets[0].***: unknown, expected one of")
    (error,) = errors(SWAP_TARGETS=f'[{{"{SECRET}": 1, "{SECRET}": 2}}]')
    assert error == "SWAP_TARGETS: '***' is twice in one object"


@pytest.mark.parametrize("held", [None, "", "no certificate"])
def test_a_bundle_that_has_no_certificates_is_named(
    held: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if held is not None:
        Path("ca.pem").write_text(held)
    for bundle in ("ca.pem", "."):
        assert errors(ONE, ALIBABA_CLOUD_CA_BUNDLE=bundle) == (
            f"ALIBABA_CLOUD_CA_BUNDLE: cannot read certificates from {bundle!r}",
        )


def test_a_bundle_of_certificates_is_taken() -> None:
    assert loaded(ONE, ALIBABA_CLOUD_CA_BUNDLE=certifi.where()) == loaded(ONE, ALIBABA_CLOUD_CA_BUNDLE="")


def test_a_key_that_is_twice_in_a_target_is_refused() -> None:
    text = '[{"vserver_group_id": "rsp-1", "mode": "plan", "mode": "apply"}]'
    assert errors(SWAP_TARGETS=text) == ("SWAP_TARGETS: 'mode' is twice in one object",)


@pytest.mark.parametrize("name", ["v1", "V1", "v1a", "sha256", "hmac-sha256", "HS256", "ed25519"])
def test_a_list_with_an_algorithms_name_is_refused(name: str) -> None:
    (error,) = errors(ONE, SWAP_WEBHOOK_SECRETS=f"{name},{SECRET}")
    assert error.startswith("SWAP_WEBHOOK_SECRETS[0]: expected a secret, got the name of an algorithm")


@given(st.binary(max_size=64), st.booleans())
def test_a_secret_of_24_bytes_or_more_is_taken_and_a_shorter_one_is_not(key: bytes, padded: bool) -> None:
    encoded = base64.b64encode(key).decode()
    secret = "whsec_" + (encoded if padded else encoded.rstrip("="))
    if len(key) >= 24 and len(set(key)) < 8:
        (error,) = errors(ONE, SWAP_WEBHOOK_SECRETS=secret)
        assert error.endswith(f"got only {len(set(key))} different ones")
    elif len(key) >= 24:
        assert loaded(ONE, SWAP_WEBHOOK_SECRETS=secret).secrets.values == (secret,)
    else:
        (error,) = errors(ONE, SWAP_WEBHOOK_SECRETS=secret)
        assert error.endswith(f"got {len(key)}")


@given(st.sampled_from(["", "whsec_", "WHSEC_", "whsk_"]), st.text("жшцы", min_size=1, max_size=40))
def test_no_fault_of_a_secret_tells_its_text(prefix: str, rest: str) -> None:
    try:
        assert loaded(ONE, SWAP_WEBHOOK_SECRETS=prefix + rest).secrets.values == (prefix + rest,)
        assert not prefix
        assert len(rest) >= 16
    except BadSettings as wrong:
        (error,) = wrong.errors
        assert error.startswith("SWAP_WEBHOOK_SECRETS[0]: ")
        assert error.isascii()


def test_every_secret_that_is_wrong_is_said_at_once_with_the_rest() -> None:
    wrong = errors({**ONE, "weight": 0}, SWAP_WEBHOOK_SECRETS=f"x, {SECRET}, , whsec_")
    assert [line.partition(":")[0] for line in wrong] == [
        "targets[0].weight",
        "SWAP_WEBHOOK_SECRETS[0]",
        "SWAP_WEBHOOK_SECRETS[3]",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SWAP_TARGET", "SWAP_TARGETS"),
        ("SWAP_WEBHOOK_SECRET", "SWAP_WEBHOOK_SECRETS"),
        ("SWAP_SECRETS", "SWAP_WEBHOOK_SECRETS"),
        ("SWAP_NETWROK", "SWAP_NETWORK"),
        ("swap_endpoint", "SWAP_ENDPOINT"),
        ("SWAP_FUNCTIONS", "SWAP_FUNCTION"),
        ("SWP_TARGETS", "SWAP_TARGETS"),
        ("SWAPTARGETS", "SWAP_TARGETS"),
    ],
)
def test_a_variable_whose_name_is_nearly_ours_is_refused_with_its_neighbour(name: str, meant: str) -> None:
    assert errors(ONE, **{name: "hush"}) == (f"{name}: unknown, did you mean {meant}?",)


def test_a_variable_of_ours_that_is_like_none_is_refused_with_all_there_are() -> None:
    assert errors(ONE, SWAP_XYZ_1="hush") == (
        "SWAP_XYZ_1: unknown, expected one of SWAP_ENDPOINT, SWAP_ENDPOINTS, SWAP_FUNCTION, SWAP_NETWORK, "
        "SWAP_SHARD, SWAP_TARGETS, SWAP_TARGETS_BEFORE, SWAP_WEBHOOK_SECRETS, SWAP_WRITERS, "
        "SWAP_WRITERS_BEFORE",
    )


@pytest.mark.parametrize("name", ["SWAPPINESS", "SWAP", "TARGETS", "LOGLEVEL", "NETWORK", "FC_FUNCTION_NAME"])
def test_a_variable_of_others_is_left_alone(name: str) -> None:
    assert loaded(ONE, **{name: "x"}) == loaded(ONE)


def test_a_table_of_secrets_shows_none() -> None:
    assert [] == Secrets(("whsec_abc",)).__rich_repr__()


# ---- shares: which function writes to which target

WEB = {"name": "web", "vserver_group_id": "rsp-web", "load_balancer_id": "lb-0"}
API = {"name": "api", "vserver_group_id": "rsp-api", "load_balancer_id": "lb-1"}


def writers(*targets: Any, **environ: str) -> dict[str, str]:
    return {target.name: target.writer for target in loaded(*targets, **environ).targets}


@pytest.mark.parametrize(
    ("shard", "expected"),
    [
        ("", {"web": "us", "api": "us"}),
        ("1/1", {"web": "us", "api": "us"}),
        ("1/4", {"web": "another", "api": "another"}),
        (" 2/4 ", {"web": "us", "api": "another"}),
        ("3/4", {"web": "another", "api": "us"}),
    ],
)
def test_a_function_writes_to_its_share(shard: str, expected: dict[str, str]) -> None:
    assert writers(WEB, API, SWAP_SHARD=shard) == expected


SHARD = "SWAP_SHARD: expected a writer and how many there are, such as 2/3"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("2", SHARD),
        ("a/b", SHARD),
        ("1000/2000", SHARD),
        ("0/0", SHARD),
        ("2/3/4", SHARD),
        ("3/2", f"{SHARD}, did you mean 2/3?"),
        ("2-3", f"{SHARD}, did you mean 2/3?"),
        ("2 of 3", f"{SHARD}, did you mean 2/3?"),
        ("02/3", f"{SHARD}, did you mean 2/3?"),
        ("0/3", f"{SHARD}, counted from 1: did you mean 1/3?"),
    ],
)
def test_a_share_that_is_none_is_refused_with_what_was_meant(said: str, error: str) -> None:
    assert errors(ONE, SWAP_SHARD=said) == (error,)


@pytest.mark.parametrize("name", ["SWAP_WRITERS", "SWAP_WRITERS_BEFORE"])
@pytest.mark.parametrize(
    ("said", "hint"),
    [("0", ""), ("many", ""), ("-2", ", did you mean 2?"), ("2.5", ", did you mean 2?")],
)
def test_a_number_of_writers_that_is_none_is_refused(name: str, said: str, hint: str) -> None:
    said_by = {name: said, "SWAP_SHARD": "1/2"}
    assert errors(ONE, **said_by) == (f"{name}: expected a number of writers, 1 to 999{hint}",)


def test_two_numbers_of_writers_are_refused() -> None:
    assert loaded(WEB, SWAP_SHARD="2/4", SWAP_WRITERS="4") == loaded(WEB, SWAP_SHARD="2/4")
    wrong = ("SWAP_WRITERS: expected 4, as SWAP_SHARD says, got 3",)
    assert errors(WEB, SWAP_SHARD="2/4", SWAP_WRITERS="3") == wrong


@pytest.mark.parametrize(
    ("function", "of_web", "of_api"),
    [
        ("slb-swap-swap", ("", "slb-swap-swap-2"), ("", "slb-swap-swap-3")),
        ("slb-swap/swap", ("slb-swap", "swap-2"), ("slb-swap", "swap-3")),
        ("slb-swap.prod/swap", ("slb-swap.prod", "swap-2"), ("slb-swap.prod", "swap-3")),
        ("slb-swap-swap.prod", ("", "slb-swap-swap-2.prod"), ("", "slb-swap-swap-3.prod")),
    ],
)
def test_the_door_finds_the_writer_of_a_target(
    function: str, of_web: tuple[str, str], of_api: tuple[str, str]
) -> None:
    several = loaded(WEB, API, SWAP_FUNCTION=function, SWAP_WRITERS="4")
    assert (several.writer_of("web"), several.writer_of("api")) == (of_web, of_api)
    one = loaded(WEB, API, SWAP_FUNCTION=function)
    assert one.writer_of("web") == one.writer_of("api") == one.function


def test_the_first_writer_has_no_number() -> None:
    found = loaded({**WEB, "load_balancer_id": "lb-8"}, SWAP_WRITERS="2", SWAP_FUNCTION="swap")
    assert found.writers == {"rsp-web": 1}
    assert found.writer_of("web") == ("", "swap")


def test_what_goes_from_one_writer_to_another_is_written_by_nobody_meanwhile() -> None:
    each = [writers(WEB, API, SWAP_SHARD=f"{k}/4", SWAP_WRITERS_BEFORE="2") for k in (1, 2, 3, 4)]
    others = {"web": "another", "api": "another"}
    assert each == [others, {**others, "web": "us"}, {**others, "api": "nobody"}, others]


def test_what_other_targets_bring_together_rests_as_well() -> None:
    third = {"name": "both", "vserver_group_id": "rsp-both", "scaling_group_ids": ["asg-web", "asg-api"]}
    fed = [{**WEB, "scaling_group_ids": ["asg-web"]}, {**API, "scaling_group_ids": ["asg-api"]}]
    found = writers(*fed, third, SWAP_SHARD="2/4", SWAP_TARGETS_BEFORE=json.dumps(fed))
    # web stays with this writer, but api comes to it; and a hook waits for all that a scaling group feeds.
    assert found == {"web": "nobody", "api": "nobody", "both": "nobody"}
    assert set(writers(*fed, third, SWAP_SHARD="2/4").values()) == {"us"}


def test_targets_of_before_may_stand_in_a_file_and_what_is_wrong_with_them_is_said() -> None:
    files = {"now.json": json.dumps([WEB]), "before.json": json.dumps([{**WEB, "load_balancer_id": "lb-1"}])}
    environ = {"SWAP_TARGETS": "now.json", "SWAP_TARGETS_BEFORE": "before.json", "SWAP_SHARD": "2/4"}
    assert [one.writer for one in load(environ, files.__getitem__).targets] == ["nobody"]
    assert errors(WEB, SWAP_SHARD="2/4", SWAP_TARGETS_BEFORE='[{"weight": 0}]') == (
        "SWAP_TARGETS_BEFORE: targets[0].weight: expected a number from 1 to 100",
        "SWAP_TARGETS_BEFORE: targets[0].vserver_group_id: required",
    )
    (error,) = errors(WEB, SWAP_SHARD="2/4", SWAP_TARGETS_BEFORE="{}")
    assert error.startswith("SWAP_TARGETS_BEFORE: expected a list of at least one target, got an object")


@pytest.mark.parametrize("name", ["SWAP_WRITERS_BEFORE", "SWAP_TARGETS_BEFORE"])
def test_what_was_before_is_refused_where_there_is_no_share(name: str) -> None:
    expected = f"{name}: expected SWAP_SHARD beside it, without which all targets are ours"
    assert errors(WEB, **{name: "2"}) == (expected,)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.booleans()), max_size=6))
def test_a_clash_is_found_whatever_stands_between(said: list[tuple[str, str, bool]]) -> None:
    listed = [
        {"name": name, "vserver_group_id": f"rsp-{group}", "exclusive": exclusive}
        for name, group, exclusive in said
    ] or [WEB]
    clashes = [
        (at, earlier)
        for at, one in enumerate(listed)
        for earlier, other in enumerate(listed[:at])
        if one["name"] == other["name"]
        or (one["vserver_group_id"] == other["vserver_group_id"] and (one["exclusive"] or other["exclusive"]))
    ]
    try:
        loaded(*listed)
        found = set()
    except BadSettings as bad:
        found = {tuple(map(int, re.findall(r"targets\[(\d+)\]", one))) for one in bad.errors}
    assert found == set(clashes)


def test_ten_thousand_targets_are_read_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    clash = targets._clash
    monkeypatch.setattr(targets, "_clash", lambda *given: compared.append(1) or clash(*given))
    loaded(*({"vserver_group_id": f"rsp-{n}"} for n in range(10_000)))
    assert not compared
