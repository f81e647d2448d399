"""A stand-in for Amplifier's command line: it takes and refuses what that takes and refuses, and does nothing else.

Tests run the commands of the documentation with it. `CASES` holds it to the real one: each was seen with that, and
`nox -s amplifier` plays the cases again. A refusal is an exit code other than 0 here; the real command line ends with 0
after some of them, but its output holds the same text.

Source: amplifier-app-cli, commit f16375f of 2026-08-19, with amplifier-core 2.0.2, tried on 2026-12-01. The forms of an
address are in `lib/bundle_loader/prepare.py` there, the commands in `commands/`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

MODULE_PREFIXES = ("provider-", "tool-", "hooks-", "agent-", "loop-", "context-")
BUNDLE_ADDRESSES = ("git+", "file://", "http://", "https://", "zip+")
BUNDLES = ("amplifier-dev", "anchors", "anchors-amp-dev", "exp-delegation", "foundation")
MATRICES = ("anthropic", "balanced", "copilot", "economy", "gemini", "ollama", "openai", "quality")
STATE = ".amplifier/stand-in.json"
_GIT = re.compile(r"git\+file://(?P<root>[^@#]+)@main#subdirectory=(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Case:
    """A command, and what the output says of it.

    Attributes:
        words: the command line; `$PWD` is the folder of the checkout, which is the current one.
        output: a text of the output, whose blanks and breaks do not count.
        accepted: it is a command that works.
    """

    words: str
    output: str
    accepted: bool = False


# In this order, on a machine on which nothing is set up and no module of this repository is installed.
CASES = (
    Case("provider install openai-v2", "Unknown provider 'openai-v2'"),
    Case("module add openai-v2 --source $PWD/modules/provider-openai-v2", "must start with a known prefix"),
    Case("module add provider-openai-v2 --source $PWD/modules/provider-openai-v2", "Added provider-openai-v2", True),
    Case("provider add openai-v2", "Could not load provider 'openai-v2'"),
    Case("provider install openai-v2", "Provider installation complete", True),
    Case("provider install openai-v2", "already installed (use --force to reinstall)", True),
    Case("provider install openai-v2 --force", "Installing provider-openai-v2", True),
    Case("provider absent openai-v2", "No such command 'absent'"),
    Case("provider edit openai-v2", "Provider 'openai-v2' not found"),
    Case("routing use openai-v2", "Matrix 'openai-v2' not found"),
    Case("run --bundle openai-coding hello", "Bundle 'openai-coding' not found"),
    Case("run --bundle ./bundles/openai-coding.md hello", "'./bundles/openai-coding.md' not found"),
    Case("run --bundle $PWD/bundles/openai-coding.md hello", "openai-coding.md' not found"),
    Case("run --bundle file://$PWD/bundles/absent.md hello", "File not found"),
    Case("run --bundle file://$PWD/bundles/openai-coding.md", "Prompt required in single mode"),
    Case("bundle add file://$PWD/bundles/openai-coding.md", "Added bundle 'openai-coding'", True),
)


def list_differences(run: Callable[[list[str]], str], checkout: Path) -> list[str]:
    """Play the cases on a command line, and return what it says otherwise.

    Args:
        run: returns the output of a command, which runs in `checkout`.
        checkout: a checkout of this repository.
    """
    differences: list[str] = []
    for case in CASES:
        output = run(case.words.replace("$PWD", str(checkout)).split())
        if "".join(case.output.split()) not in "".join(output.split()):
            differences.append(f"amplifier {case.words}: expected {case.output!r} in {output!r}")
    return differences


class RefusedError(Exception):
    """The command line refuses; the message is what it says."""


@dataclass(slots=True)
class Host:
    """An Amplifier and what it remembers.

    Attributes:
        home: the folder of the user.
        sources: the modules that `module add` named, with their sources.
        installed: the modules that are installed.
        configured: the providers that are set up.
        bundles: the names that `bundle add` made, with their addresses.
    """

    home: Path
    sources: dict[str, str] = field(default_factory=dict[str, str])
    installed: list[str] = field(default_factory=list[str])
    configured: list[str] = field(default_factory=list[str])
    bundles: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, words: list[str]) -> str:
        """Return the output of a command.

        Raises:
            RefusedError: the command line refuses it.
        """
        command, rest = (" ".join(words[:1]), words[1:]) if words[:1] == ["run"] else (" ".join(words[:2]), words[2:])
        if command not in COMMANDS:
            raise RefusedError(f"Error: No such command '{command.split()[-1] if command else ''}'.")
        return COMMANDS[command](self, *_split(command, rest))


Options = Mapping[str, str]


def _split(command: str, words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the options of a command."""
    taken, arguments, options = _OPTIONS.get(command, {}), list[str](), dict[str, str]()
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("-"):
            arguments.append(word)
        elif word not in taken:
            raise RefusedError(f"Error: No such option: {word}")
        else:
            options[taken[word].lstrip("!")] = "" if taken[word].startswith("!") else next(waiting, "")
    return arguments, options


