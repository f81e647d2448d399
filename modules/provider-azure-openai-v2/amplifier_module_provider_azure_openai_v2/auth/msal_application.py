"""Tokens from Microsoft Entra through MSAL: for an application with a secret, a certificate or a federated assertion.

Everything blocks and runs in a daemon thread. The MSAL application is built with the first token, because building it
already calls Entra. Nothing that Entra says in sentences reaches an error: they may name people.
Sources: MSAL 1.39, its behaviour against a local server, and Entra's error reference; seen 2026-11-21.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError
from openai_responses_common import Token

from ..settings import LOGIN_HINT
from .flow import Tenant
from .token_endpoint import TokenHttpClient, read_refusal

logging.getLogger("msal").setLevel(logging.WARNING)


# These write device codes and sign-in answers into the debug log: not even where somebody switches it on.
for _name in ("msal.token_cache", "msal.oauth2cli.authcode"):
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)


# Refusals that only a person can answer. AADSTS50076/50079/53003 come as interaction_required, 700082 as invalid_grant.
_INTERACTIVE_ERRORS = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})


_MULTI_TENANT_NAMES = frozenset({"common", "organizations", "consumers"})


@dataclass(frozen=True, kw_only=True)
class ConfidentialApplication:
    """An application that signs in as itself.

    Attributes:
        kind: what it proves itself with, in words.
        proof: gives MSAL's `client_credential`; called once, when the application is built.
    """

    tenant: Tenant
    client_id: str
    proof_description: str
    build_proof: Callable[[], str | Mapping[str, Any]] = field(repr=False)

    def __post_init__(self) -> None:
        if self.tenant.name.lower() in _MULTI_TENANT_NAMES:
            raise ConfigurationError(
                f"setting 'tenant_id' is {self.tenant.name!r}: an application has a tenant of its own"
            )

    @property
    def description(self) -> str:
        return f"Entra application {self.client_id} of tenant {self.tenant.name} with {self.proof_description}"

    @cached_property
    def _http_client(self) -> TokenHttpClient:
        return TokenHttpClient(self.tenant.authority)

    @cached_property
    def _msal_application(self) -> Any:
        import msal

        return call_msal(
            self._http_client,
            self.description,
            lambda: msal.ConfidentialClientApplication(
                self.client_id,
                client_credential=self.build_proof(),
                authority=self.tenant.url,
                instance_discovery=False,
                azure_region=False,  # MSAL_FORCE_REGION would lead to another host
                http_client=self._http_client,
            ),
        )

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.token`."""
        if refused_token:
            self._msal_application.remove_tokens_for_client()
        result = call_msal(
            self._http_client, self.description, lambda: self._msal_application.acquire_token_for_client([scope])
        )
        return read_token(result, self.description)


def call_msal(client: TokenHttpClient, description: str, action: Callable[[], Any]) -> Any:
    """What MSAL gives; its words for a tenant that nobody knows, and for a key that it cannot use, are ValueErrors."""
    client.last_refusal = None
    try:
        return action()
    except (ValueError, TypeError) as error:  # TypeError is a locked key without a password
        refusal, problem = client.last_refusal, type(error).__name__
    if refusal:
        raise AuthenticationError(
            f"{client.allowed_origins[0]} knows no such tenant: {refusal.description}, for {description}"
        )
    raise ConfigurationError(
        f"MSAL cannot use the secret, the certificate, its password or what Entra said ({problem}), for {description}"
    )


def read_token(result: Mapping[str, Any] | None, description: str) -> Token:
    """The token of an MSAL result.

    Raises:
        AuthenticationError: Entra refused.
    """
    if result and "access_token" in result:
        return Token(value=str(result["access_token"]), expires_at_s=time.time() + float(result["expires_in"]))
    raise build_refusal_error(result or {"error": "interaction_required"}, description)


def build_refusal_error(result: Mapping[str, Any], description: str, remedy: str = LOGIN_HINT) -> AuthenticationError:
    """The error for a refusal; `again` is what a person does about it."""
    refusal = read_refusal(result)
    if refusal.error in _INTERACTIVE_ERRORS:
        return AuthenticationError(
            f"Entra wants a person to sign in: {refusal.description}, for {description}: {remedy}"
        )
    hint = "a correction counts after a minute, since MSAL repeats a refusal for 60 s"
    return AuthenticationError(
        f"Entra refused: {refusal.description}, for {description}: check id, tenant and secret ({hint})"
    )


def build_secret_application(tenant: Tenant, client_id: str, secret: str) -> ConfidentialApplication:
    """An application that knows a secret."""
    return ConfidentialApplication(
        tenant=tenant, client_id=client_id, proof_description="a client secret", build_proof=lambda: secret
    )


def build_certificate_application(
    tenant: Tenant, client_id: str, path: str, *, password: str | None, send_chain: bool
) -> ConfidentialApplication:
    """An application that owns a certificate: a PEM file with key and certificate, or a PFX file."""

    def proof() -> Mapping[str, Any]:
        phrase = {"passphrase": password} if password else {}
        content = _read_file(path, "client_certificate_path")
        if path.lower().endswith((".pfx", ".p12")):
            return {"private_key_pfx_path": path, **phrase, **({"public_certificate": True} if send_chain else {})}
        text = content.decode(errors="replace")
        return {"private_key": text, "public_certificate": text, **phrase}

    return ConfidentialApplication(
        tenant=tenant, client_id=client_id, proof_description=f"the certificate {path}", build_proof=proof
    )


def build_assertion_application(tenant: Tenant, client_id: str, path: str) -> ConfidentialApplication:
    """A workload whose platform writes signed assertions into a file, and renews them there."""

    def assertion() -> str:
        return _read_file(path, "federated_token_file").decode(errors="replace").strip()

    kind = f"the assertion in {path}"
    return ConfidentialApplication(
        tenant=tenant, client_id=client_id, proof_description=kind, build_proof=lambda: {"client_assertion": assertion}
    )


def _read_file(path: str, setting_key: str) -> bytes:
    if not Path(path).is_absolute():
        raise ConfigurationError(f"setting {setting_key!r} takes an absolute path, not {path!r}")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problem = type(error).__name__
    raise ConfigurationError(f"setting {setting_key!r}: {path} cannot be read ({problem})")
