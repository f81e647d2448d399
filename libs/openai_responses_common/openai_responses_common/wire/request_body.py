"""The body of a request: its fields, the items of its input, and its bytes.

An item that several requests hold is written once: `SharedItem` carries its bytes. The bytes of a body are those that
`dump_body` would write for the whole of it. Knows neither who keeps items nor for how long.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from .json_values import dump_body
from .types import Item

T = TypeVar("T")

# They say something of one request, and nothing of the conversation that it goes on from.
_REQUEST_FIELDS = ("prompt_cache_options",)


class SharedItem(dict[str, Any]):
    """An item with its bytes, for all requests that hold it.

    Nobody changes it or anything in it, so what differs from it is a new dictionary without these bytes.

    Args:
        item: the item; its lists and objects belong to the new one from now on.

    Attributes:
        json: the item as UTF-8 JSON.

    Raises:
        TypeError: see `RequestBody.content`; so are the others.
    """

    __slots__ = ("_variant", "json")

    def __init__(self, item: Item) -> None:
        super().__init__(item)
        self.json = dump_body(item)
        self._variant: tuple[object, Any] | None = None

    def derive(self, key: object, make: Callable[[Item], T]) -> T:
        """Return what a function makes of the item; what it made last with an equal key is returned again.

        Args:
            key: everything else that the result depends on. All functions that derive from one item have other keys.
            make: makes the result, which nobody changes.
        """
        variant = self._variant
        if variant is None or variant[0] != key:
            variant = self._variant = (key, make(self))
        return variant[1]


class RequestBody:
    """A body that a transport sends as a whole, or without the items that the service has already.

    Nobody changes the fields or the items of a body.

    Args:
        fields: the fields except `input`, in the order of the body.
        items: the items of `input`, which comes last. None, the default, if there are none.
    """

    __slots__ = ("_content", "_fields_json", "_items_json", "fields", "items")

    def __init__(self, fields: Mapping[str, Any], items: list[Item] | None = None) -> None:
        self.fields = fields
        self.items = items or []
        self._fields_json: dict[str, bytes] | None = None
        self._items_json: list[bytes] = []
        self._content: bytes | None = None

    def write(self) -> dict[str, bytes]:
        """Write the fields and the items, so that `content` has only to join them; return the bytes of each field.

        Raises:
            TypeError: a value or a key has a type that JSON does not have.
            ValueError: an integer has more digits than Python writes.
            RecursionError: the body contains itself, or nests too deeply.
        """
        if self._fields_json is None:
            self._items_json = [item.json if isinstance(item, SharedItem) else dump_body(item) for item in self.items]
            self._fields_json = _write_fields(self.fields)
        return self._fields_json

    def goes_on_from(self, other: RequestBody) -> bool:
        """Return whether the body has the fields of another one and begins with its items, with the same bytes.

        Bytes tell 1 from true, and they stay as they were if a host changes its objects. The errors are those of
        `content`.
        """
        are_equal = _drop_request_fields(self.write()) == _drop_request_fields(other.write())
        return are_equal and self._items_json[: len(other.items)] == other._items_json

    def digests(self) -> tuple[int, ...]:
        """Return a number for each item; within this process, items with the same bytes have the same one.

        The bytes of a shared item are read once. The errors are those of `content`.
        """
        self.write()
        return tuple(map(hash, self._items_json))

    def sizes(self) -> tuple[int, ...]:
        """Return the bytes of each item. The errors are those of `content`."""
        self.write()
        return tuple(map(len, self._items_json))

    def with_field(self, name: str, value: Any) -> RequestBody:
        """Return a body with another field, which shares the items. The errors are those of `content`."""
        body = RequestBody({**self.fields, name: value}, self.items)
        body._fields_json = {**self.write(), **_write_fields({name: value})}
        body._items_json = self._items_json
        return body

    def content(
        self,
        *,
        items_from: int = 0,
        extra_fields: Mapping[str, Any] | None = None,
        omitted_fields: Collection[str] = (),
    ) -> bytes:
        """Return the body as UTF-8 JSON. The whole body is joined once.

        Args:
            items_from: the index of the first item that is sent; by default all items are.
            extra_fields: fields that stand between the others and `input`. None, the default, adds none.
            omitted_fields: the fields that are left out; none by default.

        Raises:
            TypeError: a value or a key has a type that JSON does not have.
            ValueError: an integer has more digits than Python writes.
            RecursionError: the body contains itself, or nests too deeply.
        """
        if items_from or extra_fields or omitted_fields:
            return self._join(items_from, extra_fields or {}, omitted_fields)
        if self._content is None:
            self._content = self._join(0, {}, ())
        return self._content

    def _join(self, items_from: int, extra_fields: Mapping[str, Any], omitted_fields: Collection[str]) -> bytes:
        members = [member for key, member in self.write().items() if key not in omitted_fields]
        members += _write_fields(extra_fields).values()
        return b'{%b"input":[%b]}' % (b"".join(members), b",".join(self._items_json[items_from:]))


def _drop_request_fields(fields: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: member for name, member in fields.items() if name not in _REQUEST_FIELDS}


def _write_fields(fields: Mapping[str, Any]) -> dict[str, bytes]:
    """Return each field as a member of an object, with the comma behind it."""
    return {key: dump_body({key: value})[1:-1] + b"," for key, value in fields.items()}
