"""Takes out of a text what a terminal would obey: escape sequences and control characters.

Servers, files and headers hold such characters, and a text of theirs ends up on the screen of a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Each pattern ends before the next control character, so that no text takes longer than its length.
_SEQUENCES = (
    # colours, cursor, clearing
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]",
    # titles, links, clipboard
    r"(?:\x1b[P\]^_X]|[\x90\x98\x9d-\x9f])[^\x00-\x08\x0e-\x1f\x7f-\x9f]*(?:\x07|\x9c|\x1b\\)",
    # resets, character sets
    r"\x1b[ -/]*[0-~]",
)
# The marks U+200E and U+200F and the joiners U+200C and U+200D belong to ordinary text.
_CONTROLS = "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb]"
_UNWANTED = re.compile(f"{'|'.join(_SEQUENCES)}|{_CONTROLS}")
_MOVES = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1f\x85]")
_WORD = re.compile(r"[a-z0-9_]{1,64}")


def remove_controls(text: str) -> str:
    """Return a text that cannot move the cursor, change the screen or turn the direction of what follows.

    Tabs and the ends of lines stay; other white space that moves the cursor becomes a space.
    """
    return _MOVES.sub(_replace_move, _UNWANTED.sub("", text))


def join_lines(text: str) -> str:
    """Return a text as one line, without controls and with single spaces."""
    return " ".join(remove_controls(text).split())


def find_word(value: object, scrub: Callable[[str], str]) -> str:
    """Return a service's word for a reason or a status, as `max_output_tokens`.

    Returns an empty text for every other value, and for a word that holds the credential.

    Args:
        value: what the service sent.
        scrub: removes the credential from a text.
    """
    return value if isinstance(value, str) and _WORD.fullmatch(value) and scrub(value) == value else ""


def _replace_move(match: re.Match[str]) -> str:
    return "\n" if match[0] == "\r\n" else " "
