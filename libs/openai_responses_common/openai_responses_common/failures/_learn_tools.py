"""What a refusal teaches of the tools: one that the service does not accept, and how many it accepts.

Each function returns the amendments that avoid the refusal, with a sentence for the user. It returns None if the
refusal teaches nothing new of its subject.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..facts.amendments import tool_key
from ..wire.tool_choice import tool_name
from ._refusal import Lesson, Refusal

# "Invalid schema for function 'x': …", "Hosted tool 'web_search' is not supported with …".
_TOOL_NAME_PATTERN = re.compile(r"\b(?:function|tool)(?: type| named)?:? ['\"`]([^'\"`]+)['\"`]", re.I)
# OpenAI (zed#42393), Groq (codex-router#449), xAI (opencode#28911), Copilot (vscode-copilot-release#13065); all seen
# 2026-12-01.
_TOOL_LIMIT_PATTERNS = tuple(
    re.compile(text, re.I)
    for text in (
        r"\btools': array too long\b.{0,60}?maximum length (\d{1,6})\b",
        r"\btools' ?: maximum number of items is (\d{1,6})\b",
        r"\btools have been provided but the maximum is (\d{1,6})\b",
        r"may not include more than (\d{1,6}) tools\b",
    )
)
_TOOL_REFUSAL_CODES = frozenset({"invalid_function_parameters"})


def learn_refused_tools(refusal: Refusal) -> Lesson | None:
    """Leave out the tool that the refusal names by its index or its name; the others stay."""
    tools, known = refusal.tools, refusal.amendments
    named = [entry[0] for path in refusal.paths if (entry := refusal.find_tool(path))]
    if not named and (refusal.failure.code in _TOOL_REFUSAL_CODES or "tools" in refusal.paths):
        names = set(_TOOL_NAME_PATTERN.findall(refusal.message))
        named = [tool for tool in tools if tool_name(tool) in names or tool.get("type") in names]
    new_keys = frozenset(map(tool_key, named)) - known.dropped_tool_keys
    if not new_keys:
        return None
    names = ", ".join(sorted(set(map(tool_name, named))))
    sentence = f"the service refused the tool {names} ({refusal.reason}); sending no such tool"
    return replace(known, dropped_tool_keys=known.dropped_tool_keys | new_keys), sentence


def learn_tool_limit(refusal: Refusal) -> Lesson | None:
    """Send only as many tools as the service says that it accepts; the first ones stay."""
    matches = (pattern.search(refusal.message) for pattern in _TOOL_LIMIT_PATTERNS)
    limit = next((int(match[1]) for match in matches if match), 0)
    tools = refusal.tools
    if not 0 < limit < len(tools):
        return None
    surplus = ", ".join(map(tool_name, tools[limit:]))
    sentence = f"the service accepts only {limit} tools; sending the request without {surplus:.500}"
    return replace(refusal.amendments, max_tools=limit), sentence
