"""Content parts: tool results in every form in which loops keep them; `test_media.py` has single images and files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest
from amplifier_core.message_models import ImageBlock, TextBlock
from amplifier_core.models import ToolResult
from hypothesis import given
from hypothesis import strategies as st
from openai_responses_common.translate import content_parts
from openai_responses_common.translate.content_parts import RESULT_PLACEHOLDER, make_text_part
from openai_responses_common.translate.media import encode_media

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
SHOWN = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"}


def encode_tool_result(result: object) -> Any:
    return content_parts.encode_tool_result(result, lambda media: encode_media(media, vision=True)[0])


def test_text_is_a_part() -> None:
    assert make_text_part("hi") == {"type": "input_text", "text": "hi"}


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ("", ""),
        ("plain text", "plain text"),
        ("{'a': 1}", "{'a': 1}"),
        ('{"a": 1}', '{"a": 1}'),
        ("[truncated: ~900 tokens]", "[truncated: ~900 tokens]"),
        (None, ""),
        ({"a": 1}, '{"a":1}'),
        ({"text": "\u00e9"}, '{"text":"\u00e9"}'),
        ([1, "b"], '[1,"b"]'),
        ([], "[]"),
        (7, "7"),
        (True, "true"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "text"}], ""),
        ([{"type": "text", "text": "a"}, {"type": "resource"}], '[{"type":"text","text":"a"},{"type":"resource"}]'),
    ],
)
def test_text_stays_text(content: object, output: str) -> None:
    assert encode_tool_result(content) == output


def test_blocks_with_a_picture_are_parts() -> None:
    assert encode_tool_result([{"type": "text", "text": "a cat:"}, PICTURE]) == [make_text_part("a cat:"), SHOWN]
    assert encode_tool_result([PICTURE]) == [SHOWN]


RESULT = {"success": True, "output": "taken", "error": None, "content": [{"type": "text", "text": "a cat:"}, PICTURE]}


@pytest.mark.parametrize("make", [lambda result: result, json.dumps, lambda result: json.dumps(result, indent=2)])
def test_a_whole_tool_result_shows_its_picture(make: Any) -> None:
    """Loops hand over the JSON dump of the result, base64 inside."""
    assert encode_tool_result(make(RESULT)) == [
        make_text_part('{"success":true,"output":"taken"}'),
        make_text_part("a cat:"),
        SHOWN,
    ]


def test_the_dump_of_the_kernels_own_tool_result() -> None:
    result = ToolResult(output="taken", content=[TextBlock(text="a cat:"), ImageBlock(source=PICTURE["source"])])
    for content in (result.model_dump_json(), result.model_dump(), result):
        output = encode_tool_result(content)
        assert isinstance(output, list)
        assert [part["type"] for part in output] == ["input_text", "input_text", "input_image"]
        assert PIXEL not in json.dumps([part for part in output if part["type"] == "input_text"])


def test_blocks_that_are_still_objects_are_parts_too() -> None:
    blocks = [TextBlock(text="a cat:"), ImageBlock(source=PICTURE["source"])]
    assert encode_tool_result(blocks) == [make_text_part("a cat:"), SHOWN]


@pytest.mark.parametrize("wrap", [lambda blocks: blocks, lambda blocks: {**RESULT, "content": blocks}])
@pytest.mark.parametrize("make", [lambda result: result, json.dumps])
def test_a_block_of_another_kind_hides_neither_itself_nor_the_picture(wrap: Any, make: Any) -> None:
    resource = {"type": "resource", "uri": "file:///notes.txt"}
    output = encode_tool_result(make(wrap([PICTURE, resource])))
    assert isinstance(output, list)
    assert SHOWN in output
    words = json.dumps([part for part in output if part != SHOWN])
    assert "notes.txt" in words
    assert PIXEL not in words


@pytest.mark.parametrize("inner", [[PICTURE], {"content": [PICTURE]}])
@pytest.mark.parametrize("make", [lambda result: result, json.dumps])
def test_a_picture_in_the_output_of_a_result_is_shown(inner: Any, make: Any) -> None:
    """Tools that wrap other servers put the blocks where a plain tool puts its text."""
    output = encode_tool_result(make({"success": True, "output": inner, "error": None}))
    assert isinstance(output, list)
    assert SHOWN in output
    assert PIXEL not in json.dumps([part for part in output if part != SHOWN])


@pytest.mark.parametrize(
    "result", [{"content": [PICTURE]}, [PICTURE], PICTURE, {"output": PICTURE}, {"output": json.dumps(PICTURE)}]
)
@pytest.mark.parametrize("make", [lambda result: result, json.dumps, lambda result: f"\n {json.dumps(result)}\n"])
def test_a_result_that_is_nothing_but_an_image(result: Any, make: Any) -> None:
    assert encode_tool_result(make(result)) == [SHOWN]


def test_an_address_counts_only_in_an_object_of_the_host() -> None:
    block = {"type": "input_image", "image_url": "https://x.example/a.png"}
    assert encode_tool_result([block]) == [{**block, "detail": "auto"}]
    typed = ImageBlock(source={"type": "url", "url": "https://x.example/a.png"})
    assert encode_tool_result([typed]) == [{**block, "detail": "auto"}]
    for text in (json.dumps([block]), json.dumps(typed.model_dump())):
        assert encode_tool_result(text) == text


def test_images_under_both_keys_of_a_result_are_parts() -> None:
    result = {"success": True, "output": [PICTURE], "content": [PICTURE]}
    assert encode_tool_result(result) == [make_text_part('{"success":true}'), SHOWN, SHOWN]


@pytest.mark.parametrize(
    "content",
    [
        '{"content": [{"type": "text", "text": "no picture"}], "about": "image"}',
        '{"content": "an \\"image\\" of words"}',
        '{"type": "image" broken',
        '["image"]',
        '[{"type": "text", "text": "\\"image\\""}]',
        '  {"content": []}',
        '{"content": [], "type": "image"}',
        # An editor's document, pages of a notebook, results of a search, and a page that wants to be loaded.
        '{"type": "doc", "content": [{"type": "image", "attrs": {"src": "https://x.example/a.png", "alt": "a"}}]}',
        '{"object": "list", "results": [{"type": "image", "image": {"external": {"url": "https://x.example/a.png"}}}]}',
        '[{"type": "image", "url": "/static/a.png"}, {"type": "image", "data": "aaaaaaaa"}]',
        '{"success": true, "output": {"content": [{"type": "image", "url": "/static/a.png", "data": "aaaaaaaa"}]}}',
        '{"output": [{"type": "input_image", "image_url": "https://x.example/?leak=1"}], "data": "aaaaaaaa"}',
        '[{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}, "data": "aaaaaaaa"}]',
        '[{"type": "input_file", "file_id": "file-1", "data": "aaaaaaaa"}]',
    ],
)
def test_text_that_merely_mentions_a_picture_stays_as_it_is(content: str) -> None:
    assert encode_tool_result(content) == content


def test_a_record_without_blocks_is_told_whole() -> None:
    assert encode_tool_result({"content": [1, 2], "a": None}) == '{"content":[1,2],"a":null}'
    assert (
        encode_tool_result({"content": [{"type": "text", "text": "x"}]}) == '{"content":[{"type":"text","text":"x"}]}'
    )


def test_a_result_that_is_no_json_is_still_told() -> None:
    when = datetime(2026, 11, 21, tzinfo=UTC)
    assert encode_tool_result({"at": when}) == '{"at":"2026-11-21 00:00:00+00:00"}'
    assert encode_tool_result([PurePosixPath("/a")]) == '["/a"]'
    assert encode_tool_result(ToolResult(output="x")) == '{"success":true,"output":"x"}'


def nest(levels: int, key: str | None = None) -> Any:
    value: Any = "image"
    for _ in range(levels):
        value = [value] if key is None else {key: value}
    return value


@pytest.mark.parametrize("text", ['["image",' + "[" * 1000 + "]" * 1001, '{"image":' * 1000 + "1" + "}" * 1000])
def test_a_text_that_nests_too_deeply_stays_as_it_is(text: str) -> None:
    assert encode_tool_result(text) == text


@pytest.mark.parametrize("key", [None, "content", "other"])
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: ToolResult(output=value), lambda value: [value]])
def test_a_result_that_nests_too_deeply_for_json_is_a_placeholder(key: str | None, wrap: Any) -> None:
    assert encode_tool_result(wrap(nest(20_000, key))) == RESULT_PLACEHOLDER


@pytest.mark.parametrize("key", [None, "content"])
def test_a_result_that_nests_deeply_is_sent_as_json(key: str | None) -> None:
    assert encode_tool_result(nest(500, key)) == json.dumps(nest(500, key), separators=(",", ":"))


@pytest.mark.parametrize("odd", [{(1, 2): "a"}, {"a": b"\xff"}])
def test_a_result_that_json_lacks_is_text(odd: Any) -> None:
    assert isinstance(encode_tool_result(odd), str)
    assert isinstance(encode_tool_result(ToolResult(output=odd)), str)


class Array:
    """Like an array of numpy: `==` gives an array, which has no truth value."""

    def __eq__(self, other: object) -> Any:
        return Array()

    def __hash__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __str__(self) -> str:
        return "[1 2]"


def test_a_result_that_compares_like_an_array_is_text() -> None:
    assert encode_tool_result(Array()) == '"[1 2]"'


PLAIN = st.none() | st.booleans() | st.integers() | st.text()
RESULTS = st.recursive(
    PLAIN | st.just(PICTURE) | st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc") | st.just("content"), inner),
)


@given(RESULTS, st.booleans())
def test_every_result_becomes_text_or_parts(result: object, dumped: bool) -> None:
    before = json.dumps(result)
    output = encode_tool_result(before if dumped else result)
    assert json.dumps(result) == before
    if isinstance(output, str):
        return
    for part in output:
        assert set(part) == ({"type", "text"} if part["type"] == "input_text" else {"type", "image_url", "detail"})
    assert any(part["type"] == "input_image" for part in output)


BLOCKS = st.lists(
    st.just(PICTURE)
    | st.builds(dict, type=st.just("text"), text=st.text())
    | st.just({"type": "resource", "uri": "file:///a"}),
    min_size=1,
)


@given(BLOCKS, st.sampled_from([None, "content", "output"]))
def test_pixels_never_travel_as_text(blocks: list[dict[str, Any]], wrapped: str | None) -> None:
    result = {"success": True, "output": None, "error": None, wrapped: blocks} if wrapped else blocks
    for content in (result, json.dumps(result)):
        output = encode_tool_result(content)
        texts = [output] if isinstance(output, str) else [part["text"] for part in output if "text" in part]
        assert not any(PIXEL in text for text in texts)


def test_a_result_that_has_no_text_is_a_placeholder() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert encode_tool_result({"a": Broken()}) == RESULT_PLACEHOLDER
