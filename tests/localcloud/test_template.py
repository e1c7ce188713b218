import importlib.util
import json
from pathlib import Path

import pytest

from localcloud.template.derived import parameters_of
from localcloud.template.reading import TemplateError, load

ROOT = Path(__file__).parent.parent.parent
STATE = {
    "load_balancers": [
        {
            "load_balancer_id": "lb-web",
            "vserver_groups": [
                {
                    "vserver_group_id": "rsp-web",
                    "name": "web",
                    "backends": [{"server_id": "i-1", "port": 8080}, {"server_id": "i-2", "port": 80}],
                },
                {"vserver_group_id": "rsp-twin", "name": "web"},
            ],
        },
        {"load_balancer_id": "lb-api"},
    ],
    "scaling_groups": [{"scaling_group_id": "asg-web"}, {"scaling_group_id": "asg-api"}],
}


def services(path=ROOT / "template.yml", **options):
    given = {"region_id": "cn-hangzhou", "account_id": "1234", "derived": parameters_of(STATE), **options}
    return load(path, **given)


@pytest.fixture(params=["template.yml", "template.fc2.yml"])
def name(request):
    return request.param


def functions(name, **options):
    every = services(ROOT / name, **options)
    return {function.entry: function for service in every for function in service.functions}


def test_each_template_has_the_two_functions_of_the_contract(name):
    names = {entry: one.full_name for entry, one in functions(name).items()}
    if name == "template.yml":
        assert names == {"swap": "slb-swap-swap", "webhook": "slb-swap-webhook"}
    else:
        assert names == {"swap": "slb-swap/swap", "webhook": "slb-swap-webhook/webhook"}


def test_every_handler_that_a_template_names_can_be_found(name):
    for function in functions(name).values():
        for handler in (function.handler, function.initializer):
            module, _, entry = handler.rpartition(".")
            assert function.code_root == ROOT
            assert importlib.util.find_spec(module) is not None
            assert callable(getattr(importlib.import_module(module), entry))


def test_nobody_reaches_the_writer_from_outside(name):
    kinds = {entry: {trigger.kind for trigger in one.triggers} for entry, one in functions(name).items()}
    assert kinds["webhook"] == {"HTTP"}
    assert {"EventBridge", "Timer"} <= kinds["swap"] <= {"EventBridge", "Timer", "MNSTopic"}


def test_every_method_of_the_http_trigger_reaches_the_function(name):
    trigger = functions(name)["webhook"].trigger("HTTP")
    assert trigger.properties == {
        "AuthType": "anonymous",
        "Methods": ["GET", "POST", "PUT", "DELETE", "HEAD"],
    }


def test_failed_events_are_retried_and_then_kept_in_a_queue(name):
    config = functions(name)["swap"].asynchronous
    assert (config.retries, config.stateful, config.on_success) == (8, True, None)
    assert config.on_failure == "acs:mns:cn-hangzhou:1234:/queues/slb-swap-failed/messages"
    bridge = functions(name)["swap"].trigger("EventBridge").properties
    assert bridge["DeadLetterQueue"] == "acs:mns:cn-hangzhou:1234:/queues/slb-swap-failed"


def test_there_is_one_writer(name):
    found = functions(name, instances={"swap": 1})
    assert found["swap"].instances == 1
    assert found["webhook"].instances != 1


def test_a_function_of_2_0_has_no_limit_but_what_is_set_by_hand():
    assert functions("template.fc2.yml")["swap"].instances is None
    assert functions("template.yml")["swap"].instances == 1


def test_the_environment_is_what_the_parameters_say(name):
    params = {"WebhookSecrets": "s1,s2", "LogLevel": "DEBUG", "SwapTargets": "targets.json"}
    for function in functions(name, params=params).values():
        environment = function.environment
        assert environment["SWAP_WEBHOOK_SECRETS"] == "s1,s2"
        assert (environment["SWAP_TARGETS"], environment["LOG_LEVEL"]) == ("targets.json", "DEBUG")
        assert environment["SWAP_NETWORK"] == "public"
    vpc = functions(name, params={"VpcId": "vpc-1"})["swap"].environment
    assert vpc["SWAP_NETWORK"] == "vpc"
    found = functions(name)
    assert found["webhook"].environment["SWAP_FUNCTION"] == found["swap"].full_name


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("Name", "a b"),
        ("SilentFor", "x"),
        ("EventsAsyncFlag", "maybe"),
        ("LogLevel", "LOUD"),
        ("None", "x"),
        ("ReconcileEvery", "5m"),
        ("ReconcileEvery", "@every 5"),
        ("ReconcileEvery", "*/5 * * * *"),
    ],
)
def test_a_parameter_that_ros_would_refuse_is_refused(parameter, said):
    with pytest.raises(TemplateError, match=f"Parameters.{parameter}: "):
        functions("template.yml", params={parameter: said})


