"""Writes the configuration reference from the tables in the code: `python -m docs.configuration`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from amplifier_module_provider_chatgpt_oauth.plan_quirks import REFUSED_FIELDS as PLAN_REFUSED_FIELDS
from amplifier_module_provider_chatgpt_oauth.quirks import REFUSED_FIELDS
from openai_responses_common.options.model_info import MODEL_INFO_SETTINGS, NO_OVERRIDES, PRICE_SETTINGS
from openai_responses_common.options.options import Options
from openai_responses_common.options.setting import Setting
from openai_responses_common.options.settings import CALL_ONLY_SETTINGS, ENVIRONMENT_VARIABLES, SHARED_SETTINGS

PAGE = Path(__file__).with_suffix(".md")
MODULES = ("provider-openai-v2", "provider-azure-openai-v2", "provider-chatgpt-oauth")

_HEAD = """\
<!-- Written by `nox -s docs` from the tables in the code; change those. -->
# Configuration

Write settings below the provider in Amplifier's settings file. `create_provider` of the [library](library.md) accepts
the same settings as keyword arguments.

```yaml
# ~/.amplifier/settings.yaml
config:
  providers:
    - module: provider-openai-v2
      config:
        api_key: ${OPENAI_API_KEY}
        default_model: gpt-5.6-sol
        reasoning_effort: medium
```

Every value may be a string, as setup wizards write them (`"false"`, `"30"`); an empty one counts as not set. So
do `none`, `off` and `default` in `verbosity`, `truncation`, `prompt_cache_retention` and `service_tier` (but the
`default` of `service_tier` is a tier). In `reasoning_effort` and `reasoning_summary`, `off` means `none`. A setting
wins over an environment variable that sets the same. If a value is not valid, the first call fails with an error that
names the setting and the valid values. An unknown setting is ignored, with a warning that shows the nearest name.

A question of a setup wizard sets nothing if you leave it empty. `amplifier provider edit` keeps the settings that its
wizard asks for and drops all others, so edit the file if you have written more.

