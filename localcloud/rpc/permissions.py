"""Which resources a call needs to be allowed on (RAM authorization tables of the SLB and ESS pages).

There is no ARN of a VServer group: least privilege is for each load balancer.
"""

from collections.abc import Mapping

from localcloud.cloud import Cloud
from localcloud.rpc.credentials import Identity
from localcloud.rpc.errors import ApiError
from localcloud.rpc.params import flag, indexed, optional
from localcloud.slb.entries import parse

INSTANCES = {
    # Both resource types are mandatory on these pages. For Add the instance is optional; whether a policy may
    # leave it out is not said, so it is asked for here.
    "AddVServerGroupBackendServers": ("BackendServers",),
    "ModifyVServerGroupBackendServers": ("OldBackendServers", "NewBackendServers"),
    "RemoveVServerGroupBackendServers": ("BackendServers",),
}


class Authorizer:
    """Asks an identity's policy about each resource of a call."""

    def __init__(self, cloud: Cloud, region_id: str, account_id: str) -> None:
        self._cloud = cloud
        self._place = f"{region_id}:{account_id}"

    def check(
        self, identity: Identity, service: str, action: str, params: Mapping[str, str]
    ) -> Mapping[str, str]:
        """The parameters as the action is to see them; Forbidden.RAM where the policy does not allow the
        action on every resource it needs.

        Reading `ecs_denied`: ECS may answer such a caller with an empty list, but says so to a DryRun.
        """
        if identity.policy is None:
            return params
        if all(
            identity.allows(f"{service}:{action}", one) for one in self._resources(service, action, params)
        ):
            return params
        hidden = service == "ecs" and self._cloud.world.readings["ecs_denied"] == "empty_list"
        if hidden and not flag(params, "DryRun"):
            return {**params, "InstanceIds": "[]"}
        raise ApiError("Forbidden.RAM")

    def _resources(self, service: str, action: str, params: Mapping[str, str]) -> list[str]:
        if service == "ecs":
            return [f"acs:ecs:{self._place}:instance/*"]  # DescribeInstances' authorization table
        return self._slb(action, params) if service == "slb" else self._ess(params)

    def _slb(self, action: str, params: Mapping[str, str]) -> list[str]:
        world = self._cloud.world
        balancers = [i for part in indexed(params, "LoadBalancerId") for i in part.split(",") if i]
        if action == "ListTagResources":
            balancers = indexed(params, "ResourceId")
        group_id = optional(params, "VServerGroupId")
        if group_id is not None:
            group = world.groups.get(group_id)
            if group is None:
                return []  # no resource to be allowed on: the call itself answers that there is none
            balancers = [group.load_balancer_id]
        found = [f"acs:slb:{self._place}:loadbalancer/{i}" for i in balancers]
        for name in INSTANCES.get(action, ()):
            ids = {e.server_id: None for e in parse(optional(params, name)) if e.type == "ecs"}
            found += [f"acs:ecs:{self._place}:instance/{i}" for i in ids]
        return found or [f"acs:slb:{self._place}:loadbalancer/*"]

    def _ess(self, params: Mapping[str, str]) -> list[str]:
        ids = indexed(params, "ScalingGroupId")
        token, activity = optional(params, "LifecycleActionToken"), optional(params, "ScalingActivityId")
        if not ids and (token or activity):
            ids = [
                group.scaling_group_id
                for group in self._cloud.world.scaling_groups.values()
                for action in group.lifecycle_actions
                if token == action.lifecycle_action_token or activity == action.scaling_activity_id
            ]
            if not ids:
                return []
        return [f"acs:ess:{self._place}:scalinggroup/{i}" for i in dict.fromkeys(ids)] or ["*"]