@pytest.mark.parametrize("every", ["@every 1h", "0 */5 * * * *", "CRON_TZ=Asia/Shanghai 0 0 4 1 JAN-MAR ?"])
def test_schedules_of_function_compute_are_taken(name, every):
    assert functions(name, params={"ReconcileEvery": every})


def test_a_second_stack_has_names_of_its_own(name):
    one, other = functions(name), functions(name, params={"Name": "blue"})
    assert other["webhook"].environment["SWAP_FUNCTION"] == other["swap"].full_name
    for entry, function in other.items():
        assert function.full_name.startswith("blue")
        assert function.full_name != one[entry].full_name
        assert function.log_project.startswith("blue")


LB, SERVER = "acs:slb:cn-hangzhou:1234:loadbalancer/{}", "acs:ecs:cn-hangzhou:1234:instance/i-1"


@pytest.mark.parametrize("action", ["Modify", "Add", "Remove"])
def test_the_role_writes_to_the_named_load_balancers_and_their_servers_only(name, action):
    policy = functions(name)["swap"].policy
    written = f"slb:{action}VServerGroupBackendServers"
    assert policy.allows(written, LB.format("lb-web"))
    assert policy.allows(written, LB.format("lb-api"))
    assert policy.allows(written, SERVER)
    assert not policy.allows(written, LB.format("lb-other"))
    assert not policy.allows(written, "acs:slb:cn-beijing:1234:loadbalancer/lb-web")


def test_the_door_may_invoke_the_writer_and_write_nothing(name):
    found = functions(name)
    door, writer = found["webhook"].policy, found["swap"]
    assert door.allows("fc:InvokeFunction", writer.arn("cn-hangzhou", "1234"))
    assert not door.allows("fc:InvokeFunction", found["webhook"].arn("cn-hangzhou", "1234"))
    assert not door.allows("slb:ModifyVServerGroupBackendServers", LB.format("lb-web"))
    assert not writer.policy.allows("fc:InvokeFunction", writer.arn("cn-hangzhou", "1234"))


def test_targets_follow_from_the_state_when_nobody_names_them(name):
    targets = json.loads(functions(name)["swap"].environment["SWAP_TARGETS"])
    both = ["asg-web", "asg-api"]
    assert targets == [
        {"name": "web", "vserver_group_id": "rsp-web", "scaling_group_ids": both, "ports": [80, 8080]},
        {"name": "rsp-twin", "vserver_group_id": "rsp-twin", "scaling_group_ids": both},
    ]


def test_an_empty_state_gives_a_template_that_may_write_nowhere(name):
    found = functions(name, derived=parameters_of({}))["swap"]
    assert found.environment["SWAP_TARGETS"] == "[]"
    assert not found.policy.allows("slb:ModifyVServerGroupBackendServers", LB.format("lb-web"))


def test_the_environment_can_be_overridden(name):
    assert functions(name, env={"SWAP_TARGETS": "[1]"})["swap"].environment["SWAP_TARGETS"] == "[1]"


def test_before_the_limit_is_set_there_is_no_trigger():
    found = functions("template.fc2.yml", params={"OneWriter": "unset"})
    assert [one.triggers for one in found.values()] == [(), ()]