A call wins over all of this: first the keyword arguments of `complete()`, then the fields of the request, then the
settings, then the model's own default. An option that the model or the service does not accept is dropped. The log
reports it once, and the `dropped` list of [`llm:request`](events.md#llmrequest) names it.
"""

_MODEL_INFO = """\
With `model_info` a new model works on its first day, and a model of your own server has its true limits:

```yaml
config:
  providers:
    - module: provider-openai-v2
      config:
        default_model: gpt-7
        model_info:
          gpt-7:
            context_window: 1500000
            max_output_tokens: 200000
            efforts: low, medium, high
            prices: {input: 3, cache_read: 0.3, output: 15}
```
"""

_TRANSPORT = """\
Over HTTP every request sends the whole conversation. Over a WebSocket the service remembers the newest response of a
connection, and a request that goes on from it sends only what is new: a tool loop of 100 turns sends its tools and its
instructions again and again, but not its history. The service stores nothing (`store` stays false).

- `auto`: at OpenAI's API with a key, the first request of a conversation travels over HTTP and each further one over a
  WebSocket, so that a single question waits for no handshake. Everywhere else, a ChatGPT plan included, it is the same
  as `http`.
- `http`: no WebSocket is opened.
- `websocket`: the first request of a conversation travels over a WebSocket, too; also at Azure, with a ChatGPT plan and
  at other servers.

A turn is never lost to a WebSocket. If a connection ends before the response begins, the request is sent once more as a
whole, over a new one. If that fails too, or the service opens none, the request travels over HTTP. The event
[`provider:transport`](events.md#providertransport) and the log say so once, and the address is tried again after five
minutes. If HTTP shows the same, as with a wrong key, that is an error like any other, without a word about the
WebSocket. A provider opens at most four connections and closes one that nobody has used for five minutes. One that was
idle for ten seconds has to answer a ping before it gets a request. Further parallel calls travel over HTTP, and so do
requests in the `background`, or whose `extra_body` has `previous_response_id`, `conversation`, `generate` or
`stream: false`.
Connections take the same [proxy](privacy.md#proxies) as requests.

Nobody has run WebSockets against a live account with this release yet. To switch them off:

```yaml
config:
  providers:
    - module: provider-openai-v2
      config:
        transport: http
```
"""


_LONG_CONVERSATIONS = """\
A host shortens a conversation before it is longer than the window of the model. It asks the provider how much fits
(`request_budget`), and what to do if the service refused a request as too long (`recover_context_overflow`). There is
nothing to set.

- At OpenAI's API with a key the service counts the tokens, but only from half of the window on, so that a short
  conversation waits for nothing. A request is counted once. If the service does not count, an estimate has to do, and
  the service is asked again after ten minutes.
- Everywhere else, a ChatGPT plan included, the numbers are estimates, which never claim to be counts. Of a model whose
  window nobody knows there are none; `context_window` in [model_info](#model_info) sets it. A smaller window than the
  real one is allowed, too: then all of this begins sooner.
- After a refusal the host shortens the conversation once, by the numbers in the refusal if it has some. The event
  [`provider:context_shortened`](events.md#providercontext_shortened) lists what the host took out. The session keeps
  the whole conversation.

A service can also compact a conversation itself, into a part that only the same model, account and address can read:

| | OpenAI, with a key | Azure | a plan, `plan` | a plan, `device_code` |
|---|---|---|---|---|
| for a host (`native_compaction`) | yes | if set to true | no | if set to true |
| within a response (`compact_threshold`) | yes | sent, and left out if the service refuses it | left out | left out |

A host that compacts in this way, such as `bundle-context-managed`, replaces what was before by one message. The
provider sends its content back whole. If another model or account has to go on, the call fails with an error that says
so, and the host can begin again from its own history. Documents and users disagree whether Azure compacts, and for
`device_code` there is only what OpenAI's own client does; so both need the setting. Nobody has compacted on a live
account with this release yet.
"""


def package(module: str) -> str:
    """Return the import name of a module."""
    return f"amplifier_module_{module.replace('-', '_')}"


def reference(module: str) -> Any:
    """Return the file with the tables of a module's own settings."""
    return importlib.import_module(f"{package(module)}.reference")


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD, "## Settings of every module\n", _table(_shared_rows(), "setting", "default", "meaning")]
    for module in MODULES:
        link = f"This module adds these settings. Its page is [{module}](../modules/{module}/README.md).\n"
        parts += [f"## {module}\n", link, _module_table(module)]
    for mode, fields in (("plan", PLAN_REFUSED_FIELDS), ("device_code", REFUSED_FIELDS)):
        parts.append(f"With `{mode}` its service does not accept {', '.join(f'`{key}`' for key in fields)}.\n")
    parts += [
        "## One call\n",
        "`complete(request, **options)` and `deltas(request, **options)` accept the settings of every module, and:\n",
        _table(_meanings(CALL_ONLY_SETTINGS), "option", "meaning"),
        "## transport\n",
        _TRANSPORT,
        "## Long conversations\n",
        _LONG_CONVERSATIONS,
        "## model_info\n",
        _MODEL_INFO,
        _table(_meanings(MODEL_INFO_SETTINGS), "key", "meaning"),
        "The keys of `prices`, in US dollars per million tokens:\n",
        _table(_meanings(PRICE_SETTINGS), "key", "meaning"),
        "## Further environment variables\n",
        _table(_environment(), "variable", "meaning"),
    ]
    return "\n".join(parts)


def _shared_rows() -> list[tuple[str, ...]]:
    return [(f"`{key}`", _default(row), row.meaning) for key, row in SHARED_SETTINGS.items()]


def _default(row: Setting) -> str:
    """The default in words, else the value that the options have by default."""
    value = getattr(Options(), row.field)
    if row.default or row.meaning.startswith("The same as") or value in (None, (), {}, NO_OVERRIDES):
        return row.default
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _module_table(module: str) -> str:
    rows = [
        (f"`{key}`", ", ".join(f"`{name}`" for name in row.variables), row.default, row.meaning)
        for key, row in reference(module).SETTINGS.items()
    ]
    return _table(rows, "setting", "environment", "default", "meaning")


def _environment() -> list[tuple[str, ...]]:
    variables: dict[str, str] = {}
    for module in MODULES:
        variables |= reference(module).ENVIRONMENT_VARIABLES
    return [(f"`{name}`", meaning) for name, meaning in (variables | dict(ENVIRONMENT_VARIABLES)).items()]


def _meanings(rows: Mapping[str, Setting]) -> list[tuple[str, ...]]:
    return [(f"`{key}`", row.meaning) for key, row in rows.items()]


def _table(rows: Iterable[tuple[str, ...]], *head: str) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
