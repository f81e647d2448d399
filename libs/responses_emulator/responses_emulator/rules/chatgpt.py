"""What the backend of a ChatGPT plan refuses. Its own refusals are `{"detail": …}` and have no code."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, capture, recording, report

_SEEN = "2026-12-01"

NO_INSTRUCTIONS = Rule(
    when="a request without `instructions`, unless a developer message is marked as the prompt",
    text="Instructions are required",
    source=report("cubezhao/ai-tools-mng#79; OpenAI's own client marks its prompt (captured 2026-11-30)", _SEEN),
)
STORED = Rule(
    when="`store` other than false",
    text="Store must be set to false",
    source=report("openai/codex#26173", _SEEN),
)
NOT_STREAMED = Rule(
    when="`stream` other than true",
    text="Stream must be set to true",
    source=report("stakpak/agent#739", _SEEN),
)
FIELD_NOT_ALLOWED = Rule(
    when="a field that is not on the list",
    text="Unsupported parameter: {name}",
    source=report("suna#5124, ChatMock#103, oh-my-pi#3117, sub2api#589", _SEEN),
)
INPUT_NOT_A_LIST = Rule(
    when="an input that is a text",
    text="Input must be a list",
    source=report("zyycn/codex-proxy-rs#178", _SEEN),
)
UNSUPPORTED_TIER = Rule(
    when="a `service_tier` other than `priority` and `default`",
    text="Unsupported service_tier: {tier}",
    source=report("senpi#545, senpi#547, codex-lb#163", _SEEN),
)
SYSTEM_MESSAGE = Rule(
    when="a message with the role `system`",
    text="System messages are not allowed",
    source=report("justlovemaki/AIClient2API#632", _SEEN),
)
UNSUPPORTED_TOOL = Rule(
    when="the tool `web_search_preview`",
    text="Unsupported tool type: {type}",
    source=report("CLIProxyAPI, which sends another tool for it", _SEEN),
    ours="the text",
)
MODEL_RETIRED = Rule(
    when="a model that this sign-in no longer serves",
    text="The '{model}' model is not supported when using Codex with a ChatGPT account.",
    source=report("openai/codex#26053, openai/codex#19654", _SEEN),
)
MODEL_NOT_FOUND = Rule(
    when="a model that is not in the catalogue",
    text="Model not found {model}",
    source=report("agent-zero#1765, oh-my-pi#5108", "2026-11-30"),
    status=404,
    param="model",
)
CLIENT_TOO_OLD = Rule(
    when="a model that is newer than the header `version` allows",
    text=(
        "The '{model}' model requires a newer version of Codex. Please upgrade to the latest app or CLI and try again."
    ),
    source=report("openai/codex#37755", _SEEN),
)
NOT_LITE = Rule(
    when="the header of Responses-Lite for a model that is not lite in the catalogue",
    text="This model is not supported when using X-OpenAI-Internal-Codex-Responses-Lite.",
    source=report("openai/codex#30224", _SEEN),
)
WRONG_WORKSPACE = Rule(
    when="an account id that is not the token's, or none",
    text="invalid_workspace_selected",
    source=report("openai/codex#24495", _SEEN),
    status=403,
)
TOKEN_MALFORMED = Rule(
    when="a token that is not one of the service's, or none",
    text="Could not parse your authentication token. Please try signing in again.",
    source=recording("langchain-openai's cassettes", "2026-05-21"),
    status=401,
    code="unauthorized_unknown",
)
TOKEN_EXPIRED = Rule(
    when="an access token that has expired",
    text="Provided authentication token is expired. Please try signing in again.",
    source=report("a live probe", "2026-09-28"),
    status=401,
    code="token_expired",
)
TOKEN_REVOKED = Rule(
    when="an access token whose sign-in has ended",
    text="Encountered invalidated oauth token for user, failing request",
    source=report("a live probe", "2026-09-28"),
    status=401,
    code="token_revoked",
)
CHALLENGE = Rule(
    when="a request of an HTTP library, or one without `originator`",
    text="(a page that asks for JavaScript and cookies)",
    source=report(
        "hermes-agent#6385, openai/codex#16052; `accounts/check` needs no `originator`, because OpenAI's own client "
        "sends none there (captured 2026-11-30)",
        _SEEN,
    ),
    status=403,
)
UNSUPPORTED_ENCODING = Rule(
    when="a `content-encoding` other than zstd",
    text="Unsupported content encoding: {encoding}",
    source=capture("OpenAI's own client compresses with zstd", "2026-11-30"),
    ours="the status and the text",
    status=415,
)
DAMAGED_BODY = Rule(
    when="a body that is not one frame of zstd",
    text="The request body is not valid zstd",
    source=UNSOURCED,
    ours="the status and the text",
)
