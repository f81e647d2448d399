"""The body of a request: its fields, the items of its input, and its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .json_values import dump_body
from .types import Item


class RequestBody:
    """A body that a transport sends as a whole, or without the items that the service has already.

    Nobody changes the fields or the items of a body.

    Args:
        fields: the fields except `input`, in the order of the body.
        items: the items of `input`, which comes last. The default is no items.
    """

    __slots__ = ("_content", "fields", "items")

    def __init__(self, fields: Mapping[str, Any], items: list[Item] | None = None) -> None:
        self.fields = fields
        self.items = items or []
        self._content: bytes | None = None

    def content(self) -> bytes:
        """Return the whole body as UTF-8 JSON, which is written once.

        Raises:
            TypeError: a value or a key has a type that JSON does not have.
            ValueError: an integer has more digits than Python writes.
            RecursionError: the body contains itself, or nests too deeply.
        """
        if self._content is None:
            self._content = dump_body({**self.fields, "input": self.items})
        return self._content
