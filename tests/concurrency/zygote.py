"""Imports the program once and forks a process of it on request: a start takes milliseconds instead of seconds.

Reads one JSON object a line: {"start": name, "env": {…}, "log": path} answers the pid, {"wait": pid} the exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, NoReturn


def serve() -> None:
    """Answer until stdin is closed."""
    import tenants.relay
    import tenants.scheduler
    import tenants.worker  # noqa: F401  # so that a fork has it already
    from tests.concurrency import probe

    assert probe.main
    _say(0)  # ready
    children: set[int] = set()
    for line in sys.stdin:
        wish = json.loads(line)
        if "wait" in wish:
            _say(os.waitstatus_to_exitcode(os.waitpid(wish["wait"], 0)[1]))
            children.discard(wish["wait"])
            continue
        pid = os.fork()
        if pid == 0:
            _become(wish)
        children.add(pid)
        _say(pid)
    for pid in children:  # the tests were broken off
        os.kill(pid, signal.SIGKILL)


def _say(answer: Any) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


def _become(wish: dict[str, Any]) -> NoReturn:
    from tests.concurrency import probe

    code = 1
    try:
        os.setsid()
        out = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(source, target)
        os.environ.update(wish["env"])
        sys.argv = ["probe", wish["start"]]
        probe.main()
        code = 0
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