NATIVE = """
Conditions: {{C: {condition}}}
Resources:
  F:
    Type: ALIYUN::FC3::Function
    Condition: C
    Properties: {{FunctionName: f, Handler: a.b, Runtime: python3.10, Code: {{OssBucketName: b}}{function}}}
  T:
    Type: ALIYUN::FC3::Trigger
    Properties: {{FunctionName: f, TriggerName: t, TriggerType: {kind}, TriggerConfig: {config}}}
  {more}
"""
OLDER = (
    "G: {Type: ALIYUN::FC::Function, Properties: "
    "{ServiceName: s, FunctionName: g, Handler: a.b, Runtime: r, Code: {X: y}}}"
)
BESIDE = """G: {Type: ALIYUN::FC::Function, Properties:
    {ServiceName: s, FunctionName: g, Handler: a.b, Runtime: r, Code: {X: y}}}
  S: {Type: ALIYUN::FC::Service, Properties: {ServiceName: s}}
  U: {Type: ALIYUN::FC::Trigger, Properties:
    {ServiceName: s, FunctionName: g, TriggerName: u, TriggerType: http}}
  V: {Type: ALIYUN::FC::Trigger, Properties:
    {ServiceName: s, FunctionName: g, TriggerName: v, TriggerType: timer}}"""


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"function": ", Handler: ''"}, "Resources.F.Properties.Handler"),
        ({"function": ", Timeout: 86401"}, "Resources.F.Properties.Timeout"),
        ({"function": ", Role: 'acs:ram::1:role/x'"}, "Resources.F.Properties.Role"),
        (
            {"function": ", InstanceLifecycleConfig: {Initializer: {Handler: a.b, Timeout: 301}}"},
            "Resources.F.Properties.InstanceLifecycleConfig.Initializer.Timeout",
        ),
        ({"kind": "oss"}, "Resources.T.Properties.TriggerType"),
        ({"kind": "eventbridge", "config": "{eventRuleFilterPattern: '{'}"}, "eventRuleFilterPattern"),
        ({"condition": "{'Fn::Equals': [a, b]}"}, "no function whose condition holds"),
        ({"condition": "{'Fn::Nor': [a, b]}"}, "Conditions.C.Fn::Nor"),
        ({"condition": "D"}, "Conditions.C: no condition D"),
        ({"condition": "[]"}, "Conditions.C: a condition is needed"),
        ({"function": ", EnvironmentVariables: {A: {'Fn::If': [C, x]}}"}, "a list of three"),
        ({"more": OLDER}, "Resources.G.Properties.ServiceName: the template has no service s"),
        ({"more": BESIDE}, "Resources.G.Properties: an HTTP trigger stands beside no other"),
    ],
    ids=str,
)
def test_an_error_in_native_resources_names_its_key(tmp_path, change, key):
    defaults = {
        "condition": "{'Fn::Equals': [a, a]}",
        "function": "",
        "kind": "timer",
        "config": "{}",
        "more": "",
    }
    path = tmp_path / "template.yml"
    path.write_text(NATIVE.format(**{**defaults, **change}))
    with pytest.raises(TemplateError) as caught:
        services(path)
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("{'Fn::Not': {'Fn::Equals': [a, b]}}", True),
        ("{'Fn::Or': [{'Fn::Equals': [a, b]}, {'Fn::Equals': [a, a]}]}", True),
        ("{'Fn::And': [{'Fn::Equals': [a, b]}, {'Fn::Equals': [a, a]}]}", False),
    ],
)
def test_conditions_are_worked_out(tmp_path, condition, holds):
    path = tmp_path / "template.yml"
    value = f", EnvironmentVariables: {{A: {{'Fn::If': [{condition}, 'yes', {{Ref: 'ALIYUN::NoValue'}}]}}}}"
    more = {"function": "", "kind": "timer", "config": "{}", "more": ""}
    path.write_text(NATIVE.format(condition="{'Fn::Equals': [a, a]}", **{**more, "function": value}))
    if not holds:
        with pytest.raises(TemplateError, match="a string is needed"):
            services(path)
        return
    ((function,),) = (service.functions for service in services(path))
    assert function.environment == {"A": "yes"}


SMALL = """
Transform: 'Aliyun::Serverless-2018-04-03'
Parameters: {{P: {{Type: String{parameter}}}}}
Resources:
  service:
    Type: 'Aliyun::Serverless::Service'
    Properties: {service}
    one:
      Type: 'Aliyun::Serverless::Function'
      Properties: {{Handler: a.b, Runtime: {{Ref: P}}, CodeUri: ./{function}}}
      Events: {events}
"""


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"parameter": ""}, "Parameters.P"),
        ({"parameter": ", Default: x, AllowedValues: [y]"}, "Parameters.P"),
        ({"function": ", Timeout: '5'"}, "Resources.service.one.Properties.Timeout"),
        ({"function": ", Timeout: 86401"}, "Timeout"),
        ({"function": ", AsyncConfiguration: {MaxAsyncRetryAttempts: 9}"}, "MaxAsyncRetryAttempts"),
        ({"function": ", Handler: ''"}, "Resources.service.one.Properties.Handler"),
        ({"function": ", EnvironmentVariables: {A: {Ref: Q}}"}, "no parameter Q"),
        ({"function": ", EnvironmentVariables: {A: {'Fn::GetAtt': [x, y]}}"}, "no resource x"),
        ({"function": ", EnvironmentVariables: {A: {'Fn::Select': [0, []]}}"}, "Fn::Select"),
        ({"function": ", EnvironmentVariables: {A: [1]}"}, "EnvironmentVariables.A: a string is needed"),
        ({"service": "{Role: 'acs:ram::1:role/x'}"}, "Resources.service.Properties.Role"),
        ({"service": "{Policies: {Statement: [{Effect: Allow}]}}"}, "Statement[0].Action"),
        ({"events": "{e: {Type: OSS}}"}, "Resources.service.one.Events.e.Type"),
        ({"events": "{e: {Type: HTTP}, f: {Type: Timer}}"}, "Resources.service.one.Events: an HTTP trigger"),
    ],
    ids=str,
)
def test_an_error_in_a_template_names_its_key(tmp_path, change, key):
    defaults = {"parameter": ", Default: python3", "service": "{}", "function": "", "events": "{}"}
    path = tmp_path / "template.yml"
    path.write_text(SMALL.format(**{**defaults, **change}))
    with pytest.raises(TemplateError) as caught:
        services(path)
    assert key in str(caught.value)


