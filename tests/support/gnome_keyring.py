"""Runs the tests beside this file with a real keyring: a D-Bus session of its own, and in it a gnome-keyring.

    python tests/support/gnome_keyring.py [words for pytest]

With an unlocked keyring, with one that nobody can unlock for want of a display, and with one whose dialog nobody
answers; and without one: no bus, a backend that keeps nothing, and one that keeps plain text (keyrings.alt, in the
folder that PLAINTEXT names, since its presence alone spoils the others). Nothing of the user's own keyring is touched:
home, runtime directory and bus are new each time. What is not installed is said and left out. On Debian: dbus and
gnome-keyring, for the dialog xvfb and xauth too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
VARIABLE = "TEST_REAL_KEYRING"
PLAINTEXT = "PLAINTEXT"
BACKENDS = {"null": "keyring.backends.null.Keyring", "plaintext": "keyrings.alt.file.PlaintextKeyring"}
NEEDED = {
    "unlocked": ["dbus-run-session", "gnome-keyring-daemon"],
    "locked": ["dbus-run-session", "gnome-keyring-daemon"],
    "no bus": [],
    "null": [],
    "plaintext": [],
    "dialog": ["dbus-run-session", "gnome-keyring-daemon", "xvfb-run", "xauth", "dbus-update-activation-environment"],
}


def main(words: list[str]) -> int:
    """Every variant that this machine can run; the worst exit status."""
    worst = 0
    for variant, programs in NEEDED.items():
        if variant == "plaintext" and PLAINTEXT not in os.environ:
            print(f"{variant}: skipped, {PLAINTEXT} is not set", flush=True)
            continue
        if missing := [name for name in programs if not shutil.which(name)]:
            print(f"{variant}: skipped, {' and '.join(missing)} not installed", flush=True)
            continue
        print(f"{variant}:", flush=True)
        worst = max(worst, outside(variant, words))
    return worst


def outside(variant: str, words: list[str]) -> int:
    """Open a session and run this file in it."""
    dropped = {"DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND", "XAUTHORITY"}
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    with tempfile.TemporaryDirectory(prefix="keyring-") as home:
        environment |= {"HOME": home, "XDG_RUNTIME_DIR": home, VARIABLE: variant}
        if variant in BACKENDS:
            environment["PYTHON_KEYRING_BACKEND"] = BACKENDS[variant]
        if variant == "plaintext":
            environment["PYTHONPATH"] = os.environ[PLAINTEXT]
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            environment.pop(name, None)
        screen = ["xvfb-run", "-a"] if variant == "dialog" else []
        bus = ["dbus-run-session", "--"] if NEEDED[variant] else []
        command = [*screen, *bus, sys.executable, __file__, "--inside", *words]
        return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode


def inside(words: list[str]) -> int:
    """Unlock the keyring where the variant wants that, and run pytest."""
    if os.environ[VARIABLE] == "dialog":
        subprocess.run(["dbus-update-activation-environment", "DISPLAY", "XAUTHORITY"], check=True)
    if NEEDED[os.environ[VARIABLE]]:
        unlock()
    # keyring 25.7 leaves its connection open where the collection is locked.
    quiet = ["-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n0",
        "-m",
        "keyring",
        *quiet,
        str(ROOT / "tests/behaviour/keyring"),
        *words,
    ]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def unlock() -> None:
    """Start the daemon with the password of a login keyring, which is made with it the first time."""
    command = ["gnome-keyring-daemon", "--unlock", "--components=secrets"]
    subprocess.run(command, input=b"password\n", capture_output=True, check=True)


if __name__ == "__main__":
    sys.exit(inside(sys.argv[2:]) if sys.argv[1:2] == ["--inside"] else main(sys.argv[1:]))
