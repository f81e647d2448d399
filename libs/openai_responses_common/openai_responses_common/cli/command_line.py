"""The command lines that errors and help texts ask a user to run.

A host is often installed in an environment whose folder is not on the PATH of a shell, for example by `uv tool
install`. There, neither `python -m PACKAGE` nor the name of a script works. So a command line names the script by its
path, unless the shell finds that same script by its name.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ..installation import quote_command


def command_line(package: str, script: str, command: str = "") -> str:
    """Return a line that runs a command of a module in the Python environment of this process, quoted for a shell.

    Args:
        package: the `__name__` of the module's package, or of any of its files.
        script: the name of the module's script, such as `amplifier-chatgpt`. If this environment has no such script,
            the line runs the package with the interpreter of this process.
        command: the name of the command. Empty, by default, for the program alone.
    """
    folder = Path(sys.executable).parent
    installed = shutil.which(script, path=str(folder))
    on_path = shutil.which(script)
    if installed and on_path and Path(on_path).parent.absolute() == folder.absolute():
        words = [script]
    elif installed:
        words = [installed]
    else:
        words = [sys.executable or "python", "-m", package.partition(".")[0]]
    words += [command] if command else []
    return quote_command(words)
