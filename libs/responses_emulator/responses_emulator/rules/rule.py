"""What a row of the contract is: when a service refuses, what it says, and the source of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["recording", "document", "report", "capture", "types", "none"]


@dataclass(frozen=True, slots=True)
class Source:
    """Who says that a service does this.

    Attributes:
        kind: recorded traffic, the vendor's documentation, a public report, the request of a real client, the types of
            the `openai` package, or none.
        where: the page, report or recording.
        seen: the day on which it was seen.
    """

    kind: Kind
    where: str = ""
    seen: str = ""

    def __str__(self) -> str:
        if self.kind == "none":
            return "made up"
        return " ".join(filter(None, (self.kind, self.where, f"({self.seen})" if self.seen else "")))


UNSOURCED = Source("none")
TYPES = Source("types", "the parameter types of the openai package")


def recording(where: str, seen: str) -> Source:
    """Return recorded traffic of a service as a source."""
    return Source("recording", where, seen)


def document(where: str, seen: str) -> Source:
    """Return a page of the vendor as a source."""
    return Source("document", where, seen)


def report(where: str, seen: str) -> Source:
    """Return a public report as a source."""
    return Source("report", where, seen)


def capture(where: str, seen: str) -> Source:
    """Return what a real client sends, or how it takes a reply, as a source."""
    return Source("capture", where, seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that a service refuses.

    Attributes:
        when: what is refused, as a phrase after "The service refuses".
        text: what the service says. Names in braces are filled in.
        source: who says that it is so.
        ours: what no source supports although the rest has one. Empty, the default, is nothing.
        status: the status of the reply. The default is 400.
        code: the field `code` of the error; at Entra, its number. None, the default, is null.
        kind: the field `type` of the error.
        param: the field `param` of the error; names in braces are filled in. None, the default, is null.
    """

    when: str
    text: str
    source: Source
    ours: str = ""
    status: int = 400
    code: str | None = None
    kind: str = "invalid_request_error"
    param: str | None = None

    @property
    def is_made_up(self) -> bool:
        """Whether no source has the rule."""
        return self.source.kind == "none"

    @property
    def is_made_up_in_part(self) -> bool:
        """Whether a source has the rule, but not all of it."""
        return not self.is_made_up and bool(self.ours)

    def fill(self, **values: object) -> str:
        """Return the text with the values for its names."""
        return self.text.format(**values)
