"""`make serve`: the page, until it is stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from show.page.desk import Desk
from show.page.server import PageServer


def main() -> int:
    """Serve the page until SIGINT or SIGTERM; 2 where its port is taken."""
    parser = argparse.ArgumentParser(prog="make serve")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--servers", type=int, help="a group of so many in place of the world of events/")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    desk = Desk(options.servers)
    try:
        server = PageServer(desk, options.port)
    except OSError as error:
        print(f"port {options.port}: {error.strerror}", file=sys.stderr)
        desk.close()
        return 2
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    print(f"{server.url}  (Ctrl-C ends it)", flush=True)
    stop.wait()
    server.close()
    desk.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
