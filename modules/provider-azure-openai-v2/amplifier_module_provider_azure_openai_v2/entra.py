"""Tokens from Microsoft Entra through MSAL: for an application with a secret, a certificate or a federated assertion.

Everything blocks and runs in a daemon thread. The MSAL application is built with the first token, because building it
already calls Entra. Nothing that Entra says in sentences reaches an error: they may name people.
Sources: MSAL 1.39, its behaviour against a local server, and Entra's error reference; seen 2026-11-21.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError
from openai_responses_common import Token

from .token_http import TokenClient, read_refusal

logging.getLogger("msal").setLevel(logging.WARNING)
# These write device codes and sign-in answers into the debug log: not even where somebody switches it on.
for _name in ("msal.token_cache", "msal.oauth2cli.authcode"):
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)

T = TypeVar("T")

SIGN_IN_AGAIN = "run `python -m amplifier_module_provider_azure_openai_v2 login`"

# Refusals that only a person can answer. AADSTS50076/50079/53003 come as interaction_required, 700082 as invalid_grant.
_NEEDS_A_PERSON = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})
_TENANT = re.compile(r"[A-Za-z0-9.-]+")
_APPLICATIONS_TENANTS = frozenset({"common", "organizations", "consumers"})


class Unavailable(Exception):
    """A way to a token is not there at all, which is no failure: the next one may be."""


class Flow(Protocol):
    """One way to a token."""

    @property
    def words(self) -> str:
        """What it is, with the names that identify it and nothing secret."""
        ...

    def token(self, scope: str, refused: str | None) -> Token:
        """Get a token, blocking; `refused` is one that the service would not take, if there was.

        Raises:
            Unavailable: this way does not exist here.
            LLMError: it exists and failed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Where an identity is known: the authority's scheme and host, and the tenant's id or domain."""

    authority: str
    name: str

    def __post_init__(self) -> None:
        if not _TENANT.fullmatch(self.name):
            raise ConfigurationError("setting 'tenant_id' takes the id or the domain of a tenant")

    @property
    def url(self) -> str:
        return f"{self.authority}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Application:
    """An application that signs in as itself.

    Attributes:
        kind: what it proves itself with, in words.
        proof: gives MSAL's `client_credential`; called once, when the application is built.
    """

    tenant: Tenant
    client_id: str
    kind: str
    proof: Callable[[], str | Mapping[str, Any]] = field(repr=False)

    def __post_init__(self) -> None:
        if self.tenant.name.lower() in _APPLICATIONS_TENANTS:
            raise ConfigurationError(
                f"setting 'tenant_id' is {self.tenant.name!r}: an application has a tenant of its own"
            )

    @property
    def words(self) -> str:
        return f"Entra application {self.client_id} of tenant {self.tenant.name} with {self.kind}"

    @cached_property
    def _client(self) -> TokenClient:
        return TokenClient(self.tenant.authority)

    @cached_property
    def _msal(self) -> Any:
        import msal

        return attempted(
            self._client,
            self.words,
            lambda: msal.ConfidentialClientApplication(
                self.client_id,
                client_credential=self.proof(),
                authority=self.tenant.url,
                instance_discovery=False,
                azure_region=False,  # MSAL_FORCE_REGION would lead to another host
                http_client=self._client,
            ),
        )

    def token(self, scope: str, refused: str | None) -> Token:
        """See `Flow.token`."""
        if refused:
            self._msal.remove_tokens_for_client()
        result = attempted(self._client, self.words, lambda: self._msal.acquire_token_for_client([scope]))
        return read_token(result, self.words)


def guarded(words: str, act: Callable[[], T]) -> T:
    """What an attempt at a token gives.

    Raises:
        LLMError: whatever else a sign-in library raises too, whose own words may hold secrets.
    """
    try:
        return act()
    except LLMError:
        raise
    except Unavailable as reason:
        problem = str(reason)
    except Exception as error:  # noqa: BLE001 - they raise anything
        problem = type(error).__name__
    raise AuthenticationError(f"no token of {words}: {problem}")


def attempted(client: TokenClient, words: str, act: Callable[[], Any]) -> Any:
    """What MSAL gives; its words for a tenant that nobody knows, and for a key that it cannot use, are ValueErrors."""
    client.refusal = None
    try:
        return act()
    except (ValueError, TypeError) as error:  # TypeError is a locked key without a password
        refusal, problem = client.refusal, type(error).__name__
    if refusal:
        raise AuthenticationError(f"{client.origins[0]} knows no such tenant: {refusal.words}, for {words}")
    raise ConfigurationError(
        f"MSAL cannot use the secret, the certificate, its password or what Entra said ({problem}), for {words}"
    )


def read_token(result: Mapping[str, Any] | None, words: str) -> Token:
    """The token of an MSAL result.

    Raises:
        AuthenticationError: Entra refused.
    """
    if result and "access_token" in result:
        return Token(value=str(result["access_token"]), expires_at_s=time.time() + float(result["expires_in"]))
    raise refused_error(result or {"error": "interaction_required"}, words)


def refused_error(result: Mapping[str, Any], words: str, again: str = SIGN_IN_AGAIN) -> AuthenticationError:
    """The error for a refusal; `again` is what a person does about it."""
    refusal = read_refusal(result)
    if refusal.error in _NEEDS_A_PERSON:
        return AuthenticationError(f"Entra wants a person to sign in: {refusal.words}, for {words}: {again}")
    hint = "a correction counts after a minute, since MSAL repeats a refusal for 60 s"
    return AuthenticationError(f"Entra refused: {refusal.words}, for {words}: check id, tenant and secret ({hint})")


def with_secret(tenant: Tenant, client_id: str, secret: str) -> Application:
    """An application that knows a secret."""
    return Application(tenant=tenant, client_id=client_id, kind="a client secret", proof=lambda: secret)


def with_certificate(tenant: Tenant, client_id: str, path: str, *, password: str | None, chain: bool) -> Application:
    """An application that owns a certificate: a PEM file with key and certificate, or a PFX file."""

    def proof() -> Mapping[str, Any]:
        phrase = {"passphrase": password} if password else {}
        content = _read(path, "client_certificate_path")
        if path.lower().endswith((".pfx", ".p12")):
            return {"private_key_pfx_path": path, **phrase, **({"public_certificate": True} if chain else {})}
        text = content.decode(errors="replace")
        return {"private_key": text, "public_certificate": text, **phrase}

    return Application(tenant=tenant, client_id=client_id, kind=f"the certificate {path}", proof=proof)


def with_assertion(tenant: Tenant, client_id: str, path: str) -> Application:
    """A workload whose platform writes signed assertions into a file, and renews them there."""

    def assertion() -> str:
        return _read(path, "federated_token_file").decode(errors="replace").strip()

    kind = f"the assertion in {path}"
    return Application(tenant=tenant, client_id=client_id, kind=kind, proof=lambda: {"client_assertion": assertion})


def _read(path: str, key: str) -> bytes:
    if not Path(path).is_absolute():
        raise ConfigurationError(f"setting {key!r} takes an absolute path, not {path!r}")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problem = type(error).__name__
    raise ConfigurationError(f"setting {key!r}: {path} cannot be read ({problem})")
