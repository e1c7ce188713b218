"""The error table: what each code of the cloud means for the caller, in the words of ``core.model.answers``.

Codes, statuses and texts are from the documents of Classic Load Balancer (Common error codes, and each
action's page), of Auto Scaling and of the RPC gateway. If nobody can know whether a call was done, it is
UNKNOWN: the caller looks before it sends again.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from handler.core.model.answers import Result


class _Meaning(NamedTuple):
    """A row for a code with several meanings; None and "" match anything. The first row that fits applies."""

    code: str
    result: Result
    status: int | None = None
    text: str = ""
    action: str | None = None


_SEVERAL: Final = (
    # InvalidParameter means a server in trouble, a group that is gone, or a refused entry. Status goes first.
    _Meaning("InvalidParameter", Result.UNKNOWN, status=503),
    _Meaning("InvalidParameter", Result.GONE, status=404, text="VServerGroup"),
    _Meaning("InvalidParameter", Result.GONE, status=404, text="LoadBalancer"),
    _Meaning("InvalidParameter", Result.GONE, status=404, action="DescribeVServerGroupAttribute"),
    _Meaning("InvalidParameter", Result.BAD_BACKEND, text="BackendServers is invalid"),
    _Meaning("InvalidParameter", Result.BAD_BACKEND, text="Port value should be"),
    _Meaning("InvalidParameter", Result.BAD_BACKEND, text="ServerId"),
    _Meaning("InvalidParameter", Result.UNKNOWN, text="temporary failure"),
    # ServiceUnavailable also has causes that do not pass.
    _Meaning("ServiceUnavailable", Result.PERMANENT, text="region not support VPC"),
    _Meaning("ServiceUnavailable", Result.PERMANENT, text="name has been used"),
    _Meaning("ServiceUnavailable", Result.PERMANENT, text="subnet is not exist"),
    _Meaning("ServiceUnavailable", Result.UNKNOWN),
)

_ONE: Final = {
    Result.BUSY: (
        "BackendServer.configuring",
        "VServerGroupProcessing",
        "ServiceIsConfiguring",
        "OperationBusy",
        "ServiceIsStopping",
        "SystemBusy",
        "OperationFailed.ServiceGroupProcessing",
        "BackendServerProcessing",
        "VpcSystemBusy",
        "ProcessingSameRequest",
        "OperationFailed.ListenerStatusNotSupport",  # "Please try again later" (DeleteRules)
    ),
    Result.THROTTLED: ("Throttling", "Throttling.User", "Rejected.Throttling"),
    Result.UNKNOWN: (
        "InternalError",
        "InternalInvokeError",
        "SignatureNonceUsed",  # the first send may have arrived
        "IllegalTimestamp",  # a new attempt has a new one
        "InvalidTimeStamp.Expired",
        "InvalidSecurityToken.Expired",  # the next invocation has a new one
        "SDK.HttpError",
        "SDK.ServerUnreachable",
        "SDK.Unexpected",
        "MalformedAnswer",
    ),
    Result.BAD_BACKEND: (
        "ObtainIpFail",
        "InvalidServerId.NotFound",
        "InvalidServerId.NotExist",
        "InvalidBackendServers.Inconsistent",
        "InvalidBackendServers.ServerIpConflict",
        "ServerIpConflict",
        "NetworkConflict",
        "Mismatched.ZoneId",
        "BackendServer.InvalidType",
        "MasterSlaveServerConflict",
        "IncorrectStatus.RSByPassToas",
        "OperationDeny.LbNotSupportIPv6Server",
        "BackendServersMalformed",
        "InvalidWeight.Malformed",
        "ResourceNotFound.vServers",
        "BackendServer.ServerRegionIdNotEqual",
        "LBNotSupportIpv6Backend",
        "InvalidParameterLength",  # a description
        "OperationUnsupported.AddVServerGroupBackendServers",  # this type of server
    ),
    Result.OVER_QUOTA: ("InstanceBackendServerNumberOverLimit",),
    Result.GONE: (
        "InvalidLoadBalancerId.NotFound",
        "InvalidScalingGroupId.NotFound",
        "InvalidLifecycleHookId.NotExist",
        "LifecycleHookIdAndLifecycleActionToken.Invalid",  # expired, or completed before
    ),
    Result.PERMANENT: (
        "TooManyBackendServers",
        "ActionNotAllowed",
        "UnsupportedParameter",
        "UnsupportedOperation",
        "NoSuchVersion",
        "InvalidVersion",
        "InvalidAction.NotFound",
        "InvalidTimeStamp.Format",
        "InvalidSecurityToken.Malformed",
        "InvalidSecurityToken.MismatchWithAccessKey",
        "MissingSecurityToken",
        "MissingParameter",
        "InvalidParamter",  # spelt so by Auto Scaling
        "LbStatusNotSupport",
        "RspoolVipExist",
        "RspoolRuleExist",
        "VServerGroupEmpty",
        "InvalidRegionId.NotFound",
        "ListenerNotFound",
        "CheckedListenerNotFound",
        "Forbidden",
        "Forbidden.RAM",
        "Forbidden.RiskControl",
        "Forbidden.Unauthorized",
        "Forbbiden.SubUser",  # spelt so by the load balancer
        "NoPermission",
        "InvalidAccessKeyId.NotFound",
        "InvalidAccessKeySecret",
        "IncompleteSignature",
        "SignatureDoesNotMatch",
        "LifecycleAction.TimeExceeded",
        "LifecycleAction.RecordTimesExceeded",
        "InvalidInstanceIds.Malformed",
        "InvalidStatus.NotFound",
        "InvalidLockReason.NotFound",
        "DryRunOperation",  # a dry run that is allowed
        "StatefulAsyncInvocationAlreadyExists",  # Function Compute: that id was queued before
        "SDK.InvalidRegionId",
        "SDK.InvalidRequest",
        "SDK.MissingEndpointsFiler",
        "SDK.InvalidCredential",
        "SDK.InvalidSessionExpiration",
        "SDK.GetSessionCredentialFailed",
        "SDK.InvalidParams",
        "SDK.InvalidParameter",
        "SDK.NotSupport",
        "SDK.EndpointResolvingError",
        "SDK.EndpointTestability",
    ),
}

_BY_CODE: Final = {code.casefold(): result for result, codes in _ONE.items() for code in codes}

#: Families with members that no document lists, by how their codes begin.
_BEGINNINGS: Final = (
    ("throttling", Result.THROTTLED),
    ("invalidserverid.", Result.BAD_BACKEND),
    ("invalidbackendservers.", Result.BAD_BACKEND),
)

#: Codes for something still at work, held by another call, or in a status that passes. Load balancers of all
#: kinds, VPC and Auto Scaling share them (OperationConflict, TaskConflict, Conflict.Lock,
#: IncorrectStatus.loadbalancer, IncorrectVpcStatus, ScalingActivityInProgress), and other callers retry them
#: (terraform-provider-alicloud). A wrong parameter stays wrong.
_PASSING: Final = re.compile(
    r"(?!invalid)(?:incorrect\w*status(?:\..*)?|conflict\..*|resourcein\w+ing\..*"
    r"|.*(?:processing|configuring|busy|conflict|\.(?:\w*lock|locked)|inprogress|inoperation))"
)


def classify(action: str, code: str, status: int | None, message: str) -> Result:
    """Return what an error means for the caller of ``action``.

    ``status`` is the HTTP status, None if there was no answer. A code that no document names is judged by its
    family, then by its status: 409 is busy, 429 throttled, 5xx or no answer unknown, else permanent.
    """
    wanted, text = code.casefold(), message.casefold()
    for row in _SEVERAL:
        if (
            row.code.casefold() == wanted
            and row.status in {None, status}
            and row.text.casefold() in text
            and row.action in {None, action}
        ):
            return row.result
    if wanted in _BY_CODE:
        return _BY_CODE[wanted]
    for beginning, result in _BEGINNINGS:
        if wanted.startswith(beginning):
            return result
    if wanted.endswith(".throttling") or status == 429:
        return Result.THROTTLED
    if status == 409 or _PASSING.fullmatch(wanted):
        return Result.BUSY
    return Result.UNKNOWN if status is None or status >= 500 else Result.PERMANENT
