"""What the component fc3 of Serverless Devs takes, of what s.yaml uses, as a JSON schema in our own words.

Learnt from the component itself (github.com/devsapp/fc3, May 2026), which refuses what is not so before it
deploys; it lets a key pass that it does not know, and ignores it. Here that is refused.
"""

from __future__ import annotations

from typing import Any, Final


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_FREE: Final = {"type": "object"}
_DESTINATION: Final = _object(["destination"], destination=_TEXT)

_EVENTBRIDGE: Final = _object(
    [
        "asyncInvocationType",
        "eventRuleFilterPattern",
        "eventSinkConfig",
        "eventSourceConfig",
        "runOptions",
        "triggerEnable",
    ],
    asyncInvocationType=_FLAG,
    eventRuleFilterPattern=_TEXT,
    eventSinkConfig=_object(["deliveryOption"], deliveryOption=_FREE),
    eventSourceConfig=_object(
        ["eventSourceParameters", "eventSourceType"], eventSourceParameters=_FREE, eventSourceType=_TEXT
    ),
    runOptions=_FREE,
    triggerEnable=_FLAG,
)
_TIMER: Final = _object(["cronExpression", "enable"], cronExpression=_TEXT, enable=_FLAG, payload=_TEXT)
_HTTP: Final = _object(
    ["authType", "methods"],
    authType={"enum": ["anonymous", "function", "jwt"]},
    disableURLInternet=_FLAG,
    methods={
        "type": "array",
        "items": {"enum": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]},
    },
)


def _trigger(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "if": {"properties": {"triggerType": {"const": kind}}},
        "then": {"properties": {"triggerConfig": config}},
    }


_TRIGGER: Final = {
    **_object(
        ["triggerConfig", "triggerName", "triggerType"],
        triggerConfig=_FREE,
        triggerName=_TEXT,
        triggerType={"enum": ["eventbridge", "http", "mns_topic", "timer"]},
        description=_TEXT,
        qualifier=_TEXT,
        invocationRole=_TEXT,
        sourceArn=_TEXT,
    ),
    "allOf": [_trigger("eventbridge", _EVENTBRIDGE), _trigger("timer", _TIMER), _trigger("http", _HTTP)],
}

PROPS: Final = _object(
    ["code", "functionName", "handler", "region", "runtime"],
    region={"type": "string", "pattern": "^[a-z]{2}-[a-z]+(-[a-z0-9]+)*$"},
    functionName=_TEXT,
    description=_TEXT,
    handler=_TEXT,
    runtime={"enum": ["python3.9", "python3.10", "python3.12"]},
    code=_TEXT,
    cpu={"type": "number", "minimum": 0.05, "maximum": 16},
    memorySize={"type": "integer", "minimum": 128, "maximum": 32768, "multipleOf": 64},
    diskSize={"enum": [512, 10240]},
    timeout={"type": "integer", "minimum": 1, "maximum": 86400},
    instanceConcurrency={"type": "integer", "minimum": 1, "maximum": 200},
    instanceLifecycleConfig=_object(
        [], initializer=_object(["handler"], handler=_TEXT, timeout={"type": "integer", "minimum": 1})
    ),
    internetAccess=_FLAG,
    role=_TEXT,
    logConfig=_object(["logstore", "project"], logstore=_TEXT, project=_TEXT),
    environmentVariables={"type": "object", "additionalProperties": _TEXT},
    concurrencyConfig=_object(["reservedConcurrency"], reservedConcurrency={"type": "integer", "minimum": 0}),
    asyncInvokeConfig=_object(
        [],
        asyncTask=_FLAG,
        maxAsyncRetryAttempts={"type": "integer", "minimum": 0, "maximum": 8},
        maxAsyncEventAgeInSeconds={"type": "integer", "minimum": 1, "maximum": 2592000},
        destinationConfig=_object([], onFailure=_DESTINATION, onSuccess=_DESTINATION),
    ),
    vpcConfig=_object(
        ["securityGroupId", "vSwitchIds", "vpcId"],
        securityGroupId=_TEXT,
        vSwitchIds={"type": "array", "items": _TEXT},
        vpcId=_TEXT,
    ),
    triggers={"type": "array", "items": _TRIGGER},
)

DOCUMENT: Final = {
    "type": "object",
    "properties": {
        "edition": {"const": "3.0.0"},
        "name": _TEXT,
        "access": _TEXT,
        "resources": {
            "type": "object",
            "additionalProperties": _object(["component", "props"], component={"const": "fc3"}, props=PROPS),
        },
    },
    "required": ["edition", "name", "resources"],
}
