"""The environment that a function's process has: what Function Compute sets, and the function's own."""

import os

from localcloud.template.deployed import Function


def of(
    function: Function, *, region_id: str, account_id: str, endpoint: str, ca_bundle: str | None
) -> dict[str, str]:
    """The environment of one function's processes; nothing of the local cloud's own environment is in it.

    Function Compute deletes every variable that begins with FC_ but its own ("Environment variables"). The
    endpoint, and the certificates to trust, are the local cloud's addition: the function finds it by them.
    """
    own = {key: value for key, value in function.environment.items() if not key.startswith(("FC_", "_FC_"))}
    return {
        "PATH": os.defpath,
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(function.code_root),
        "SWAP_ENDPOINT": endpoint,
        **({"ALIBABA_CLOUD_CA_BUNDLE": ca_bundle} if ca_bundle else {}),
        **own,
        "FC_FUNC_CODE_PATH": str(function.code_root),
        "FC_RUNTIME_VERSION": function.runtime,
        "FC_FUNCTION_NAME": function.name,
        "FC_FUNCTION_HANDLER": function.handler,
        "FC_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        **({"FC_SERVICE_NAME": function.service} if function.service else {}),
        "FC_REGION": region_id,
        "FC_ACCOUNT_ID": account_id,
        "FC_QUALIFIER": "LATEST",
        "FC_VER_ID": "",
    }
