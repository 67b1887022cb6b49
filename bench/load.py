"""The load generator: wrk where the machine has it, else autocannon from the npm lock.

Requests are prepared here (a file of bodies), sent in turn by every connection, never repeated.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AUTOCANNON = ROOT / "node_modules" / ".bin" / "autocannon"


class BenchError(RuntimeError):
    """The bench cannot give an honest figure; the text says why."""


@dataclass(frozen=True)
class Request:
    """One prepared request: method, path with query, headers, body."""

    method: str
    path: str
    headers: dict[str, str]
    body: str = ""


@dataclass(frozen=True)
class Load:
    """What a run of the generator saw. `per_second` counts answers below 400 only."""

    tool: str
    per_second: float
    failed: int
    p50_ms: float
    p99_ms: float


def generator() -> str:
    """Which generator this machine uses. Raises BenchError where there is none."""
    if shutil.which("wrk"):
        return "wrk"
    if AUTOCANNON.exists():
        return "autocannon"
    raise BenchError("no load generator: install wrk, or run `make setup-dev`, which brings autocannon")


def run(base: str, requests: Sequence[Request], *, connections: int, seconds: int) -> Load:
    """Send the requests to `base` over `connections` kept-alive connections for `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        send = _wrk if generator() == "wrk" else _autocannon
        return send(base, requests, Path(folder), connections, seconds)


LUA = """
local requests = {}
for line in io.lines(os.getenv("BENCH_REQUESTS")) do
  local method, path, headers, body = line:match("^(%S+) (%S+) (%S+) ?(.*)$")
  local h = {}
  for name, value in headers:gmatch("([^=;]+)=([^;]+)") do h[name] = value:gsub("%%20", " ") end
  requests[#requests + 1] = wrk.format(method, path, h, body ~= "" and body or nil)
end
local n = 0
function request() n = n % #requests + 1; return requests[n] end
local bad = 0
function done(summary, latency, _)
  io.write(string.format("RESULT %d %d %d %.3f %.3f\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


def _wrk(base: str, requests: Sequence[Request], folder: Path, connections: int, seconds: int) -> Load:
    script, bodies = folder / "bench.lua", folder / "requests"
    script.write_text(LUA)
    with bodies.open("w") as out:
        for item in requests:
            headers = ";".join(
                f"{name}={value.replace(' ', '%20')}" for name, value in (item.headers or {"X-Bench": "1"}).items()
            )
            out.write(f"{item.method} {item.path} {headers} {item.body}\n")
    # One thread: every thread would start the list anew and send each business key twice.
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), base]
    env = {"BENCH_REQUESTS": str(bodies), "PATH": "/usr/bin:/usr/local/bin:/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    found = re.search(r"RESULT (\d+) (\d+) (\d+) ([\d.]+) ([\d.]+)", done.stdout)
    if not found:
        raise BenchError(f"wrk said: {done.stdout[-500:]}{done.stderr[-500:]}")
    count, micros, failed = int(found[1]), int(found[2]), int(found[3])
    return Load("wrk", (count - failed) / (micros / 1e6), failed, float(found[4]), float(found[5]))


def _autocannon(base: str, requests: Sequence[Request], folder: Path, connections: int, seconds: int) -> Load:
    items = [
        {
            "method": item.method,
            "path": item.path,
            "headers": item.headers,
            **({"body": item.body} if item.body else {}),
        }
        for item in requests
    ]
    source = folder / "requests.json"
    source.write_text(json.dumps(items))
    driver = folder / "drive.cjs"
    driver.write_text(DRIVER)
    command = ["node", str(driver), str(AUTOCANNON.resolve()), base, str(source), str(connections), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"autocannon said: {done.stderr[-500:]}")
    seen = json.loads(done.stdout)
    ok = seen["2xx"] + seen["3xx"]
    failed = seen["non2xx"] - seen["3xx"] + seen["errors"]
    return Load("autocannon", ok / seen["duration"], failed, seen["latency"]["p50"], seen["latency"]["p99"])


# autocannon gives every connection the whole list; a shared cursor sends each request once.
DRIVER = """
const [, , cli, url, source, connections, duration] = process.argv;
const autocannon = require(require('path').dirname(cli));
const items = JSON.parse(require('fs').readFileSync(source));
let next = 0;
const requests = [{ setupRequest: (r) => ({ ...r, ...items[next++ % items.length] }) }];
autocannon({ url, connections: +connections, duration: +duration, requests },
  (error, result) => { if (error) throw error; console.log(JSON.stringify(result)); });
"""
