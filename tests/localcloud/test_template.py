import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml

from localcloud.derived import parameters_of
from localcloud.template import TemplateError, load

ROOT = Path(__file__).parent.parent.parent
REAL = ROOT / "template.yml"
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


def services(path=REAL, **options):
    given = {"region_id": "cn-hangzhou", "account_id": "1234", "derived": parameters_of(STATE), **options}
    return load(path, **given)


def functions(**options):
    (service,) = services(**options)
    assert service.name == "slb-swap"
    return {function.name: function for function in service.functions}


def test_the_template_has_the_two_functions_of_the_contract():
    assert set(functions()) == {"swap", "webhook"}


def test_every_handler_that_the_template_names_can_be_found():
    for function in functions().values():
        for handler in (function.handler, function.initializer):
            module, _, name = handler.rpartition(".")
            assert function.code_root == ROOT
            if importlib.util.find_spec(module) is None:
                pytest.skip("the handler is not written yet")
            assert callable(getattr(importlib.import_module(module), name))


def test_events_and_http_are_on_functions_of_their_own():
    kinds = {name: [trigger.kind for trigger in one.triggers] for name, one in functions().items()}
    assert kinds == {"swap": ["MNSTopic", "Timer"], "webhook": ["HTTP"]}


def test_the_timer_is_a_schedule_that_function_compute_reads():
    expression = functions()["swap"].trigger("Timer").properties["CronExpression"]
    assert re.fullmatch(r"@every [1-9]\d*[mh]", expression)


def test_every_method_of_the_http_trigger_reaches_the_function():
    trigger = functions()["webhook"].trigger("HTTP")
    assert trigger.properties == {
        "AuthType": "ANONYMOUS",
        "Methods": ["GET", "POST", "PUT", "DELETE", "HEAD"],
    }


def test_failed_events_are_retried_and_then_kept_in_a_queue():
    config = functions()["swap"].asynchronous
    assert (config.retries, config.stateful, config.on_success) == (8, True, None)
    assert config.on_failure == "acs:mns:cn-hangzhou:1234:/queues/slb-swap-failed/messages"


def test_only_swap_is_limited_to_one_writer_and_one_request_an_instance():
    text = REAL.read_text()
    assert text.count("InstanceConcurrency: 1\n") == 1
    assert "maximumInstanceCount 1" in text
    found = functions(instances={"swap": 1})
    assert (found["swap"].instances, found["webhook"].instances) == (1, None)


def test_the_environment_is_what_the_parameters_say():
    params = {"WebhookSecrets": "s1,s2", "LogLevel": "DEBUG", "SwapTargets": "targets.json"}
    for function in functions(params=params).values():
        environment = function.environment
        assert environment["SWAP_WEBHOOK_SECRETS"] == "s1,s2"
        assert (environment["SWAP_TARGETS"], environment["LOG_LEVEL"]) == ("targets.json", "DEBUG")
        assert environment["SWAP_NETWORK"] == "public"
        assert not any(key.startswith("FC_") for key in environment)
    assert functions()["webhook"].environment["SWAP_FUNCTION"] == "slb-swap/swap"


def test_the_webhook_secret_is_never_shown():
    declaration = REAL.read_text().partition("WebhookSecrets:")[2].partition("SwapNetwork:")[0]
    assert "NoEcho: true" in declaration


def test_a_python_runtime_is_never_a_literal():
    assert not re.search(r"Runtime: python", REAL.read_text())
    assert functions(params={"PythonRuntime": "python3.12"})["swap"].runtime == "python3.12"


def test_tags_of_the_short_form_are_not_used():
    assert not re.search(r"(:|-) !", REAL.read_text())


LB, SERVER = "acs:slb:cn-hangzhou:1234:loadbalancer/{}", "acs:ecs:cn-hangzhou:1234:instance/i-1"


@pytest.mark.parametrize(
    "action", ["Modify", "Add", "Remove"], ids=lambda action: f"{action}VServerGroupBackendServers"
)
def test_the_role_writes_to_the_named_load_balancers_and_their_servers_only(action):
    policy = functions()["swap"].policy
    name = f"slb:{action}VServerGroupBackendServers"
    assert policy.allows(name, LB.format("lb-web"))
    assert policy.allows(name, LB.format("lb-api"))
    assert policy.allows(name, SERVER)
    assert not policy.allows(name, LB.format("lb-other"))
    assert not policy.allows(name, "acs:slb:cn-beijing:1234:loadbalancer/lb-web")


