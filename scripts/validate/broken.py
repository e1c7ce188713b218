"""Templates with one fault each, made from the real ones by a small edit; each must be caught, and so named."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from scripts.validate import checking

DROP: Final = object()
_FC3, _FC2, _S = checking.FILES


@dataclass(frozen=True, slots=True)
class Broken:
    """`fault` is the name that the check must give; `path` leads to what is changed, `value` is put there.

    `also`: faults that follow from it. `native`: only `make validate` sees it, by the ROS CDK, the SDK or a schema.
    """

    fault: str
    what: str
    file: str
    path: str
    value: Any
    also: frozenset[str] = frozenset()
    native: bool = False


def names(one: Broken, *, native: bool) -> set[str]:
    """The names of the faults that the broken template has, without `also` and what is no longer like another."""
    given = dict(_documents())
    given[one.file] = _edited(given[one.file], one.path.split("/"), one.value)
    found = {fault.name for fault in checking.faults(given, one.file, native=native)}
    return {name for name in found if name == one.fault or name not in {"differs", "share", *one.also}}


@cache
def _documents() -> Mapping[str, dict[str, Any]]:
    return checking.documents()


def _edited(document: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    at: Any = changed
    for key in path[:-1]:
        at = at[int(key)] if isinstance(at, list) else at[key]
    last: Any = int(path[-1]) if isinstance(at, list) else path[-1]
    if value is DROP:
        del at[last]
    else:
        at[last] = value
    return changed


_SWAP = "Resources/Swap/Properties"
_MORE = "Resources/SwapMore/Properties"
_EVENTS = "Resources/Events/Properties/TriggerConfig"
_RIGHTS = "Resources/SwapRole/Properties/Policies/0/PolicyDocument/Statement"
_PROPS = "resources/swap/props"
_ROS = frozenset({"ros-resource"})
_HTTP2 = {
    "Type": "ALIYUN::FC::Trigger",
    "Condition": "Started",
    "Properties": {
        "ServiceName": {"Fn::GetAtt": ["SwapService", "ServiceName"]},
        "FunctionName": {"Fn::GetAtt": ["Swap", "FunctionName"]},
        "TriggerName": "http",
        "TriggerType": "http",
        "TriggerConfig": {"authType": "anonymous", "methods": ["GET", "POST", "PUT", "DELETE", "HEAD"]},
    },
}

TABLE: Final = (
    # ---- references and functions of ROS
    Broken("unknown-reference", "a parameter misspelt", _FC3, f"{_SWAP}/Runtime", {"Ref": "Runtime"},
           frozenset({"runtime"})),
    Broken("unknown-reference", "a resource misspelt", _FC3, f"{_SWAP}/Role", {"Fn::GetAtt": ["Role", "Arn"]}),
    Broken("unknown-reference", "waiting for nothing", _FC3, "Resources/Events/DependsOn",
           ["OneWriter", "Retries", "OneReader"]),
    Broken("unknown-reference", "a variable of s.yaml misspelt", _S, f"{_PROPS}/functionName",
           "${vars.nmae}-swap", frozenset({"swap-function"})),
    Broken("unknown-attribute", "an attribute that a queue has not", _FC3, "Outputs/FailedQueue/Value",
           {"Fn::GetAtt": ["FailedQueue", "Arn"]}),
    Broken("unknown-function", "a function of another cloud", _FC3, f"{_SWAP}/FunctionName",
           {"Fn::ImportValue": "name"}, frozenset({"fixed-name", "trigger-missing", "two-writers", "retries",
           "event-age", "stateful", "failure-queue", "swap-function", "ros-resource"})),
    Broken("unknown-condition", "a condition misspelt", _FC3, "Resources/FailedEvents/Condition", "AlarmOfQueues"),
    Broken("condition-form", "Fn::Not with a list, as in another cloud", _FC3, "Conditions/InVpc",
           {"Fn::Not": [{"Fn::Equals": [{"Ref": "VpcId"}, ""]}]}, frozenset({"unused-parameter", "ros-resource"})),
    Broken("unused-parameter", "a parameter that nothing reads", _FC3, "Parameters/Colour",
           {"Type": "String", "Default": "red"}),
    # ---- the writer
    Broken("public-writer", "an HTTP trigger on the writer", _S, f"{_PROPS}/triggers/0",
           {"triggerName": "http", "triggerType": "http", "triggerConfig": {
               "authType": "anonymous", "methods": ["GET", "POST", "PUT", "DELETE", "HEAD"]}},
           frozenset({"trigger-missing"})),
    Broken("public-writer", "the HTTP trigger at the wrong function", _FC3,
           "Resources/WebhookHttp/Properties/FunctionName", {"Fn::GetAtt": ["Swap", "FunctionName"]},
           frozenset({"trigger-missing"})),
    Broken("http-beside-trigger", "HTTP beside a timer on 2.0", _FC2, "Resources/More", _HTTP2,
           frozenset({"public-writer"})),
    Broken("two-writers", "two instances", _FC3, "Resources/OneWriter/Properties/ReservedConcurrency", 2),
    Broken("two-writers", "no limit of instances", _FC3, "Resources/OneWriter/Properties/FunctionName",
           {"Fn::GetAtt": ["Webhook", "FunctionName"]}, frozenset({"trigger-before-limit"})),
    Broken("two-writers", "two requests an instance", _FC2, f"{_SWAP}/InstanceConcurrency", 10),
    Broken("no-limit", "a door without a limit", _S, "resources/webhook/props/concurrencyConfig", DROP),
    Broken("trigger-before-limit", "events before the limit of one writer", _FC3, "Resources/Events/DependsOn",
           ["Retries"]),
    Broken("trigger-before-limit", "the timer before the retries", _FC3, "Resources/Reconcile/DependsOn", DROP),
    Broken("trigger-before-limit", "requests before the door's limit", _FC3, "Resources/WebhookHttp/DependsOn",
           ["OneWriter", "Retries"]),
    Broken("trigger-before-limit", "events on 2.0 before the limit is set by hand", _FC2,
           "Resources/Events/Condition", DROP),
    Broken("limit-not-asked", "2.0 believes that the limit is set", _FC2, "Parameters/OneWriter/Default", "set"),
    Broken("swap-function", "the webhook invokes itself", _FC3,
           "Resources/Webhook/Properties/EnvironmentVariables/SWAP_FUNCTION",
           {"Fn::GetAtt": ["Webhook", "FunctionName"]}),
    Broken("swap-function", "without its service on 2.0", _FC2,
           "Resources/Webhook/Properties/EnvironmentVariables/SWAP_FUNCTION",
           {"Fn::GetAtt": ["Swap", "FunctionName"]}),
    Broken("share", "two writers of one share", _FC3, f"{_MORE}/EnvironmentVariables/SWAP_SHARD", "2/3"),
    Broken("share", "a first writer that knows no other", _FC2, f"{_SWAP}/EnvironmentVariables/SWAP_SHARD", "1/1"),
    Broken("share", "a writer that the door does not find", _FC3, f"{_MORE}/FunctionName",
           {"Fn::Sub": "${Name}-more-${ALIYUN::Index}"}, frozenset({"unknown-reference"})),
    Broken("share", "a writer with less time", _FC2, f"{_MORE}/Timeout", 300),
    Broken("share", "a door that knows of one writer", _FC3,
           "Resources/Webhook/Properties/EnvironmentVariables/SWAP_WRITERS", "1"),
    Broken("two-writers", "two instances of another writer", _FC3,
           "Resources/OneWriterMore/Properties/ReservedConcurrency", 2),
    Broken("trigger-before-limit", "another writer's events before its limit", _FC3,
           "Resources/EventsMore/DependsOn", ["RetriesMore"]),
    Broken("count", "writers that are no number", _FC3, "Parameters/Writers/Default", "many",
           frozenset({"arn", "unknown-function"})),
    Broken("selected", "more writers than have a number", _FC3, "Parameters/Writers/Default", 40),
    # ---- events, timer, retries
    Broken("cron", "five fields", _FC3, "Parameters/ReconcileEvery/Default", "*/5 * * * *",
           frozenset({"alarm-too-soon"})),
    Broken("cron", "every without a unit", _FC3, "Parameters/ReconcileEvery/Default", "@every 5"),
    Broken("cron", "an hour that is none", _S, f"{_PROPS}/triggers/1/triggerConfig/cronExpression", "0 0 25 * * *"),
    Broken("trigger-off", "a timer that is off", _FC2, "Resources/Reconcile/Properties/TriggerConfig/enable", False),
    Broken("trigger-off", "an event trigger that is off", _FC3, f"{_EVENTS}/triggerEnable", False),
    Broken("event-pattern", "a type misspelt", _FC3, f"{_EVENTS}/eventRuleFilterPattern",
           '{"source": ["acs.ess", "acs.ecs"], "type": ["ess:ScalingActivity:ScaleinSuccess", "ess:LifecycleHook:ScaleIn"]}'),
    Broken("event-pattern", "no JSON", _FC3, f"{_EVENTS}/eventRuleFilterPattern", "{type: ess}"),
    Broken("event-pattern", "no hooks", _FC2, "Resources/Events/Properties/FilterPattern/type",
           ["ess:ScalingActivity:ScaleInSuccess"]),
    Broken("event-schema", "raw data, which has no type", _FC3, f"{_EVENTS}/eventSinkConfig/deliveryOption/eventSchema",
           "RawData"),
    Broken("events-dropped", "EventBridge without retries", _FC3, f"{_EVENTS}/runOptions/retryStrategy", DROP),
    Broken("events-dropped", "EventBridge without a dead letter queue", _FC2,
           "Resources/Events/Properties/Targets/0/DeadLetterQueue", DROP),
    Broken("retries", "no retries", _FC3, "Resources/Retries/Properties/MaxAsyncRetryAttempts", 0),
    Broken("event-age", "events dropped after five minutes", _FC3,
           "Resources/Retries/Properties/MaxAsyncEventAgeInSeconds", 300),
    Broken("failure-queue", "failures go nowhere", _FC2, f"{_SWAP}/AsyncConfiguration/Destination", DROP),
    Broken("failure-queue", "the queue without /messages", _FC3,
           "Resources/Retries/Properties/DestinationConfig/OnFailure/Destination",
           {"Fn::Sub": "acs:mns:${ALIYUN::Region}:${ALIYUN::TenantId}:/queues/${Name}-failed"}),
    Broken("stateful", "the same request queued twice", _S, f"{_PROPS}/asyncInvokeConfig/asyncTask", False),
    Broken("timeout", "no time to wait for health", _S, f"{_PROPS}/timeout", 60),
    # ---- what runs
    Broken("handler-missing", "a handler in a package", _FC3, f"{_SWAP}/Handler", "handler.main.swap"),
    Broken("handler-missing", "a function that index.py has not", _FC2, f"{_SWAP}/Initializer", "index.start"),
    Broken("no-function", "no writer", _FC3, f"{_SWAP}/Handler", "index.webhook",
           frozenset({"trigger-missing", "swap-function", "trigger-before-limit", "http-auth"})),
    Broken("no-initializer", "settings unread until the first event", _FC3, f"{_SWAP}/InstanceLifecycleConfig", DROP),
    Broken("runtime", "3.12 on 2.0", _FC2, "Parameters/PythonRuntime/Default", "python3.12"),
    Broken("reserved-variable", "a variable that the runtime deletes", _FC3,
           f"{_SWAP}/EnvironmentVariables/FC_TARGETS", "[]"),
    Broken("unread-variable", "a variable misspelt", _FC3, f"{_SWAP}/EnvironmentVariables/SWAP_TARGET", "[]"),
    Broken("http-methods", "405 by the platform", _FC3, "Resources/WebhookHttp/Properties/TriggerConfig/methods", ["POST"]),
    Broken("http-auth", "signed by the platform, not by the sender", _FC3,
           "Resources/WebhookHttp/Properties/TriggerConfig/authType", "function"),
    # ---- rights
    Broken("resource-list", "a string for a list of resources", _FC3, f"{_RIGHTS}/2/Resource", "*", _ROS),
    Broken("action-name", "an action misspelt", _FC3, f"{_RIGHTS}/0/Action/0", "slb:ModifyVServerGroupBackendServer"),
    Broken("action-name", "every action", _FC3, f"{_RIGHTS}/0/Action", ["slb:*"]),
    Broken("wide-resource", "every load balancer", _FC2, f"{_RIGHTS}/0/Resource", ["*"],
           frozenset({"unused-parameter"})),
    Broken("wrong-resource", "weights set on instances", _FC3, f"{_RIGHTS}/1/Action/0", "slb:SetVServerGroupAttribute"),
    Broken("arn", "an ARN without its account", _FC3, f"{_RIGHTS}/4/Resource/0",
           {"Fn::Sub": "acs:mns:${ALIYUN::Region}:/queues/${Name}-failed/messages"}),
    Broken("arn", "a resource that is not so spelt", _FC3, f"{_RIGHTS}/1/Resource/0",
           {"Fn::Sub": "acs:ecs:${ALIYUN::Region}:${ALIYUN::TenantId}:instances/*"}),
    Broken("principal", "another service assumes the role", _FC3,
           "Resources/SwapRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal/Service", ["ecs.aliyuncs.com"]),
    Broken("vpc-without-rights", "a VPC without rights on interfaces", _FC3,
           "Resources/WebhookRole/Properties/PolicyAttachments", DROP),
    # ---- log, alarms, hooks, names, outputs
    Broken("log-not-kept", "the log goes with the stack", _FC3, "Resources/LogProject/DeletionPolicy", DROP),
    Broken("no-index", "a log that no query can read", _FC3, "Resources/LogIndex/Properties/FullTextIndex/Enable", False),
    Broken("no-log", "a function without a log", _FC3, f"{_SWAP}/LogConfig", DROP),
    Broken("alarm-missing", "no alarm of silence", _FC3,
           "Resources/Silence/Properties/Detail/Configuration/QueryList/0/Query", "*"),
    Broken("alarm-missing", "no alarm of the queue", _FC3, "Resources/FailedEvents/Properties/MetricName", "DelayMessages"),
    Broken("alarm-silent", "silence that no data hides", _FC3,
           "Resources/Silence/Properties/Detail/Configuration/NoDataFire", False),
    Broken("alarm-off", "an alarm that is off", _FC3, "Resources/Failures/Properties/Detail/State", "Disabled"),
    Broken("alarm-before-index", "an alarm before there is an index", _FC3, "Resources/Failures/DependsOn", DROP),
    Broken("alarm-too-soon", "silence between two timers", _FC3, "Parameters/SilentFor/Default", "5m"),
    Broken("hook-tells-nobody", "a hook without NotificationArn", _FC3,
           "Resources/ScaleInHook/Properties/NotificationArn", DROP),
    Broken("hook-too-short", "a heartbeat shorter than a run", _FC3,
           "Resources/ScaleInHook/Properties/HeartbeatTimeout", 300),
    Broken("hook-default", "scaling that stops when nobody answers", _FC2,
           "Resources/ScaleOutHook/Properties/DefaultResult", "ABANDON"),
    Broken("hook-before-trigger", "a hook before its trigger", _FC2, "Resources/ScaleInHook/DependsOn", DROP),
    Broken("fixed-name", "a name that two stacks would share", _FC3, "Resources/FailedQueue/Properties/QueueName",
           "failed"),
    Broken("same-code-object", "an update that is not picked up", _FC3, "Parameters/CodeObject/Default", "slb-swap.zip"),
    Broken("secret-shown", "secrets in the console", _FC2, "Parameters/WebhookSecrets/NoEcho", DROP),
    Broken("output-missing", "no URL of the webhook", _FC3, "Outputs/WebhookUrl", DROP),
    # ---- one source of values
    Broken("differs", "another timeout on 2.0", _FC2, f"{_SWAP}/Timeout", 300),
    Broken("differs", "another schedule in s.yaml", _S, f"{_PROPS}/triggers/1/triggerConfig/cronExpression", "@every 9m"),
    Broken("differs", "a right on 2.0 alone", _FC2, f"{_RIGHTS}/2/Action/0", "ess:DescribeLifecycleActions"),
    # ---- by the ROS CDK, the SDK, the schema
    Broken("ros-resource", "a property misspelt", _FC3, f"{_SWAP}/Time0ut", 600, native=True),
    Broken("ros-resource", "a property of another generation", _FC2, f"{_SWAP}/Role", "r", native=True),
    Broken("ros-resource", "a number out of range", _FC3, "Resources/Retries/Properties/MaxAsyncRetryAttempts", 99,
           native=True),
    Broken("ros-resource", "a type that is none", _FC3, "Resources/FailedQueue/Type", "ALIYUN::MNS::Queues", native=True),
    Broken("ros-resource", "text for a number", _FC3, "Resources/Logstore/Properties/TTL", "ninety", native=True),
    Broken("ros-resource", "what is required left out", _FC3, "Resources/Logstore/Properties/LogstoreName", DROP,
           frozenset({"unknown-attribute", "no-log"}), native=True),
    Broken("ros-resource", "a transition that is none", _FC3, "Resources/ScaleInHook/Properties/LifecycleTransition",
           "SCALE_DOWN", native=True),
    Broken("trigger-config", "an option of a trigger misspelt", _FC3, f"{_EVENTS}/runOption", {}, native=True),
    Broken("trigger-config", "text for a truth value", _FC2, "Resources/Reconcile/Properties/TriggerConfig/enable",
           "true", frozenset({"trigger-off"}), native=True),
    Broken("trigger-type", "a type of trigger that is none", _FC2, "Resources/Scaling/Properties/TriggerType", "mnstopic",
           native=True),
    Broken("schema", "eventSourceParameters left out", _S,
           f"{_PROPS}/triggers/0/triggerConfig/eventSourceConfig/eventSourceParameters", DROP, native=True),
    Broken("schema", "a key that the component ignores", _S, f"{_PROPS}/asyncConfig", {}, native=True),
    Broken("schema", "another edition", _S, "edition", "1.0.0", native=True),
)  # fmt: skip