def _one(arguments: list[str]) -> str:
    if len(arguments) != 1:
        raise RefusedError("Error: one argument is due")
    return arguments[0]


def _find(address: str) -> Path:
    """Return the file or folder on this machine that an address names."""
    if match := _GIT.fullmatch(address):
        return Path(match["root"]) / match["path"]
    return Path(address.removeprefix("file://"))


def _add_module(host: Host, arguments: list[str], options: Options) -> str:
    name = _one(arguments)
    if not name.startswith(MODULE_PREFIXES):
        raise RefusedError("Error: Module ID must start with a known prefix")
    source = options.get("source", "")
    # The real one notices with the installation.
    if not (_find(source) / "pyproject.toml").is_file() or not _find(source).name == name:
        raise RefusedError(f"{source or 'no source'} is not the folder of {name}")
    host.sources[name] = source
    return f"Added {name}"


def _install(host: Host, arguments: list[str], options: Options) -> str:
    module = f"provider-{_one(arguments).removeprefix('provider-')}"
    if module not in host.sources:
        raise RefusedError(f"Error: Unknown provider '{arguments[0]}'")
    if module in host.installed and "force" not in options:
        return f"{arguments[0]} already installed (use --force to reinstall)\nProvider installation complete"
    host.installed.append(module)
    return f"Installing {module}...\nProvider installation complete"


def _add_provider(host: Host, arguments: list[str], options: Options) -> str:
    name = _one(arguments)
    if f"provider-{name}" not in host.installed:
        raise RefusedError(f"Error: Could not load provider '{name}'")
    host.configured.append(name)
    return f"Provider added: {name}"


def _use_provider(host: Host, arguments: list[str], options: Options) -> str:
    for name in arguments:
        if name not in host.configured:
            raise RefusedError(f"Provider '{name}' not found.")
    if not host.configured:
        raise RefusedError("No active provider. Run 'amplifier provider add' first or specify a provider ID.")
    return ""


def _use_matrix(host: Host, arguments: list[str], options: Options) -> str:
    name = _one(arguments)
    if name not in MATRICES and not (host.home / f".amplifier/routing/{name}.yaml").is_file():
        raise RefusedError(f"Matrix '{name}' not found. Available: {', '.join(MATRICES)}")
    return ""


def _read_bundle(address: str) -> str:
    """Return the name of a bundle."""
    path = _find(address)
    if not path.is_file():
        raise RefusedError(f"File not found: {path}")
    match = re.search(r"^bundle:\n +name: (\S+)$", path.read_text(encoding="utf-8"), re.M)
    if not match:
        raise RefusedError(f"{path} is not a bundle")
    return match[1]


def _add_bundle(host: Host, arguments: list[str], options: Options) -> str:
    address = _one(arguments)
    if not address.startswith(BUNDLE_ADDRESSES):
        raise RefusedError(f"{address} is not an address")
    name = _read_bundle(address)
    host.bundles[name] = address
    return f"Added bundle '{name}'"


def _run(host: Host, arguments: list[str], options: Options) -> str:
    bundle = options.get("bundle", BUNDLES[0])
    if bundle.startswith(BUNDLE_ADDRESSES):
        _read_bundle(bundle)
    elif bundle not in host.bundles and bundle not in BUNDLES:
        available = ", ".join([*BUNDLES, *host.bundles])
        raise RefusedError(f"Error: Bundle '{bundle}' not found. Available bundles: {available}")
    if not arguments:
        raise RefusedError("Error: Prompt required in single mode")
    _one(arguments)
    return ""


_OPTIONS: Mapping[str, Mapping[str, str]] = {  # an option that takes no value begins with "!"
    "module add": {"--source": "source", "-s": "source"},
    "provider install": {"--force": "!force"},
    "run": {"--bundle": "bundle", "-B": "bundle"},
}
COMMANDS: Mapping[str, Callable[[Host, list[str], Options], str]] = {
    "module add": _add_module,
    "provider install": _install,
    "provider add": _add_provider,
    "provider edit": _use_provider,
    "provider remove": _use_provider,
    "provider models": _use_provider,
    "provider test": _use_provider,
    "routing use": _use_matrix,
    "bundle add": _add_bundle,
    "run": _run,
}


def main(words: list[str]) -> int:
    """Run a command of the command line, and remember what it did in the home folder."""
    state = Path(os.environ["HOME"]) / STATE
    host = Host(Path(os.environ["HOME"]))
    if state.is_file():
        for name, value in json.loads(state.read_text(encoding="utf-8")).items():
            setattr(host, name, value)
    try:
        print(host.run(words))
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    state.parent.mkdir(exist_ok=True)
    memory = {name: value for name, value in asdict(host).items() if name != "home"}
    state.write_text(json.dumps(memory), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
