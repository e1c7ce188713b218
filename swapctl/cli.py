"""``slb-swap``: its commands, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from handler import blinds, settings
from swapctl import check, explain, local, logs, plan, send, undo, view
from swapctl.ending import FAILED, WRONG_USE, Failed

#: What a shell gives for a command that Ctrl-C ended.
INTERRUPTED = 130
_CODES = "Exit codes: 0 done, 1 failed, 2 there is something to do or to see, 64 wrong use."

app = typer.Typer(
    name="slb-swap",
    help="Check, plan, send and undo replacements.",
    epilog=_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (check, explain, plan, send, undo, logs, local):
    about = str(module.__doc__).partition(": ")[2].rstrip(".").replace("``", "")
    app.command(module.__name__.rpartition(".")[2], short_help=about)(module.command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code. What fails is said on standard error, without secrets."""
    out = view.console(errors=True)
    blinds.add(settings.secret_texts(os.environ))
    try:
        ended = app(args=arguments, prog_name="slb-swap", standalone_mode=False)
    except Failed as failed:
        for line in failed.args:
            view.say(("slb-swap: ", "bold red"), str(line), out=out)
        return failed.code
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more, which is no error of ours
        return 0
    except Exception as error:
        # What typer says of wrong use; some of its releases have exceptions of click, some their own.
        words = getattr(error, "format_message", None)
        if words is not None:
            view.say(("slb-swap: ", "bold red"), str(words()), out=out)
            return WRONG_USE
        view.say(("slb-swap: ", "bold red"), f"unexpected: {type(error).__name__}: {error}", out=out)
        return FAILED
    finally:
        blinds.end()
    return ended if isinstance(ended, int) else 0
