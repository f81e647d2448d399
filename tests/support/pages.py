"""Reads the Markdown pages of the repository: headings, links, code and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "<!-- needs an account -->"
_FENCE = re.compile(r"^( *)```(\S*)\n(.*?)^\1```$", re.M | re.S)
_CODE = re.compile(r"(`+)(.+?)\1", re.S)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code.

    Attributes:
        page: the path of the page.
        line: the number of its first line there.
        language: the language that the fence names.
        text: the code.
        above: the line before the fence.
    """

    page: str
    line: int
    language: str
    text: str
    above: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def needs_account(self) -> bool:
        return self.above == ACCOUNT


@dataclass(frozen=True, slots=True)
class Page:
    """A page."""

    path: Path
    text: str

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(path, path.read_text(encoding="utf-8"))

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def blocks(self) -> list[Block]:
        """The blocks of code between fences."""
        blocks: list[Block] = []
        for match in _FENCE.finditer(self.text):
            before = self.text[: match.start()].splitlines()
            above = before[-1].strip() if before else ""
            lines = (line.removeprefix(match[1]) for line in match[3].splitlines())
            blocks.append(Block(str(self), len(before) + 2, match[2], "\n".join(lines) + "\n", above))
        return blocks

    @property
    def prose(self) -> str:
        """The page without its blocks of code."""
        return _FENCE.sub("", self.text)

    @property
    def code(self) -> list[str]:
        """The texts between backticks in the prose."""
        return [" ".join(match[2].split()) for match in _CODE.finditer(self.prose)]

    @property
    def links(self) -> list[str]:
        """The targets of links and images."""
        return _LINK.findall(_CODE.sub("", self.prose))

    @property
    def sections(self) -> dict[str, str]:
        """The text below each heading, up to the next one of any level."""
        parts = re.split(r"^#+ +(.+)$", self.prose, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2], strict=True))

    @property
    def anchors(self) -> set[str]:
        """The anchors that a link can point to, by the rule of GitHub."""
        return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in self.sections}


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables of a text, without their heads."""
    cells: list[list[str]] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("|") and not _is_rule(line) and not _is_rule(after):
            cells.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))])
    return cells


def _is_rule(line: str) -> bool:
    return re.fullmatch(r"\|[-| ]+\|", line) is not None


def names(cell: str) -> list[str]:
    """Return the texts between backticks in a cell."""
    return [match[2] for match in _CODE.finditer(cell)]


PATHS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "modules/*/*.md", "libs/*/*.md", "bundles/**/*.md", "tests/**/*.md")
    for path in ROOT.glob(pattern)
)
PAGES = [Page.read(path) for path in PATHS]
# The emulator's tests run the blocks of its page, which need no service of the project.
EMULATOR_PAGE = ROOT / "libs/responses_emulator/README.md"
BLOCKS = [block for page in PAGES if page.path != EMULATOR_PAGE for block in page.blocks]


def page(name: str) -> Page:
    """Return the page at a path."""
    return Page.read(ROOT / name)
