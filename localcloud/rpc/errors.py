"""The documented errors: code, HTTP status, message, and the document each is from."""

# ruff: noqa: E501 - a table reads best with a row on a line

from dataclasses import dataclass

LIST = "SLB: Common error codes (AlibabaCloudDocs/slb, 2021)"
PAGES = "SLB: error tables of the pages api-slb-2014-05-15-<action> (help.aliyun.com, 2024 to 2026)"
ESS = "ESS: error tables of the pages api-ess-2014-08-28-<action> (help.aliyun.com)"
ECS = "ECS: error table of the page DescribeInstances (AlibabaCloudDocs/ecs, 2021), and of its sister pages"
RPC = "RPC: common error codes (help.aliyun.com, public errors)"
SEEN = "in use by callers (terraform-provider-alicloud, OneCloud), on no page that was found"


@dataclass(frozen=True, slots=True)
class Documented:
    """One way in which a code is documented."""

    status: int
    message: str
    source: str


class ApiError(Exception):
    """What the cloud answers instead of a result."""

    def __init__(self, code: str, message: str | None = None, status: int | None = None) -> None:
        known = documented(code, status)
        self.code = code
        self.status = status or (known.status if known else 400)
        self.message = message if message is not None else (known.message if known else code)
        super().__init__(f"{self.status} {code}: {self.message}")


TABLE: dict[str, tuple[Documented, ...]] = {}


def _add(source: str, *rows: tuple[int, str, str]) -> None:
    for status, code, message in rows:
        TABLE[code] = (*TABLE.get(code, ()), Documented(status, message, source))


