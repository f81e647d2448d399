"""What a refusal teaches of the images and files in a conversation: which ones are left out, and where.

An image of the newest user message stays, because the user asks about it: the error then says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..facts.amendments import MEDIA_PART_TYPES, media_key
from ..wire.client_calls import OUTPUT_TYPES, is_host_item
from ..wire.json_values import as_objects
from ..wire.types import Item
from ._refusal import Lesson, Refusal

IMAGE_REFUSAL_CODES = frozenset(
    {
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "invalid_image_mode",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    }
)
"""Codes for an image that the service cannot read. Source: `ResponseError.code` of openai 3.52."""


# Only known texts count. Sources: codex#7459, #5346 and #22886, vscode#311732, gemini-cli#27244, claude-code#5147,
# chatwise-releases#799, seen 2026-12-01.
BAD_IMAGE_PATTERN = re.compile(
    r"does not represent a valid image|uploaded an unsupported image|provided image is not valid"
    r"|expected a base64-encoded data url with an image mime type|expected a valid url, but got a value with an invalid"
    r"|the image was specified using .* media type, but|could not process image|cannot identify image file"
    r"|image exceeds \d+ ?MB|image dimensions exceed max allowed size|unable to process input image",
    re.I,
)
# llama.cpp's server (recorded, at status 500); vLLM (vllm#23402); OpenRouter (nexu#875); DeepSeek (chatluna#867);
# others (hermes-agent#23411). The text about content types is OpenAI's older API.
NO_IMAGES_PATTERN = re.compile(
    r"image input is not supported|is not a multimodal model|no endpoints found that support image input"
    r"|does not support image(s| inputs?)\b|unknown variant `?image_url|image_url is only supported by certain models"
    r"|at most 0 image",
    re.I,
)
# llama.cpp's server before it took them (llama.cpp#23380); chat completions behind a gateway (OpenHands#7700); seen
# 2026-12-01.
_NO_IMAGES_IN_RESULTS_PATTERN = re.compile(
    r"output of tool call should be 'input text'|message with role 'tool' contains an image", re.I
)
# "At most 1 image(s) may be provided in one request.": vLLM (vllm#9739), seen 2026-12-01.
_IMAGE_LIMIT_PATTERN = re.compile(r"at most (\d{1,4}) image\S* may be provided", re.I)


def learn_images(refusal: Refusal) -> Lesson | None:
    """Leave out images and files that the service cannot read, or does not accept where they stand.

    Those of the newest user message stay, because the user asks about them: the error then says what is wrong.
    """
    if _NO_IMAGES_IN_RESULTS_PATTERN.search(refusal.message) or _names_type_in_result(refusal):
        return _drop_media_in_results(refusal)
    if NO_IMAGES_PATTERN.search(refusal.message):
        return _drop_media_in_results(refusal) or _refuse_media(refusal, _list_earlier_user_media(refusal))
    if limit := _IMAGE_LIMIT_PATTERN.search(refusal.message):
        return _refuse_media(refusal, _list_surplus_media(refusal, int(limit[1])))
    named = _list_named_media(refusal)
    if named is not None:
        return _refuse_media(refusal, named)
    if refusal.failure.code in IMAGE_REFUSAL_CODES or BAD_IMAGE_PATTERN.search(refusal.message):
        return next(filter(None, (_refuse_media(refusal, media) for media in _list_suspects(refusal))), None)
    return None


def learn_text_results(refusal: Refusal) -> Lesson | None:
    """Leave out the images and files of tool results, in case that a fault of the server comes from them.

    Source: transformers serve 5.24 responds with 500 and no reason to each result with an image (run 2026-11-30).
    """
    return _drop_media_in_results(refusal)


def _drop_media_in_results(refusal: Refusal) -> Lesson | None:
    if not refusal.amendments.media_in_tool_results or not _list_media(_list_results(refusal.items)):
        return None
    return (
        replace(refusal.amendments, media_in_tool_results=False),
        f"the service does not accept images in tool results ({refusal.reason}); sending a note instead",
    )


def _refuse_media(refusal: Refusal, media: list[Item]) -> Lesson | None:
    known = refusal.amendments
    keys = frozenset(map(media_key, media)) - known.refused_media_keys
    if not keys:
        return None
    return (
        replace(known, refused_media_keys=known.refused_media_keys | keys),
        f"the service cannot read an image or file of the conversation ({refusal.reason}); sending a note instead",
    )


def _names_type_in_result(refusal: Refusal) -> bool:
    """Return whether the refusal names the output of a call that holds an image, or the type of a part of it."""
    entries = [entry for path in refusal.paths if (entry := refusal.find_item(path))]
    names_output = any(
        item.get("type") in OUTPUT_TYPES
        and bool(_list_media([item]))
        and [step for step in steps if not step.isdecimal()] in (["output"], ["output", "type"])
        for item, steps in entries
    )
    return names_output and not BAD_IMAGE_PATTERN.search(refusal.message)


def _list_named_media(refusal: Refusal) -> list[Item] | None:
    """Return the image or file that the refusal names by its path; empty if it stands in the newest user message.

    None if it names none.
    """
    own_message = _find_own_message(refusal.items)
    for path in refusal.paths:
        item, steps = refusal.find_item(path) or ({}, [])
        index = next((int(step) for step in steps if step.isdecimal()), None)
        parts = as_objects(item.get("output", item.get("content")))
        if index is None or index >= len(parts) or parts[index].get("type") not in MEDIA_PART_TYPES:
            continue
        return [] if item is own_message else [parts[index]]
    return None


def _list_suspects(refusal: Refusal) -> Iterator[list[Item]]:
    """Yield the images that may be damaged, if none is named: new ones of tools, then older ones."""
    yield _list_media(_list_results(refusal.items[_find_newest_turn(refusal.items) :]))
    yield _list_media(_list_results(refusal.items))
    yield _list_earlier_user_media(refusal)


def _list_earlier_user_media(refusal: Refusal) -> list[Item]:
    own_message = _find_own_message(refusal.items)
    return _list_media(item for item in refusal.items if item.get("role") == "user" and item is not own_message)


def _list_surplus_media(refusal: Refusal, limit: int) -> list[Item]:
    """Return the oldest images, without which the request holds as many as the service accepts."""
    own_message = _find_own_message(refusal.items)
    own_count = len(_list_media([own_message])) if own_message else 0
    others = _list_media(item for item in refusal.items if item is not own_message)
    return others[: max(0, len(others) + own_count - limit)]


def _find_own_message(items: list[Item]) -> Item | None:
    """Return the newest message of the user, if the model has not responded to it yet.

    Messages before it that nobody answered do not count: the call of such a message may have failed, and the host has
    kept the message. A reminder of the host counts neither.
    """
    newest_turn = reversed(items[_find_newest_turn(items) :])
    return next((item for item in newest_turn if item.get("role") == "user" and not _is_reminder(item)), None)


def _is_reminder(message: Item) -> bool:
    parts = as_objects(message.get("content"))
    return bool(parts) and str(parts[0].get("text")).lstrip().startswith("<system-reminder")


def _find_newest_turn(items: list[Item]) -> int:
    """Return the index behind the last item that the model made."""
    return next((index + 1 for index in reversed(range(len(items))) if not is_host_item(items[index])), 0)


def _list_results(items: Iterable[Item]) -> list[Item]:
    return [item for item in items if item.get("type") in OUTPUT_TYPES]


def _list_media(items: Iterable[Item]) -> list[Item]:
    parts: Iterator[dict[str, Any]] = (
        part for item in items for part in as_objects(item.get("output", item.get("content")))
    )
    return [part for part in parts if part.get("type") in MEDIA_PART_TYPES]