def test_the_role_may_do_nothing_that_the_function_does_not_do():
    policy = functions()["swap"].policy
    lb = LB.format("lb-web")
    for action in (
        "slb:DeleteVServerGroup",
        "slb:CreateVServerGroup",
        "slb:DeleteLoadBalancer",
        "slb:StopLoadBalancer",
    ):
        assert not policy.allows(action, lb)
    for action in ("ecs:StopInstance", "ecs:DeleteInstance", "ess:DeleteScalingGroup", "ram:CreateRole"):
        assert not policy.allows(action, "*")
    hook = "ess:CompleteLifecycleAction"
    assert policy.allows(hook, "acs:ess:cn-hangzhou:1234:scalinggroup/asg-web")
    assert not policy.allows(hook, "acs:ess:cn-hangzhou:1234:scalinggroup/asg-other")


def test_the_role_invokes_swap_and_no_other_function():
    policy = functions()["webhook"].policy
    for service in ("slb-swap.LATEST", "stack-slb-swap-1A2B.LATEST"):
        arn = f"acs:fc:cn-hangzhou:1234:services/{service}/functions/"
        assert policy.allows("fc:InvokeFunction", f"{arn}swap")
        assert not policy.allows("fc:InvokeFunction", f"{arn}webhook")


def test_every_action_that_the_function_sends_is_allowed_and_no_other():
    sources = "".join(path.read_text() for path in (ROOT / "handler" / "cloud").glob("*.py"))
    allowed = {action for statement in functions()["swap"].policy.statements for action in statement.actions}
    for action in allowed:
        product, _, name = action.partition(":")
        if product in {"slb", "ess", "ecs"}:
            assert name in sources
        else:
            assert action in {"fc:InvokeFunction", "mns:SendMessage", "log:PostLogStoreLogs"}
    for name in re.findall(r"import (?:\(\s*)?(\w+)Request\b", sources):
        assert {f"slb:{name}", f"ess:{name}"} & allowed or name in {"Common", "Rpc"}


def test_both_templates_say_the_same_of_settings_policies_and_retries():
    older, newer = (yaml.safe_load(path.read_text()) for path in (REAL, ROOT / "template.fc3.yml"))
    shared = set(older["Parameters"]) - {"PythonRuntime"}
    assert {name: newer["Parameters"][name] for name in shared} == {
        name: older["Parameters"][name] for name in shared
    }

    def statements(document, role):
        (policy,) = document["Resources"][role]["Properties"]["Policies"]
        found = policy["PolicyDocument"]["Statement"]
        return [one for one in found if one["Action"] != ["fc:InvokeFunction"]]

    assert statements(newer, "FunctionRole") == statements(older, "ServiceRole")
    two, three = older["Resources"]["slb-swap"]["swap"], newer["Resources"]
    properties, retries = three["Swap"]["Properties"], three["Retries"]["Properties"]
    for key in ("Handler", "MemorySize", "Timeout", "InstanceConcurrency", "EnvironmentVariables"):
        assert properties[key] == two["Properties"][key]
    for key in ("MaxAsyncRetryAttempts", "MaxAsyncEventAgeInSeconds"):
        assert retries[key] == two["Properties"]["AsyncConfiguration"][key]
    assert three["OneWriter"]["Properties"]["ReservedConcurrency"] == 1
    http = older["Resources"]["slb-swap"]["webhook"]["Events"]["http"]["Properties"]
    assert three["Webhook"]["Properties"]["TriggerConfig"]["methods"] == http["Methods"]


def test_the_event_pattern_names_events_as_their_documents_do():
    newer = yaml.safe_load((ROOT / "template.fc3.yml").read_text())
    config = newer["Resources"]["Events"]["Properties"]["TriggerConfig"]
    pattern = json.loads(config["eventRuleFilterPattern"])
    assert pattern["source"] == ["acs.ess", "acs.ecs"]
    kinds = r"ess:ScalingActivity:Scale(In|Out)(Success|PartialSuccess|Error)|ess:LifecycleHook:Scale(In|Out)"
    for name in pattern["type"]:
        assert re.fullmatch(rf"{kinds}|ecs:Instance:PreemptibleInstanceInterruption", name)


def test_targets_follow_from_the_state_when_nobody_names_them():
    targets = json.loads(functions()["swap"].environment["SWAP_TARGETS"])
    both = ["asg-web", "asg-api"]
    assert targets == [
        {"name": "web", "vserver_group_id": "rsp-web", "scaling_group_ids": both, "ports": [80, 8080]},
        {"name": "rsp-twin", "vserver_group_id": "rsp-twin", "scaling_group_ids": both},
    ]


def test_an_empty_state_gives_a_template_that_may_write_nowhere():
    found = functions(derived=parameters_of({}))["swap"]
    assert found.environment["SWAP_TARGETS"] == "[]"
    assert not found.policy.allows("slb:ModifyVServerGroupBackendServers", LB.format("lb-web"))


def test_the_environment_can_be_overridden():
    assert functions(env={"SWAP_TARGETS": "[1]"})["swap"].environment["SWAP_TARGETS"] == "[1]"


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