# fmt: off
_add(
    LIST,
    # Busy: the same call may succeed later.
    (409, "BackendServer.configuring", "A previous configuration of the load balancer is pending; please try again later."),
    (400, "VServerGroupProcessing", "A previous configuration of the VServer group is pending; please try again later."),
    (400, "ServiceIsConfiguring", "A previous configuration is pending; please try again later."),
    (400, "OperationBusy", "A previous operation is pending."),
    (409, "ServiceIsStopping", "The specified Listener is stopping, please retry later."),
    (449, "SystemBusy", "The system is busy."),
    (400, "ProcessingSameRequest", "The same request is being processed. Please try later."),
    (500, "InternalError", "The request processing has failed due to backend service exception."),
    (500, "InternalInvokeError", "The internal invoking has failed."),
    (503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server now."),
    (400, "ServiceUnavailable", "The vpc subnet is not exist."),
    # One code, three meanings, told apart by status.
    (400, "InvalidParameter", "The specified BackendServers is invalid."),
    (404, "InvalidParameter", "The specified VServerGroupId does not exist."),
    (503, "InvalidParameter", "The request has failed due to a temporary failure of the server."),
    # What will not get better by itself.
    (400, "ObtainIpFail", "The specified BackendServers is invalid; some of the specified backend servers do not exist or are not running."),
    (404, "InvalidServerId.NotFound", "The specified ServerId does not exist."),
    (400, "InvalidServerId.NotFound", "The specified server is not found."),
    (400, "BackendServersMalformed", "the specified parameter BackendServers is unavailable."),
    (400, "TooManyBackendServers", "The total number of input real servers exceeds max supported number: 20"),
    (400, "InvalidWeight.Malformed", "A specified weight is not valid."),
    (400, "InvalidParameterLength", "The specified parameter length is not valid."),
    (400, "InvalidBackendServers.Inconsistent", "All BackendServers on one Specified LoadBalancer have to be in the same vpc or all classic"),
    (400, "NetworkConflict", "there are network conflicts in specified parameter."),
    (400, "ActionNotAllowed", "The action is not allowed."),
    (400, "UnsupportedParameter", "The specified parameter is not unsupported."),
    (400, "UnsupportedOperation", "The specified action is not supported."),
    (400, "RspoolVipExist", "there are vips associating with this vServer group."),
    (400, "RspoolRuleExist", "there are rules associating with this vServer group."),
    (400, "VServerGroupEmpty", "The specified VServerGroupId is invalid; it does not contain vServers."),
    (404, "InvalidRegionId.NotFound", "The specified RegionId does not exist."),
    (404, "ListenerNotFound", "You have not created a listener for the specified port of the load balancer."),
    (404, "CheckedListenerNotFound", "No health-checked Listener to the specified port of the Load Balancer."),
    (403, "Forbidden", "User not authorized to operate on the specified resource."),
    (403, "Forbbiden.SubUser", "TUser not authorized to operate on the specified resource as your account is created by another user."),
)
_add(
    PAGES,
    (400, "SystemBusy", "The system is busy."),
    (400, "OperationBusy", "The operation is busy."),
    (400, "OperationFailed.ServiceGroupProcessing", "The specified service group is processing."),
    (400, "BackendServerProcessing", "Backend Server is adding, please try again later."),
    (400, "VpcSystemBusy", "Invoke vpc system busy, please retry later."),
    (400, "InvalidServerId.NotExist", "The specified ServerId does not exist."),
    (400, "InvalidBackendServers.ServerIpConflict", "The specified backend server conflicts with an existing one."),
    (400, "InstanceBackendServerNumberOverLimit", "The backend server number has reached to the quota limit of this load balancer."),
    (400, "Mismatched.ZoneId", "The zone of the server is not matched with the cloud box loadbalancer."),
    (400, "BackendServer.InvalidType", "The specified Type is invalid."),
    (400, "BackendServer.ServerRegionIdNotEqual", "The specified ServerRegionId must be equal."),
    (400, "MasterSlaveServerConflict", "The specified server is in a master/slave server group."),
    (400, "IncorrectStatus.RSByPassToas", "The status of the backend server does not allow this operation."),
    (400, "OperationUnsupported.AddVServerGroupBackendServers", "This type of backend server is not allowed to attached to singleTunnel or anyTunnel lb."),
    (400, "OperationUnsupported.CreateVServerGroup", "This type of backend server is not allowed to attached to singleTunnel or anyTunnel lb."),
    (400, "OperationDeny.LbNotSupportIPv6Server", "The specified loadbalancer does not support ipv6 backend."),
    (400, "LBNotSupportIpv6Backend", "The specified loadbalancer does not support ipv6 backend."),
    (400, "LbStatusNotSupport", "The status of specified loadbalancer does not support this operation."),
    (404, "InvalidLoadBalancerId.NotFound", "The specified LoadBalancerId does not exist."),
    (404, "ResourceNotFound.vServers", "The specified vServers does not exist."),
)
_add(
    ESS,
    (404, "InvalidScalingGroupId.NotFound", "The specified scaling group does not exist."),
    (400, "InvalidParamter", "The specified value of parameter is not valid."),
    (400, "LifecycleHookIdAndLifecycleActionToken.Invalid", "The specified lifecycleActionToken and lifecycleHookId you provided does not match any in process lifecycle action."),
    (400, "LifecycleAction.TimeExceeded", "The total time of the lifecycle action has reached its limit."),
    (400, "LifecycleAction.RecordTimesExceeded", "The number of heartbeats of the lifecycle action has reached its limit."),
)
_add(
    ECS,
    (400, "InvalidInstanceIds.Malformed", "The specified InstanceIds is not valid."),
    (404, "InvalidStatus.NotFound", "The specified Status is not found"),
    (404, "InvalidLockReason.NotFound", "The specified LockReason is not found"),
    (400, "DryRunOperation", "Request validation has been passed with DryRun flag set."),
)
_add(
    RPC,
    (400, "Throttling", "Request was denied due to request throttling."),
    (400, "Throttling.User", "Request was denied due to user flow control."),
    (400, "Throttling.Api", "Request was denied due to api flow control."),
    (400, "MissingParameter", "The input parameter that is mandatory for processing this request is not supplied."),
    (404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method."),
    (400, "NoSuchVersion", "The specified version does not exist."),
    (400, "InvalidVersion", "Specified parameter Version is not valid."),
    (404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
    (400, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
    (400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."),
    (403, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation."),
    (400, "IncompleteSignature", "The request signature does not conform to Aliyun standards."),
    (400, "SignatureNonceUsed", "Specified signature nonce was used already."),
    (400, "IllegalTimestamp", "The input parameter Timestamp that is mandatory for processing this request is not supplied."),
    (400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."),
    (400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."),
    (400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
    (400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed."),
    (400, "InvalidSecurityToken.MismatchWithAccessKey", "Specified SecurityToken mismatch with the AccessKey."),
    (400, "MissingSecurityToken", "SecurityToken is mandatory for this action."),
    (403, "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM."),
    (403, "Forbidden.RiskControl", "This operation is forbidden by Aliyun RiskControl system."),
    (403, "NoPermission", "You are not authorized to do this action."),
)
_add(SEEN, (400, "Rejected.Throttling", "Request was denied due to flow control."))
# fmt: on


def documented(code: str, status: int | None = None) -> Documented | None:
    """The row of a code: the one with that status if a status is given, else its first."""
    rows = TABLE.get(code, ())
    return next((row for row in rows if status in {None, row.status}), rows[0] if rows else None)
