"""What the API refuses to an app that uses a ChatGPT plan by Sign in with ChatGPT.

What a request has to look like is what the backend of OpenAI's own client asks for, with its texts (probes of both on
2026-09-30), so these rules are those of `chatgpt`.
"""

from __future__ import annotations

from responses_emulator.rules.rule import Rule, document, report

_SEEN = "2026-11-30"
_INFERENCE = document("Models and inference, Sign in with ChatGPT", _SEEN)
_ERRORS = document("Errors and recovery, Sign in with ChatGPT", _SEEN)
_PROBES = report("probes of a client of 2026-09-30", "2026-12-01")

ITEM_NOT_SUPPORTED = Rule(
    when="an item of another type than those of its text",
    text=(
        "User subscription sharing currently supports only text, image, and file messages, item references, "
        "additional tools, compaction summaries, reasoning items, Web Search call items, developer function and custom "
        "tool call items, and programmatic tool calling items. Remove unsupported input items or use an API key "
        "instead."
    ),
    source=report("clients' tests with the body of a refusal", "2026-12-01"),
    code="subscription_sharing_unsupported_capability",
    param="input",
)
FLAT_TOOL = Rule(
    when="a function or a custom tool that is neither in a namespace nor in an item `additional_tools`",
    text="User subscription sharing supports function and custom tools in a namespace or in additional tools only.",
    source=_INFERENCE,
    ours="the text, and that it is refused: a live run of 2026-09-30 got an answer",
    code="subscription_sharing_unsupported_capability",
    param="tools",
)
TOOL_NOT_SUPPORTED = Rule(
    when="a hosted tool other than web search: images, files, code, computer, MCP and tool search",
    text="User subscription sharing does not support the tool '{type}'.",
    source=_PROBES,
    ours="the text",
    code="subscription_sharing_unsupported_capability",
    param="tools",
)
TOKEN_EXPIRED = Rule(
    when="an access token that has expired",
    text="invalid_token",
    source=_PROBES,
    status=401,
)
ROUTE_NOT_SUPPORTED = Rule(
    when="another path than `/responses` and `/models`",
    text="User subscription sharing does not support {method} {path}.",
    source=_ERRORS,
    ours="the text",
    status=403,
    code="subscription_sharing_route_not_supported",
)
INVALID_USER = Rule(
    when="a token whose sign-in has ended, or that is not one of the service's",
    text="The user of this token could not be verified. Sign in with ChatGPT again.",
    source=_ERRORS,
    ours="the text",
    status=401,
    code="subscription_sharing_invalid_user",
)
SCOPE_NOT_AUTHORIZED = Rule(
    when="a token without the scope `chatgpt.tokens.use.direct`",
    text="This app is not allowed to use the ChatGPT plan of the user.",
    source=_ERRORS,
    ours="the text",
    status=403,
    code="chatpass_v2_scope_not_authorized",
)
INVALID_CONTEXT = Rule(
    when="a token for another resource",
    text="The token was not issued for this API.",
    source=_ERRORS,
    ours="the text",
    status=403,
    code="chatpass_v2_invalid_authorization_context",
)
USAGE_LIMIT = Rule(
    when="a plan that is used up, if a test says so",
    text=(
        "The ChatGPT user has reached their Subscription Sharing usage limit. Ask the user to try again after their "
        "usage limit resets or use an API key instead."
    ),
    source=report("clients' notes and tests with the text of a refusal", "2026-12-01"),
    status=429,
    code="subscription_sharing_usage_limit_exceeded",
)
USAGE_UNAVAILABLE = Rule(
    when="any request while the usage of plans cannot be read, if a test says so",
    text="The usage of the ChatGPT plan is temporarily unavailable. Try again later.",
    source=_ERRORS,
    ours="the text",
    status=503,
    code="subscription_sharing_usage_unavailable",
)
USER_UNAVAILABLE = Rule(
    when="any request while the user cannot be looked up, if a test says so",
    text="The user of this token is temporarily unavailable. Try again later.",
    source=_ERRORS,
    ours="the text",
    status=503,
    code="subscription_sharing_user_unavailable",
)
USER_NOT_ELIGIBLE = Rule(
    when="a plan that apps cannot use, if a test says so",
    text="The ChatGPT plan of this user cannot be used by apps.",
    source=_ERRORS,
    ours="the text",
    status=403,
    code="subscription_sharing_user_not_eligible",
)
UNSUPPORTED_CAPABILITY = Rule(
    when="anything else that plans do not pay for, if a test says so",
    text="User subscription sharing does not support this request.",
    source=_ERRORS,
    ours="the text",
    code="subscription_sharing_unsupported_capability",
)
