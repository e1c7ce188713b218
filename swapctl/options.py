"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Targets = Annotated[
    Path | None, typer.Option("--targets", metavar="FILE", help="the settings; default: SWAP_TARGETS")
]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint", metavar="URL", help="of a local cloud; default: SWAP_ENDPOINT")
]
Region = Annotated[
    str | None,
    typer.Option("--region", help="default: ALIBABA_CLOUD_REGION_ID, or that of the profile"),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for scripts")]
Event = Annotated[Path | None, typer.Argument(metavar="[EVENT]", help="a delivery as bytes; - for stdin")]
Request = Annotated[
    Path | None, typer.Option("--request", metavar="FILE", help="the body of a request; - for stdin")
]
Webhook = Annotated[
    str | None,
    typer.Option("--webhook", metavar="URL", help="the HTTP trigger; signed with SWAP_WEBHOOK_SECRETS"),
]
Function = Annotated[
    str | None,
    typer.Option("--function", metavar="NAME", help="invoke FUNCTION, or SERVICE/FUNCTION on 2.0"),
]
Account = Annotated[
    str | None, typer.Option("--account", help="the account's id, for --function; default: FC_ACCOUNT_ID")
]
Apply = Annotated[bool, typer.Option("--apply", help="do it; without it nothing is written")]
