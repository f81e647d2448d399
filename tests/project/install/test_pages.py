"""The commands of the pages that install something run, with the pip that this Python brings into an environment.

`tests/project/test_docs_commands.py` runs the other commands of the pages.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from tests.support.install.checkout import LIBRARY, must
from tests.support.pages import BLOCKS, Block
from tests.support.reader_machine import copy_checkout

pytestmark = pytest.mark.install

INSTALLING = [
    block for block in BLOCKS if block.language == "sh" and re.search(r"^(python3|pip|nox)\b", block.text, re.M)
]


def write_script(blocks: list[Block]) -> str:
    """Return the commands of blocks, and the imports of what they install.

    A mere `nox` runs all tests, which `.ci/run` does, so here it only shows that it is there.
    """
    text = "".join(re.sub(r"(?<!install )\bnox$", "nox --version", block.text, flags=re.M) for block in blocks)
    modules = re.findall(r"^pip install .*$", text, re.M)
    packages = [
        f"amplifier_module_{name.replace('-', '_')}"
        for line in modules
        for name in re.findall(r"modules/([\w-]+)", line)
    ]
    return f"{text}python3 -c 'import sys{''.join(f', {name}' for name in packages)}'\n"


@pytest.mark.parametrize("name", sorted({block.page for block in INSTALLING}))
def test_the_commands_of(name: str, tmp_path: Path) -> None:
    checkout, environment = tmp_path / "checkout", tmp_path / "environment"
    copy_checkout(checkout)
    must(sys.executable, "-m", "venv", environment)
    # What a host has already: pip takes seconds for what uv does in none.
    must("uv", "pip", "install", "--python", environment / "bin/python", *LIBRARY["dependencies"])
    path = os.pathsep.join([str(environment / "bin"), os.environ["PATH"]])
    script = write_script([block for block in INSTALLING if block.page == name])

    variables = [f"PATH={path}", f"HOME={tmp_path}", f"UV_CACHE_DIR={must('uv', 'cache', 'dir').strip()}"]
    must("env", *variables, "bash", "-e", "-o", "pipefail", "-c", f"cd {checkout}\n{script}")
