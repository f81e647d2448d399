"""Images and files: what a block holds, what the service reads of it, and the line that stands for the rest."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate.media import encode_media, read_host_media, read_tool_media

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
WEBP = b"RIFF\x01\x02\x03\x04WEBPVP8 " + bytes(40)
PDF = b"%PDF-1.7\n" + bytes(40)
URL = "https://x.example/a.png"


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "input_image", "image_url": url, "detail": "auto", **more}


def file(content: bytes, media_type: str, filename: str) -> dict[str, Any]:
    return {"type": "input_file", "file_data": f"data:{media_type};base64,{b64(content)}", "filename": filename}


def source(content: bytes = PNG, **fields: Any) -> dict[str, Any]:
    return {"type": "base64", "media_type": "image/png", "data": b64(content), **fields}


SHOWN = image(f"data:image/png;base64,{b64(PNG)}")


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"source": source()}, SHOWN),
        ({"source": {"data": b64(PNG)}}, SHOWN),
        ({"source": {"type": "url", "url": URL}}, image(URL)),
        ({"source": {"type": "url", "url": "http://x.example/a.png"}}, image("http://x.example/a.png")),
        ({"source": {"url": f"data:image/png;base64,{b64(PNG)}"}}, SHOWN),
        ({"source": {"url": URL, "media_type": "application/pdf"}}, {"type": "input_file", "file_url": URL}),
        ({"source": {"file_id": "file-1"}}, {"type": "input_image", "file_id": "file-1", "detail": "auto"}),
        ({"source": {"file_id": "f", "media_type": "application/pdf"}}, {"type": "input_file", "file_id": "f"}),
        ({"data": b64(PNG), "mimeType": "image/png"}, SHOWN),
        ({"image_url": URL}, image(URL)),
        ({"image_url": {"url": URL}}, image(URL)),
        ({"source": source(), "detail": "high"}, {**SHOWN, "detail": "high"}),
        ({"source": source(detail="low", filename="cat.png")}, {**SHOWN, "detail": "low"}),
        ({"source": source(), "detail": "hihg"}, SHOWN),
        ({"source": source(detail=["high"], media_type=5)}, SHOWN),
        ({"source": source(PDF, media_type="application/pdf")}, file(PDF, "application/pdf", "file.pdf")),
        ({"source": source(PDF, filename="plan.pdf")}, file(PDF, "application/pdf", "plan.pdf")),
    ],
    ids=str,
)
def test_an_image_block_of_the_host_becomes_a_part(block: dict[str, Any], part: dict[str, Any]) -> None:
    before = json.dumps(block)
    assert encode_media(read_host_media(block), vision=True) == (part, "")
    assert json.dumps(block) == before


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({"source": {}}, "it has no data, URL or file id"),
        ({"source": "https://x.example/a.png"}, "it has no data, URL or file id"),
        ({"source": source(data=5)}, "it has no data, URL or file id"),
        ({"source": {"url": "/static/a.png"}}, "its address is not a web address"),
        ({"source": {"url": "file:///etc/passwd"}}, "its address is not a web address"),
        ({"source": {"url": "https://x.example/a b.png"}}, "its address is not a web address"),
        ({"source": {"url": "data:image/svg+xml;utf8,<svg/>"}}, "the service does not read image/svg+xml"),
        ({"source": {"url": "data:image/png,abc"}}, "its data is damaged"),
        ({"source": {"url": "data:image/png"}}, "its data is damaged"),
        ({"source": source(media_type="application/pdf", data="JVBERi0!")}, "its data is damaged"),
        (
            {"source": source(media_type="image/svg+xml", data=b64(b"<svg></svg>"))},
            "the service does not read image/svg",
        ),
        ({"source": source(b"  <svg></svg>" + bytes(20))}, "the service does not read image/svg+xml"),
        ({"source": source(b"BM" + bytes(40), media_type="image/bmp")}, "the service does not read image/bmp"),
        ({"source": source(b"BM" + bytes(40))}, "the service does not read image/bmp"),
        ({"source": source(b"II*\x00" + bytes(40))}, "the service does not read image/tiff"),
        ({"source": source(bytes(4) + b"ftypheic" + bytes(20))}, "the service does not read image/heic"),
        ({"source": source(media_type="image/x-new", data=b64(bytes(40)))}, "the service does not read image/x-new"),
        ({"source": source(b"<html>" + bytes(40))}, "its data is damaged"),
        ({"source": source(data="not base64!")}, "its data is damaged"),
        ({"source": source(data=b64(PNG)[:-1] + "!")}, "its data is damaged"),
        ({"source": source(data=b64(PNG) + "A")}, "its data is damaged"),
        ({"source": source(data=b64(PNG + bytes(1)) * 9)}, "its data is damaged"),
        ({"source": source(media_type="", data=b64(bytes(40)))}, "its data is damaged"),
        ({"source": source(media_type="audio/wav")}, "the service does not read audio/wav"),
        ({"source": source(media_type="image/png" * 50, data=b64(bytes(40)))}, "its data is damaged"),
    ],
    ids=str,
)
def test_what_the_service_cannot_read_is_a_line_that_says_why(block: dict[str, Any], reason: str) -> None:
    if reason.endswith("audio/wav"):
        block["source"]["data"] = b64(b"RIFF\x01\x02\x03\x04WAVE" + bytes(20))
    part, sentence = encode_media(read_host_media(block), vision=True)
    assert sentence.startswith(f"an image is left out: {reason}")
    assert part == {"type": "input_text", "text": f"[{sentence}]"}


@pytest.mark.parametrize(("content", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")])
@pytest.mark.parametrize("declared", ["image/png", "image/jpg", "image/svg+xml", "application/octet-stream", ""])
def test_the_bytes_decide_on_the_media_type(content: bytes, media_type: str, declared: str) -> None:
    media = read_host_media({"source": source(content, media_type=declared)})
    assert encode_media(media, vision=True)[0] == image(f"data:{media_type};base64,{b64(content)}")


ODD_BYTES = PNG + b"\xfb\xff" * 30


@pytest.mark.parametrize(
    "data",
    [
        b64(ODD_BYTES).rstrip("="),
        base64.encodebytes(ODD_BYTES).decode(),
        base64.urlsafe_b64encode(ODD_BYTES).decode(),
    ],
)
def test_base64_with_line_breaks_or_in_another_alphabet_is_mended(data: str) -> None:
    part, _ = encode_media(read_host_media({"source": source(data=data)}), vision=True)
    assert base64.b64decode(part["image_url"].partition(",")[2], validate=True) == ODD_BYTES


def test_a_model_without_vision_is_sent_a_line_and_files_all_the_same() -> None:
    for block in ({"source": source()}, {"source": {"url": URL}}, {"source": {"file_id": "f"}}):
        part, sentence = encode_media(read_host_media(block), vision=False)
        assert sentence == "an image is left out: the model does not see images"
        assert part == {"type": "input_text", "text": f"[{sentence}]"}
    assert encode_media(read_host_media({"source": source(PDF)}), vision=False)[0]["type"] == "input_file"


PDF_URL = f"data:application/pdf;base64,{b64(PDF)}"


def resource(content: bytes, media_type: str, uri: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": media_type, "blob": b64(content)}}


IMAGE = {"type": "image", "source": source()}
TOOL_MEDIA: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (IMAGE, SHOWN),
    ({"type": "image", "source": {"data": b64(PNG)}, "visibility": "user"}, SHOWN),
    ({"type": "image", "data": b64(JPEG), "mimeType": "image/jpeg"}, image(f"data:image/jpeg;base64,{b64(JPEG)}")),
    ({"type": "image", "data": b64(PNG), "mime_type": "image/png", "detail": "low"}, {**SHOWN, "detail": "low"}),
    (
        {"type": "document", "source": source(PDF, media_type="application/pdf"), "title": "Plan.PDF"},
        file(PDF, "application/pdf", "Plan.PDF"),
    ),
    ({"type": "document", "source": source(PDF, media_type="")}, file(PDF, "application/pdf", "file.pdf")),
    ({"type": "document", "source": source(PDF), "name": "plan"}, file(PDF, "application/pdf", "plan")),
    (resource(PDF, "application/pdf", "file:///d/a.pdf?x#y"), file(PDF, "application/pdf", "a.pdf")),
    (resource(PNG, "image/png", "x:"), SHOWN),
    (resource(b"# Hi", "text/markdown;charset=utf-8", "x:/notes"), file(b"# Hi", "text/markdown", "notes.md")),
    (resource(b"BM = 1", "text/x-python", "x:/a.py"), file(b"BM = 1", "text/x-python", "a.py")),
    (resource(b"a = 1", "application/octet-stream", "x:/a.py"), file(b"a = 1", "text/plain", "a.py")),
    ({"type": "input_image", "image_url": f"data:image/png;base64,{b64(PNG)}"}, SHOWN),
    ({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64(PNG)}", "detail": "auto"}}, SHOWN),
    ({"type": "input_file", "file_data": PDF_URL, "filename": "a.pdf"}, file(PDF, "application/pdf", "a.pdf")),
    ({"type": "file", "file": {"file_data": PDF_URL}}, file(PDF, "application/pdf", "file.pdf")),
]


@pytest.mark.parametrize("allows_addresses", [True, False])
@pytest.mark.parametrize(("block", "part"), TOOL_MEDIA, ids=lambda value: str(value)[:60])
def test_a_block_of_a_tool_whose_shape_is_known_becomes_a_part(
    block: dict[str, Any], part: dict[str, Any], allows_addresses: bool
) -> None:
    media = read_tool_media(block, allows_addresses=allows_addresses)
    assert media is not None
    assert encode_media(media, vision=True) == (part, "")


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "input_image", "image_url": URL}, image(URL)),
        ({"type": "image_url", "image_url": {"url": URL}}, image(URL)),
        (
            {"type": "input_file", "file_url": "https://x.example/a.pdf"},
            {"type": "input_file", "file_url": "https://x.example/a.pdf"},
        ),
        ({"type": "input_image", "file_id": "file-1"}, {"type": "input_image", "file_id": "file-1", "detail": "auto"}),
    ],
    ids=str,
)
def test_an_address_is_sent_only_if_the_block_is_an_object_of_the_host(
    block: dict[str, Any], part: dict[str, Any]
) -> None:
    media = read_tool_media(block, allows_addresses=True)
    assert media is not None
    assert encode_media(media, vision=True) == (part, "")
    assert read_tool_media(block, allows_addresses=False) is None


@pytest.mark.parametrize(
    "block",
    [
        None,
        5,
        "image",
        {},
        {"type": ["image"]},
        {"type": "image"},
        {"type": "image", "attrs": {"src": "https://x.example/a.png", "alt": "a"}},
        {"type": "image", "url": URL},
        {"type": "image", "image_url": URL},
        {"type": "image", "source": URL},
        {"type": "image", "source": {"type": "url", "url": URL}},
        {"type": "image", "source": {"type": "file", "file_id": "file-1"}},
        {"type": "image", "source": {"type": "base64", "data": 5}},
        {"type": "image", "data": "/static/a.png", "mimeType": "image/png"},
        {"type": "image", "data": "cover"},
        {"type": "image", "file": {"url": URL}, "caption": []},
        {"type": "image", "image": {"type": "external", "external": {"url": URL}}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "words"}},
        {"type": "resource_link", "uri": URL, "mimeType": "image/png"},
        {"type": "input_image", "image_url": "/static/a.png"},
        {"type": "input_image", "image_url": "http://x.example/a.png"},
        {"type": "input_image", "image_url": URL, "onload": "x"},
        {"type": "image_url", "image_url": URL, "width": 5},
        {"type": "input_file", "file_url": "file:///etc/passwd"},
        {"type": "file", "file": {"file_id": "f"}, "name": "x"},
    ],
    ids=str,
)
def test_every_other_shape_is_no_image(block: object) -> None:
    assert read_tool_media(block, allows_addresses=True) is None


def test_audio_of_a_tool_is_a_line() -> None:
    media = read_tool_media({"type": "audio", "data": b64(bytes(40)), "mimeType": "audio/wav"}, allows_addresses=False)
    assert media is not None
    assert encode_media(media, vision=True)[1] == "a file is left out: the service does not read audio/wav"


@given(st.binary(max_size=200), st.sampled_from(["image/png", "application/pdf", "text/plain", "x", ""]), st.booleans())
def test_any_bytes_become_one_part(content: bytes, media_type: str, vision: bool) -> None:
    media = read_host_media({"source": {"data": b64(content), "media_type": media_type}})
    part, reason = encode_media(media, vision=vision)
    assert (part["type"] == "input_text") is bool(reason)
