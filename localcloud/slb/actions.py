"""SLB 2014-05-15 as the wire carries it: the actions by name."""

from collections.abc import Callable

from localcloud.rpc.errors import ApiError
from localcloud.rpc.params import optional, required
from localcloud.slb import reads
from localcloud.slb import tags as slb_tags
from localcloud.slb.entries import parse
from localcloud.slb.groups import Written
from localcloud.slb.model import Slb
from localcloud.slb.reads import Answer, Params
from localcloud.slb.rows import backend_rows


def _written(written: Written) -> Answer:
    return {
        "VServerGroupId": written.vserver_group_id,
        "BackendServers": {"BackendServer": backend_rows(written.rows)},
    }


def _modify(slb: Slb, params: Params) -> Answer:
    group_id = required(params, "VServerGroupId")
    old, new = parse(optional(params, "OldBackendServers")), parse(optional(params, "NewBackendServers"))
    return _written(slb.modify(group_id, old, new))


def _add(slb: Slb, params: Params) -> Answer:
    group_id = required(params, "VServerGroupId")
    return _written(slb.add(group_id, parse(required(params, "BackendServers"))))


def _remove(slb: Slb, params: Params) -> Answer:
    group_id = required(params, "VServerGroupId")
    return _written(slb.remove(group_id, parse(required(params, "BackendServers"))))


def _set(slb: Slb, params: Params) -> Answer:
    name = _name(params)
    written = slb.set(required(params, "VServerGroupId"), parse(optional(params, "BackendServers")), name)
    return {**_written(written), "VServerGroupName": slb.group(written.vserver_group_id).name}


def _create(slb: Slb, params: Params) -> Answer:
    name = _name(params) or ""
    written = slb.create(required(params, "LoadBalancerId"), name, parse(optional(params, "BackendServers")))
    return {**_written(written), "VServerGroupName": name}


def _delete(slb: Slb, params: Params) -> Answer:
    slb.delete(required(params, "VServerGroupId"))
    return {}


def _name(params: Params) -> str | None:
    name = optional(params, "VServerGroupName")
    if name is not None and len(name) > 80:
        raise ApiError("InvalidParameterLength")
    return name


ACTIONS: dict[str, Callable[[Slb, Params], Answer]] = {
    "ModifyVServerGroupBackendServers": _modify,
    "AddVServerGroupBackendServers": _add,
    "RemoveVServerGroupBackendServers": _remove,
    "SetVServerGroupAttribute": _set,
    "CreateVServerGroup": _create,
    "DeleteVServerGroup": _delete,
    "DescribeVServerGroupAttribute": reads.describe_vserver_group_attribute,
    "DescribeVServerGroups": reads.describe_vserver_groups,
    "DescribeHealthStatus": reads.describe_health_status,
    "DescribeLoadBalancers": reads.describe_load_balancers,
    "DescribeLoadBalancerAttribute": reads.describe_load_balancer_attribute,
    "DescribeLoadBalancerListeners": reads.describe_load_balancer_listeners,
    "DescribeRules": reads.describe_rules,
    "ListTagResources": slb_tags.list_tag_resources,
}