def test_a_parameter_that_the_template_does_not_have_is_refused():
    with pytest.raises(TemplateError, match=r"Parameters\.Typo"):
        services(params={"Typo": "x"})


@pytest.mark.parametrize(
    "text", ["", "[1]", "a: [", "Transform: other", "Transform: 'Aliyun::Serverless-2018-04-03'"]
)
def test_what_is_no_template_of_functions_is_refused(tmp_path, text):
    path = tmp_path / "template.yml"
    path.write_text(text)
    with pytest.raises(TemplateError):
        services(path)


# ---- resources with a Count


def shares(found):
    return [one.environment.get("SWAP_SHARD") for one in found if one.entry == "swap"]


@pytest.mark.parametrize("template", ["template.yml", "template.fc2.yml"])
@pytest.mark.parametrize("writers", [1, 2, 16])
def test_so_many_writers_are_deployed_as_the_parameter_says(template, writers):
    every = services(ROOT / template, params={"Writers": str(writers)})
    found = [one for service in every for one in service.functions]
    assert shares(found) == [f"{number}/{writers}" for number in range(1, writers + 1)]
    assert len({one.full_name for one in found}) == writers + 1
    for one in found:
        if one.entry == "swap":
            assert {"EventBridge", "Timer"} <= {trigger.kind for trigger in one.triggers}
            assert one.asynchronous.retries == 8
            assert one.instances == (1 if template == "template.yml" else None)


@pytest.mark.parametrize("writers", ["0", "17", "many", "-1", "1.5"])
def test_a_number_that_the_parameter_does_not_allow_is_refused(writers):
    with pytest.raises(TemplateError, match=r"Parameters.Writers: a number from 1 to 16 is needed"):
        services(params={"Writers": writers})


COUNTED = """
Parameters: {{P: {{Type: Number, Default: 2}}}}
Resources:
  F:
    Type: ALIYUN::FC3::Function
    Count: {count}
    Properties: {{FunctionName: {name}, Handler: a.b, Runtime: python3.10, Code: {{OssBucketName: b}}}}
  G:
    Type: ALIYUN::FC3::Function
    DependsOn: F
    Properties:
      FunctionName: {{'Fn::Join': ['-', {{'Fn::GetAtt': [F, FunctionName]}}]}}
      Handler: a.b
      Runtime: python3.10
      Code: {{OssBucketName: b}}
"""
SELECTED = "{'Fn::Select': [{Ref: 'ALIYUN::Index'}, [f, g, h]]}"


def counted(tmp_path, count, name=SELECTED):
    path = tmp_path / "template.yml"
    path.write_text(COUNTED.format(count=count, name=name))
    (service,) = load(path, region_id="cn-hangzhou", account_id="1234")
    return [one.name for one in service.functions]


@pytest.mark.parametrize(
    ("count", "names"),
    [
        ("3", ["f", "g", "h", "f-g-h"]),
        ("{Ref: P}", ["f", "g", "f-g"]),
        ("{'Fn::Calculate': ['{0} + 1', 0, [{Ref: P}]]}", ["f", "g", "h", "f-g-h"]),
        ("{'Fn::Calculate': ['{0}-1', 0, [{Ref: P}]]}", ["f", "f"]),
    ],
)
def test_a_name_stands_for_all_that_its_count_makes(tmp_path, count, names):
    assert counted(tmp_path, count) == names


@pytest.mark.parametrize(
    ("count", "name", "error"),
    [
        ("some", SELECTED, r"Resources.F.Count: a number, 0 or more, is needed, not 'some'"),
        ("true", SELECTED, r"Resources.F.Count: a number, 0 or more"),
        ("-1", SELECTED, r"Resources.F.Count: a number, 0 or more"),
        ("{'Fn::Calculate': ['{0}*2', 0, [1]]}", SELECTED, "only a number more or less than one number"),
        ("{'Fn::Calculate': ['{0}+1', 0, [1, 2]]}", SELECTED, "only a number more or less than one number"),
        ("{'Fn::Calculate': 1}", SELECTED, "only a number more or less than one number"),
        ("4", SELECTED, "a number below the length of a list is needed"),
    ],
)
def test_a_count_or_a_choice_that_is_none_is_named(tmp_path, count, name, error):
    with pytest.raises(TemplateError, match=error):
        counted(tmp_path, count, name)
