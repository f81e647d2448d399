"""Finds phrases that readers stumble over, in pages, docstrings, comments and texts of the product.

`python -m tests.support.forbidden_phrases` prints each with its place and a better form, and fails if there is one.
`docs/glossary.md` holds the rules behind the list.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# "The default is no limit" is plain English; "a 399 is no status" is not.
_PLAIN_NOUNS = "longer|more|other|different|need|such|way|proof|news|limit|call\\b|conversion"

# A phrase, and what to write instead.
PHRASES = {
    r"\btold\b(?!, said, kept)": "say who writes, shows or returns what",
    r"\bwhoever\b": "name the person or the part of the program",
    rf"(?<!there )\b(?:is|are) no (?!{_PLAIN_NOUNS})": "is not a …, is not valid",
    r"\b(?:what|that) is none\b": "is not a …",
    r"\b(?:of|for) (?:one's|its|their|his|her) own\b": "your own …, a separate …",
    r"\bcomes? of it\b|\bcame of it\b|\bcomes of (?:each|them|that)\b": "the result",
    r"\b(?:is|are|was|were) said\b": "say who writes, logs or returns what",
    r"\bin (?:its|their) (?:own )?words\b": "the text of the service's error",
    r"\bsees? to\b": "check …",
    r"\bas whom\b|\bwhom tokens\b|\bwho calls,? and where\b": "the account, the credential",
}
# From Python 3.12 on, the text of an f-string is a token of another type.
_TEXT_TOKENS = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
PRODUCT = ("libs/", "modules/", "examples/", "benchmarks/", "docs/")


def pieces(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page, or the comments and texts of a Python file, with their line numbers."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in _TEXT_TOKENS:
            yield from enumerate(token.string.splitlines(), token.start[0])


def findings(paths: list[Path]) -> list[str]:
    """A line for each forbidden phrase: place, phrase and what to write instead."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {match[0]!r}: {better}"
        for path in paths
        for line, piece in pieces(path)
        for phrase, better in PHRASES.items()
        for match in re.finditer(phrase, piece, re.I)
    ]


def checked_files() -> list[Path]:
    """The pages of the repository and the Python files of the product; the changelog's old entries stay as they are."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    pages = [name for name in names if name.endswith(".md") and name != "CHANGELOG.md"]
    product = [name for name in names if name.endswith(".py") and name.startswith(PRODUCT)]
    return [ROOT / name for name in (*pages, *product)]


if __name__ == "__main__":
    lines = findings(checked_files())
    print(*lines, sep="\n")
    sys.exit(bool(lines))
