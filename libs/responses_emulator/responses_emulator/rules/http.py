"""What the API of OpenAI refuses before it reads the body: keys, paths, methods, and too many requests."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, report

_KEYS_PAGE = "https://platform.openai.com/account/api-keys"

NO_KEY = Rule(
    when="a request without a key",
    text=(
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
        "auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're "
        "accessing the API from your browser and are prompted for a username and password. You can obtain an API key "
        f"from {_KEYS_PAGE}."
    ),
    source=report("continuedev/continue#11228", "2026-12-01"),
    status=401,
)
WRONG_KEY = Rule(
    when="a wrong key: `sk-bad`, `sk-wrong` and `sk-revoked`",
    text=f"Incorrect API key provided: {{key}}. You can find your API key at {_KEYS_PAGE}.",
    source=report("chatanywhere/GPT_API_free#427", "2026-12-01"),
    status=401,
    code="invalid_api_key",
)
NO_SUCH_PATH = Rule(
    when="a path that does not exist",
    text="Invalid URL ({method} {path})",
    source=report("harry0703/MoneyPrinterTurbo#57", "2026-12-01"),
    status=404,
)
WRONG_METHOD = Rule(
    when="a method that the path does not have",
    text="Not allowed to {method} on {path}.  (HINT: Perhaps you meant to use a different HTTP method?)",
    source=UNSOURCED,
    ours="no page with the text is noted",
    status=405,
)
RATE_LIMIT = Rule(
    when="more requests or tokens than the limits of a minute allow",
    text=(
        "Rate limit reached for {model} in organization {account} on {limit_name} per min ({unit}): "
        "Limit {limit}, Used {used}, Requested {requested}. Please try again in {wait_s}s. "
        "Visit https://platform.openai.com/account/rate-limits to learn more."
    ),
    source=report("continuedev/continue#10502; the headers are recorded", "2026-12-01"),
    status=429,
    code="rate_limit_exceeded",
    kind="{limit_name}",
)
SERVER_ERROR = Rule(
    when="a request whose script or responder fails",
    text=(
        "The server had an error while processing your request. Sorry about that! You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists."
    ),
    source=report("openai/openai-realtime-console#493", "2026-12-01"),
    ours="that a script or a responder that fails gets it",
    status=500,
    kind="server_error",
)
NO_OUTPUT = Rule(
    when="a forced call of a tool that the default responder cannot make",
    text=(
        "The emulator has no output for tool_choice {choice}: it makes calls of function tools, custom tools and web "
        "search. Queue an output with Emulator.script(), or pass a responder to Emulator()."
    ),
    source=UNSOURCED,
    ours="the rule; the emulator runs no model",
    status=500,
    kind="server_error",
    code="server_error",
)
