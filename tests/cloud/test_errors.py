"""Every row of the error table: code, status and text as documented, and what they mean for the caller."""

from __future__ import annotations

import pytest

from handler.cloud.errors import classify
from handler.core.model.answers import Result
from localcloud.rpc import errors

B, T, U, BAD, Q, G, P = (
    Result.BUSY,
    Result.THROTTLED,
    Result.UNKNOWN,
    Result.BAD_BACKEND,
    Result.OVER_QUOTA,
    Result.GONE,
    Result.PERMANENT,
)

ROWS = [
    # A load balancer that is still at work.
    (409, "BackendServer.configuring", "A previous configuration of the load balancer is pending", B),
    (400, "VServerGroupProcessing", "A previous configuration of the VServer group is pending", B),
    (400, "ServiceIsConfiguring", "A previous configuration is pending", B),
    (400, "OperationBusy", "The operation is busy.", B),
    (409, "ServiceIsStopping", "The specified Listener is stopping, please retry later.", B),
    (449, "SystemBusy", "The system is busy.", B),
    (400, "SystemBusy", "The system is busy.", B),
    (400, "OperationFailed.ServiceGroupProcessing", "The specified service group is processing.", B),
    (400, "BackendServerProcessing", "Backend Server is adding, please try again later.", B),
    (400, "VpcSystemBusy", "Invoke vpc system busy, please retry later.", B),
    (400, "ProcessingSameRequest", "", B),
    # Too many calls.
    (400, "Throttling", "Request was denied due to flow control.", T),
    (400, "Throttling.User", "Request was denied due to user flow control.", T),
    (503, "Throttling.Api", "", T),
    (400, "Rejected.Throttling", "", T),
    (503, "ServiceUnavailable.Throttling", "", T),
    # Nobody can know whether it was done.
    (503, "InvalidParameter", "The request has failed due to a temporary failure of the server.", U),
    (400, "InvalidParameter", "The request has failed due to a temporary failure of the server.", U),
    (503, "InvalidParameter", "The specified VServerGroupId does not exist.", U),
    (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.", U),
    (500, "InternalError", "", U),
    (500, "InternalInvokeError", "", U),
    (400, "SignatureNonceUsed", "Specified signature nonce was used already.", U),
    (400, "IllegalTimestamp", "", U),
    (400, "InvalidTimeStamp.Expired", "", U),
    (400, "InvalidSecurityToken.Expired", "", U),
    (None, "SDK.HttpError", "", U),
    (None, "SDK.ServerUnreachable", "", U),
    (None, "SDK.Unexpected", "", U),
    (None, "MalformedAnswer", "", U),
    # An entry that cannot be taken.
    (400, "ObtainIpFail", "some of the specified backend servers do not exist or are not running.", BAD),
    (404, "InvalidServerId.NotFound", "The specified ServerId does not exist.", BAD),
    (400, "InvalidServerId.NotFound", "The specified ServerId does not exist.", BAD),
    (400, "InvalidServerId.NotExist", "", BAD),
    (400, "InvalidServerId.Other", "", BAD),
    (400, "InvalidParameter", "The specified BackendServers is invalid.", BAD),
    (400, "InvalidParameter", "The specified Port value should be in [1, 65535].", BAD),
    (404, "InvalidParameter", "The specified ServerId does not exist.", BAD),
    (400, "InvalidBackendServers.Inconsistent", "", BAD),
    (400, "InvalidBackendServers.ServerIpConflict", "", BAD),
    (400, "InvalidBackendServers.Other", "", BAD),
    (400, "ServerIpConflict", "", BAD),
    (400, "NetworkConflict", "", BAD),
    (400, "Mismatched.ZoneId", "", BAD),
    (400, "BackendServer.InvalidType", "", BAD),
    (400, "MasterSlaveServerConflict", "", BAD),
    (400, "IncorrectStatus.RSByPassToas", "", BAD),
    (400, "OperationDeny.LbNotSupportIPv6Server", "", BAD),
    (400, "BackendServersMalformed", "", BAD),
    (400, "InvalidWeight.Malformed", "", BAD),
    (404, "ResourceNotFound.vServers", "", BAD),
    (400, "BackendServer.ServerRegionIdNotEqual", "", BAD),
    (400, "LBNotSupportIpv6Backend", "", BAD),
    (400, "InvalidParameterLength", "", BAD),
    (
        400,
        "OperationUnsupported.AddVServerGroupBackendServers",
        "This type of backend server is not allowed",
        BAD,
    ),
    # The quota.
    (
        400,
        "InstanceBackendServerNumberOverLimit",
        "The backend server number has reached to the quota limit",
        Q,
    ),
    # What is no longer there.
    (404, "InvalidParameter", "The specified VServerGroupId does not exist.", G),
    (404, "InvalidParameter", "The specified LoadBalancerId does not exist.", G),
    (404, "InvalidLoadBalancerId.NotFound", "", G),
    (404, "InvalidScalingGroupId.NotFound", "", G),
    (404, "InvalidLifecycleHookId.NotExist", "", G),
    (
        400,
        "LifecycleHookIdAndLifecycleActionToken.Invalid",
        "does not match any in process lifecycle action",
        G,
    ),
    # What will be refused again.
    (400, "InvalidParameter", "The specified parameter is not valid.", P),
    (404, "InvalidParameter", "The specified thing does not exist.", P),
    (503, "ServiceUnavailable", "The specified region not support VPC.", P),
    (503, "ServiceUnavailable", "The specified loadbalancer name has been used.", P),
    (400, "ServiceUnavailable", "The vpc subnet is not exist.", P),
    (400, "TooManyBackendServers", "The number of servers exceeds max supported number: 20", P),
    (400, "ActionNotAllowed", "", P),
    (400, "UnsupportedParameter", "", P),
    (400, "UnsupportedOperation", "", P),
    (400, "NoSuchVersion", "", P),
    (400, "InvalidVersion", "", P),
    (404, "InvalidAction.NotFound", "", P),
    (400, "InvalidTimeStamp.Format", "", P),
    (400, "InvalidSecurityToken.Malformed", "", P),
    (400, "InvalidSecurityToken.MismatchWithAccessKey", "", P),
    (400, "MissingSecurityToken", "", P),
    (400, "MissingParameter", "", P),
    (400, "InvalidParamter", "", P),
    (400, "LbStatusNotSupport", "The status of specified loadbalancer does not support..", P),
    (400, "RspoolVipExist", "", P),
    (400, "RspoolRuleExist", "", P),
    (400, "VServerGroupEmpty", "", P),
    (404, "InvalidRegionId.NotFound", "", P),
    (404, "ListenerNotFound", "", P),
    (404, "CheckedListenerNotFound", "", P),
    (403, "Forbidden", "", P),
    (403, "Forbidden.RAM", "", P),
    (403, "Forbidden.RiskControl", "", P),
    (403, "Forbidden.Unauthorized", "", P),
    (403, "Forbbiden.SubUser", "", P),
    (403, "NoPermission", "", P),
    (404, "InvalidAccessKeyId.NotFound", "", P),
    (400, "InvalidAccessKeySecret", "", P),
    (400, "IncompleteSignature", "", P),
    (400, "SignatureDoesNotMatch", "", P),
    (400, "LifecycleAction.TimeExceeded", "", P),
    (400, "LifecycleAction.RecordTimesExceeded", "", P),
    (400, "InvalidInstanceIds.Malformed", "", P),
    (404, "InvalidStatus.NotFound", "", P),
    (404, "InvalidLockReason.NotFound", "", P),
    (400, "DryRunOperation", "Request validation has been passed with DryRun flag set.", P),
    (None, "SDK.InvalidRegionId", "", P),
    (None, "SDK.InvalidRequest", "", P),
    (None, "SDK.MissingEndpointsFiler", "", P),
    (None, "SDK.InvalidCredential", "", P),
    (None, "SDK.InvalidSessionExpiration", "", P),
    (None, "SDK.GetSessionCredentialFailed", "", P),
    (None, "SDK.InvalidParams", "", P),
    (None, "SDK.InvalidParameter", "", P),
    (None, "SDK.NotSupport", "", P),
    (None, "SDK.EndpointResolvingError", "", P),
    (None, "SDK.EndpointTestability", "", P),
    # Held by another call, or in a status that passes: whatever the product, and whatever HTTP says.
    (400, "OperationConflict", "Operation conflict.", B),
    (400, "TaskConflict", "", B),
    (400, "Conflict.Lock", "The Lock [%s] is conflict.", B),
    (400, "OperationFailed.DistibuteLock", "", B),
    (400, "LoadBalancer.Locked", "", B),
    (400, "IncorrectStatus", "", B),
    (400, "IncorrectStatus.loadbalancer", "The status of %s [%s] is incorrect.", B),
    (400, "IncorrectStatus.ServerGroup", "", B),
    (400, "IncorrectBusinessStatus.LoadBalancer", "", B),
    (400, "IncorrectVpcStatus", "", B),
    (400, "IncorrectScalingGroupStatus", "The current status does not support this action.", B),
    (400, "ScalingActivityInProgress", "There is a scaling activity in progress.", B),
    (400, "ResourceInConfiguring.loadbalancer", "", B),
    (400, "ResourceInOperating.Listener", "", B),
    (400, "Instance.InOperation", "", B),
    (400, "OperationFailed.ResourceIsConfiguring", "", B),
    (400, "OperationFailed.ListenerStatusNotSupport", "Please try again later.", B),
    (400, "OperationFailed.LastTokenProcessing", "", B),
    (400, "IdempotenceProcessing", "", B),
    (409, "Whatever", "", B),
    (409, "SDK.UnknownServerError", "", B),
    # But what a document says of a code goes before its status, and a parameter does not mend by waiting.
    (409, "NetworkConflict", "", BAD),
    (409, "InvalidServerId.Other", "", BAD),
    (409, "Throttling.User", "", T),
    (409, "LbStatusNotSupport", "", P),
    (409, "StatefulAsyncInvocationAlreadyExists", "", P),
    (400, "InvalidVip.Conflict", "", P),
    (400, "InvalidStatus.Conflict", "", P),
    (400, "IncorrectParameter", "", P),
    (400, "PortConflict.Listener", "", P),
    (400, "ResourceInUse", "", P),
    (400, "OperationDenied.InstanceLockedForSecurity", "", P),
    (400, "Unblocked", "", P),
    # Codes that no document names.
    (400, "SomethingProcessing", "", B),
    (400, "Listener.Configuring", "", B),
    (400, "VeryBusy", "", B),
    (429, "Whatever", "", T),
    (500, "Whatever", "", U),
    (None, "Whatever", "", U),
    (404, "Whatever", "", P),
    (500, "SDK.UnknownServerError", "", U),
    (403, "SDK.UnknownServerError", "", P),
]


@pytest.mark.parametrize(("status", "code", "message", "result"), ROWS)
def test_row(status: int | None, code: str, message: str, result: Result) -> None:
    assert classify("ModifyVServerGroupBackendServers", code, status, message) is result
    assert classify("ModifyVServerGroupBackendServers", code.upper(), status, message.upper()) is result


def test_the_one_thing_that_a_group_read_by_its_id_can_miss_is_the_group() -> None:
    assert classify("DescribeVServerGroupAttribute", "InvalidParameter", 404, "Not found.") is Result.GONE


def test_every_error_that_the_local_cloud_can_give_has_a_row() -> None:
    never_called = {"OperationUnsupported.CreateVServerGroup"}
    assert errors.TABLE.keys() - {code for _, code, _, _ in ROWS} == never_called
