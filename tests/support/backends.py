"""The backends under test, one row each: which service the emulator plays for it, and what a host would configure.

Every behaviour test runs once per row: for each module over HTTP and over WebSocket. A test asks the row what differs;
it never asks for a backend by its name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from amplifier_module_provider_chatgpt_oauth.settings import LOGIN_COMMAND
from responses_emulator import Emulator, azure_surface, chatgpt_plan_surface, chatgpt_surface, openai_surface
from responses_emulator.service.surface import Surface

from examples.chat import offline_model
from tests.support import chatgpt_plan_token_file as plan_signed_in
from tests.support import chatgpt_token_file as signed_in

ROOT = Path(__file__).resolve().parents[2]

# Everything that the Azure SDKs, the platforms and the module itself read.
AZURE_VARIABLES = (
    *("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY"),
    *("AZURE_OPENAI_AD_TOKEN", "AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"),
    *("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD"),
    *("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"),
    *("AZURE_USE_MANAGED_IDENTITY", "AZURE_USE_DEFAULT_CREDENTIAL", "AZURE_MANAGED_IDENTITY_CLIENT_ID"),
    *("AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"),
    *("IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET", "MSAL_FORCE_REGION"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendUnderTest:
    """One provider module and the service that stands in for its own.

    Attributes:
        name: mount name.
        mode: a second way to sign in to the same module; empty for the first one.
        module: module id, which is also its entry point and the name of its folder.
        package: import name.
        class_name: the class that hosts look up.
        surface: makes the emulated service.
        secret: a credential that the service takes; it must turn up nowhere but in a request's headers.
        config: what a settings file would hold, from the service's base URL and a credential.
        other: the same for another account, which neither shares limits nor can read the first one's ciphertext.
        collected: what a setup wizard passes to the constructor, from the same.
        environment: variables that say the same, for hosts that pass no config.
        unset: variables that must be absent for a test without credentials.
        nobody: variables that keep a test without credentials away from a developer's own account.
        model: an ordinary reasoning model of this backend; its siblings terra and luna are there too.
        plain_model: one that does not reason.
        live_model: a cheap model for calls that are paid for.
        account: variables that name a real account.
        remedies: what an error about the credential names; the variables of `unset` where nothing is given.
        refuses: body keys that the service never gets.
        needs: body keys without which it answers nothing, so that they are never left out.
        takes_system: it knows the role `system`.
        takes_message_status: it takes the `status` of replayed messages.
        system_text_role: the role in which system text inside the conversation goes to it.
        marks_incomplete: a message that was cut off is marked as incomplete in a continuation.
        reasoning_ids: it wants the ids of replayed reasoning back.
        window: input tokens that the model takes at least.
        limit: a field of the rate limits that it sends. None if it sends none.
        catalogue: it has a list of its own for each account, in an order of its own and without dated models.
        lists_deployments: it lists what the user has deployed, and not what the service offers.
        tier: a service tier that it takes.
        extra: a body key that no setting writes, and a value that it takes for it.
        rests: an ordinary reasoning model can be told not to reason.
        stated_effort: the effort that a request for `model` states if nobody chose one.
        no_models: its model list with nothing in it.
        priced: tokens are paid one by one.
        request_id: what its errors name, as a pattern.
        kinds: the only types of tools and of items that it takes; None if it takes those of the API.
        counts_input: it counts the tokens of an input, with `count_input: true` also at an emulator.
        compaction: the path of the request that compacts a conversation; empty if it has none.
        remote_host: another machine, to which its credential may be sent if `allowed_hosts` holds `chatgpt.com`.
        transport: the setting `transport`; None is the default, which at an emulator is HTTP.
    """

    name: str
    mode: str = ""
    module: str
    package: str
    class_name: str
    surface: Callable[[], Surface]
    secret: str
    config: Callable[[str, str], dict[str, Any]]
    other: Callable[[str, str], dict[str, Any]]
    collected: Callable[[str, str], dict[str, Any]]
    environment: Callable[[str, str], dict[str, str]]
    unset: tuple[str, ...] = ()
    nobody: Mapping[str, str] = field(default_factory=dict[str, str])
    model: str = "gpt-5.6-sol"
    plain_model: str = "gpt-4.1"
    live_model: str = "gpt-5.6-luna"
    account: tuple[str, ...]
    remedies: tuple[str, ...] = ()
    needs: frozenset[str] = field(default_factory=frozenset[str])
    takes_system: bool = True
    takes_message_status: bool = True
    system_text_role: str = "developer"
    marks_incomplete: bool = False
    reasoning_ids: bool = True
    window: int = 800_000
    limit: str | None = "requests_remaining"
    catalogue: bool = False
    lists_deployments: bool = False
    refuses: frozenset[str] = field(default_factory=frozenset[str])
    tier: str = "flex"
    extra: tuple[str, Any] = ("metadata", {"team": "x"})
    rests: bool = True
    stated_effort: str | None = None
    no_models: Mapping[str, Any] = field(default_factory=lambda: {"object": "list", "data": []})
    priced: bool = True
    request_id: str = r"(req_)?[0-9a-f-]{30,}"
    kinds: frozenset[str] | None = None
    counts_input: bool = False
    compaction: str = ""
    remote_host: str = "service.chatgpt.com"
    transport: Literal["websocket"] | None = None

    @property
    def label(self) -> str:
        """The name in the ids of tests."""
        return self.service if self.transport is None else f"{self.service} over {self.transport}"

    @property
    def service(self) -> str:
        """What identifies the service that the emulator plays, for tables with a row per service."""
        return f"{self.name}-{self.mode}" if self.mode else self.name

    @property
    def folder(self) -> Path:
        return ROOT / "modules" / self.module

    @property
    def package_path(self) -> Path:
        return self.folder / self.package

    @property
    def provider_class(self) -> Any:
        return getattr(importlib.import_module(self.package), self.class_name)

    @property
    def mount(self) -> Callable[[Any, Mapping[str, Any] | None], Any]:
        return importlib.import_module(self.package).mount

    def takes(self, *kinds: str) -> bool:
        """Return whether the service takes tools and items of these types."""
        return self.kinds is None or self.kinds.issuperset(kinds)

    def emulator(self, **options: Any) -> Emulator:
        """The service, not yet started."""
        return Emulator(surfaces=(self.surface(),), **{"responder": offline_model.respond, **options})

    def settings(self, emulator: Emulator, **more: Any) -> dict[str, Any]:
        """A config that reaches an emulator, with short waits; `more` wins."""
        found = self.config(emulator.base_url, self.secret)
        if self.transport is not None:
            found["transport"] = self.transport
        return {**found, "default_model": self.model, "min_retry_delay": 0.01, "max_retry_delay": 5, **more}


BACKENDS = [
    BackendUnderTest(
        name="openai-v2",
        module="provider-openai-v2",
        package="amplifier_module_provider_openai_v2",
        class_name="OpenaiV2Provider",
        surface=openai_surface,
        secret="sk-canary-0123456789abcdefghijklmnopqrstuv",
        config=lambda url, secret: {"base_url": url, "api_key": secret},
        other=lambda url, secret: {"base_url": url, "api_key": f"{secret}-other"},
        collected=lambda url, secret: {"base_url": url, "api_key": secret},
        environment=lambda url, secret: {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": secret},
        account=("OPENAI_API_KEY",),
        marks_incomplete=True,
        counts_input=True,
        compaction="/responses/compact",
        system_text_role="system",  # an emulator on loopback is not OpenAI's address
        unset=("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
    ),
    BackendUnderTest(
        name="azure-openai-v2",
        module="provider-azure-openai-v2",
        lists_deployments=True,
        takes_message_status=False,
        package="amplifier_module_provider_azure_openai_v2",
        class_name="AzureOpenaiV2Provider",
        surface=azure_surface,
        secret="azure-key-canary-0123456789abcdefghijklmnopqr",
        config=lambda url, secret: {
            "azure_endpoint": url,
            "api_key": secret,
            "image_generation_deployment": "pictures",
        },
        other=lambda url, secret: {"azure_endpoint": url.replace("127.0.0.1", "localhost"), "api_key": secret},
        collected=lambda url, secret: {"base_url": url, "api_key": secret},
        environment=lambda url, secret: {"AZURE_OPENAI_ENDPOINT": url, "AZURE_OPENAI_API_KEY": secret},
        account=("AZURE_OPENAI_ENDPOINT",),
        compaction="/responses/compact",
        unset=AZURE_VARIABLES,
    ),
    BackendUnderTest(
        name="chatgpt-oauth",
        module="provider-chatgpt-oauth",
        package="amplifier_module_provider_chatgpt_oauth",
        class_name="ChatgptOauthProvider",
        surface=chatgpt_surface,
        secret=signed_in.TOKEN,
        config=signed_in.settings,
        other=lambda url, secret: signed_in.settings(url, signed_in.OTHER_TOKEN, signed_in.BOB),
        collected=lambda url, secret: {},
        environment=signed_in.environment,
        account=("CHATGPT_OAUTH_TOKEN_FILE",),
        compaction="/responses",
        unset=(
            *("CHATGPT_OAUTH_BASE_URL", "CHATGPT_OAUTH_ISSUER", "CHATGPT_OAUTH_ACCOUNT"),
            *("CHATGPT_OAUTH_TOKEN_STORE", "CHATGPT_OAUTH_TOKEN_FILE"),
        ),
        nobody={"CHATGPT_OAUTH_TOKEN_STORE": "file", "CHATGPT_OAUTH_TOKEN_FILE": signed_in.nobody()},
        remedies=(LOGIN_COMMAND,),
        needs=frozenset({"store", "stream", "instructions"}),
        takes_system=False,
        reasoning_ids=False,
        window=272_000,
        limit="primary_used_percent",
        catalogue=True,
        refuses=frozenset(
            {
                *("max_output_tokens", "temperature", "top_p", "truncation"),
                *("prompt_cache_retention", "safety_identifier", "context_management"),
            }
        ),
        tier="priority",
        extra=("client_metadata", {"team": "x"}),
        rests=False,
        stated_effort="low",
        no_models={"models": []},
        priced=False,
    ),
]


def over_websocket(row: BackendUnderTest) -> BackendUnderTest:
    """Return the row with requests over WebSocket. Its replies have no headers: limits come as events or not at all."""
    return replace(row, transport="websocket", limit=row.limit if row.limit == "primary_used_percent" else None)


WEBSOCKET_BACKENDS = [over_websocket(row) for row in BACKENDS]

PLAN_BACKEND = BackendUnderTest(
    name="chatgpt-oauth",
    mode="plan",
    module="provider-chatgpt-oauth",
    package="amplifier_module_provider_chatgpt_oauth",
    class_name="ChatgptOauthProvider",
    surface=chatgpt_plan_surface,
    secret=plan_signed_in.TOKEN,
    config=plan_signed_in.settings,
    other=lambda url, secret: plan_signed_in.settings(url, plan_signed_in.OTHER_TOKEN, plan_signed_in.BOB),
    collected=lambda url, secret: {},
    environment=plan_signed_in.environment,
    account=("CHATGPT_OAUTH_PLAN_TOKEN_FILE",),
    unset=(
        *("CHATGPT_OAUTH_AUTH_MODE", "CHATGPT_OAUTH_PLAN_BASE_URL", "CHATGPT_OAUTH_ISSUER", "CHATGPT_OAUTH_ACCOUNT"),
        *("CHATGPT_OAUTH_TOKEN_STORE", "CHATGPT_OAUTH_TOKEN_FILE"),
    ),
    remote_host="service.api.openai.com",
    nobody={
        "CHATGPT_OAUTH_AUTH_MODE": "plan",
        "CHATGPT_OAUTH_TOKEN_STORE": "file",
        "CHATGPT_OAUTH_TOKEN_FILE": plan_signed_in.nobody(),
    },
    remedies=(LOGIN_COMMAND,),
    needs=frozenset({"store", "stream"}),
    takes_system=False,
    window=272_000,
    limit=None,
    catalogue=True,
    refuses=frozenset(
        {
            *("max_output_tokens", "temperature", "top_p", "truncation"),
            *("prompt_cache_retention", "safety_identifier", "context_management"),
        }
    ),
    tier="priority",
    extra=("client_metadata", {"team": "x"}),
    rests=False,
    no_models={"models": []},
    priced=False,
    request_id=r"[0-9a-f]{16}-[A-Z]{3}",  # of the edge; the service names none
    kinds=frozenset(
        {
            *("function", "custom", "namespace", "web_search", "message", "reasoning", "compaction", "web_search_call"),
            *("function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
        }
    ),
)
"""The second way to sign in to the module for ChatGPT plans; tests of modules themselves need it once only."""
ALL_BACKENDS = [*BACKENDS, PLAN_BACKEND]
