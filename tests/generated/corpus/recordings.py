"""The recordings as they are: what a client sent to a Responses endpoint, and the bytes that came back."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

Json: TypeAlias = dict[str, Any]
BackendName: TypeAlias = Literal["openai", "chatgpt"]

# libyaml reads the corpus in a fraction of a second, the pure loader in minutes; wheels of PyYAML bring it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The values of all headers were blanked out before publication; which headers there were is all that is left of them.
# Streams of the ChatGPT backend had no content type, and get none here.
_CONTENT_TYPES = {True: "text/event-stream; charset=utf-8", False: "application/json"}
_CHATGPT_HEADERS = ("x-codex-", "x-oai-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request to `POST /responses` and its answer.

    Attributes:
        label: file and position, for people.
        backend: whose service answered.
        request: the recorded body.
        content_type: of the answer, None where it had none.
        body: of the answer.
        streamed: whether the answer is a stream of events, as opposed to one JSON document.
    """

    label: str
    backend: BackendName
    request: Json
    status: int
    content_type: str | None
    body: bytes
    streamed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """One file: its exchanges with a Responses endpoint in order, and how many it has with other services."""

    name: str
    exchanges: list[Exchange]
    others: int


def read_cassettes(sdist: Path) -> list[Cassette]:
    """Every cassette of the source distribution, by name."""
    with tarfile.open(sdist) as archive:
        return sorted(_cassettes(archive), key=lambda cassette: cassette.name)


def _cassettes(archive: tarfile.TarFile) -> Iterator[Cassette]:
    for member in archive:
        path = Path(member.name)
        if path.parent.parts[-2:] != ("tests", "cassettes") or not path.name.endswith(".yaml.gz"):
            continue
        packed = archive.extractfile(member)
        if packed is None:
            raise ValueError(f"{member.name} is not a file")
        document = yaml.load(gzip.decompress(packed.read()), Loader=_LOADER)
        name = path.name.removesuffix(".yaml.gz")
        pairs = list(zip(document["requests"], document["responses"], strict=True))
        exchanges = [
            exchange
            for index, (request, response) in enumerate(pairs)
            if (exchange := _exchange(f"{name} #{index}", request, response))
        ]
        yield Cassette(name=name, exchanges=exchanges, others=len(pairs) - len(exchanges))


def _exchange(label: str, request: Json, response: Json) -> Exchange | None:
    asked = _responses_request(_bytes(request.get("body")))
    if request.get("method") != "POST" or asked is None:
        return None
    body = _bytes(response["body"])
    streamed = body.startswith((b"event:", b"data:"))
    headers = {name.lower() for name in response["headers"]}
    chatgpt = any(name.startswith(_CHATGPT_HEADERS) for name in headers)
    if chatgpt != ("codex" in label.lower()):
        raise ValueError(f"{label}: its name and the headers of its answer disagree about who answered")
    return Exchange(
        label=label,
        backend="chatgpt" if chatgpt else "openai",
        request=asked,
        status=int(response["status"]["code"]),
        content_type=_CONTENT_TYPES[streamed] if "content-type" in headers else None,
        body=body,
        streamed=streamed,
    )


def _responses_request(body: bytes) -> Json | None:
    """The body if it asks a Responses endpoint; those for embeddings have an `input` too, but say how to encode."""
    try:
        asked: object = json.loads(body)
    except ValueError:
        return None
    return asked if isinstance(asked, dict) and "input" in asked and "encoding_format" not in asked else None


def _bytes(body: Any) -> bytes:
    """A body as recorders store it: bytes, text, or either under the key `string`."""
    if isinstance(body, dict):
        body = body.get("string")
    return body.encode() if isinstance(body, str) else bytes(body or b"")
