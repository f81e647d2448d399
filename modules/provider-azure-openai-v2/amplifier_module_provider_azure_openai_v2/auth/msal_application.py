"""Tokens for an Entra application through MSAL: with a secret, a certificate or a federated token.

Everything blocks and runs in a daemon thread. A new MSAL application requests each token, so a certificate that was
replaced counts at once, and no earlier refusal does. The sentences that Entra sends never reach an error, because they
may name people.
Sources: MSAL 1.39, its behaviour against a local server, and Entra's error reference; seen 2026-11-21.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amplifier_core.llm_errors import AuthenticationError, ConfigurationError, LLMError, ProviderUnavailableError
from openai_responses_common import Token

from ..installation import importing
from ..settings import LOGIN_HINT
from .flow import Tenant
from .token_endpoint import TokenHttpClient, read_refusal

logging.getLogger("msal").setLevel(logging.WARNING)
# These write device codes and token responses at level DEBUG. The filter holds even if a user enables that level.
for _name in ("msal.token_cache", "msal.oauth2cli.authcode"):
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.WARNING)

# What to do about single refusals. Source: Entra's reference of AADSTS codes and issue threads, seen 2026-11-30.
_REMEDY_BY_CODE: Mapping[str, str] = {
    "AADSTS7000218": "in the app registration, under Authentication, switch on 'Allow public client flows'",
    "AADSTS65001": "nobody has consented to the permissions of the application: let an administrator of the tenant "
    "grant consent, under API permissions of the app registration",
    "AADSTS500011": "this tenant does not know the service: set tenant_id to the tenant of the Azure OpenAI resource",
}
_TRANSIENT_CODES = frozenset({"AADSTS90033"})

# Refusals that need a user. AADSTS50076/50079/53003 come as interaction_required, 700082 as invalid_grant.
_INTERACTIVE_ERRORS = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})

_APPLICATION_CHECKS = "id, tenant and secret"
_MULTI_TENANT_NAMES = frozenset({"common", "organizations", "consumers"})


@dataclass(frozen=True, kw_only=True)
class ConfidentialApplication:
    """An application that signs in as itself.

    Attributes:
        tenant: the tenant of the application.
        client_id: the client id of the application.
        proof_description: what it proves its identity with, in words.
        build_proof: returns MSAL's `client_credential`; called for each token.
    """

    tenant: Tenant
    client_id: str
    proof_description: str
    build_proof: Callable[[], str | Mapping[str, Any]] = field(repr=False)

    def __post_init__(self) -> None:
        if self.tenant.name.lower() in _MULTI_TENANT_NAMES:
            raise ConfigurationError(
                f"setting 'tenant_id' is {self.tenant.name!r}, but an application needs the id or the domain of one "
                "tenant"
            )

    @property
    def description(self) -> str:
        """See `Flow.description`."""
        return f"Entra application {self.client_id} of tenant {self.tenant.name} with {self.proof_description}"

    def get_token(self, scope: str, refused_token: str | None) -> Token:
        """See `Flow.get_token`."""
        client = TokenHttpClient(self.tenant.authority)
        result = call_msal(client, self.description, lambda: self._acquire_token(client, scope))
        return read_token(result, self.description)

    def _acquire_token(self, client: TokenHttpClient, scope: str) -> Mapping[str, Any]:
        with importing():
            import msal

        application: Any = msal.ConfidentialClientApplication(
            self.client_id,
            client_credential=self.build_proof(),
            authority=self.tenant.url,
            instance_discovery=False,
            azure_region=False,  # MSAL_FORCE_REGION would lead to another host
            http_client=client,
        )
        return application.acquire_token_for_client([scope])


def build_secret_application(tenant: Tenant, client_id: str, secret: str) -> ConfidentialApplication:
    """Build an application that has a client secret."""
    return ConfidentialApplication(
        tenant=tenant, client_id=client_id, proof_description="a client secret", build_proof=lambda: secret
    )


def build_certificate_application(
    tenant: Tenant, client_id: str, path: str, *, password: str | None, send_chain: bool
) -> ConfidentialApplication:
    """Build an application that has a certificate: a PEM file with key and certificate, or a PFX file.

    The file is read for each token. With a certificate instead of its thumbprint, MSAL would always send the chain.
    """

    def proof() -> Mapping[str, Any]:
        with importing():
            from cryptography.hazmat.primitives.hashes import SHA1
            from cryptography.x509 import load_pem_x509_certificate

        passphrase = {"passphrase": password} if password else {}
        content = _read_file(path, "client_certificate_path")
        if path.lower().endswith((".pfx", ".p12")):
            return {"private_key_pfx_path": path, **passphrase, **({"public_certificate": True} if send_chain else {})}
        text = content.decode(errors="replace")
        thumbprint = load_pem_x509_certificate(content).fingerprint(SHA1()).hex()
        chain = {"public_certificate": "".join(text.splitlines())} if send_chain else {}
        return {"private_key": text, "thumbprint": thumbprint, **passphrase, **chain}

    return ConfidentialApplication(
        tenant=tenant, client_id=client_id, proof_description=f"the certificate {path}", build_proof=proof
    )


def build_assertion_application(tenant: Tenant, client_id: str, path: str) -> ConfidentialApplication:
    """Build an application of a workload, whose platform writes signed tokens into a file and refreshes them there."""

    def assertion() -> str:
        return _read_file(path, "federated_token_file").decode(errors="replace").strip()

    return ConfidentialApplication(
        tenant=tenant,
        client_id=client_id,
        proof_description=f"the federated token in {path}",
        build_proof=lambda: {"client_assertion": assertion},
    )


def _read_file(path: str, setting_key: str) -> bytes:
    if not Path(path).is_absolute():
        raise ConfigurationError(f"setting {setting_key!r} takes an absolute path, not {path!r}")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problem = type(error).__name__
    raise ConfigurationError(f"setting {setting_key!r}: {path} cannot be read ({problem})")


def call_msal(client: TokenHttpClient, description: str, action: Callable[[], Any]) -> Any:
    """Return what MSAL returns.

    MSAL raises ValueError for a tenant that does not exist and for a key that it cannot use, and TypeError for an
    encrypted key without a password. Both become kernel errors.
    """
    client.last_refusal = None
    try:
        return action()
    except (ValueError, TypeError) as error:
        refusal, problem = client.last_refusal, type(error).__name__
    if refusal:
        raise AuthenticationError(
            f"{client.allowed_origins[0]} does not know this tenant: {refusal.description}, for {description}"
        )
    raise ConfigurationError(
        f"MSAL cannot use the secret, the certificate, its password or Entra's response ({problem}), for {description}"
    )


def read_token(result: Mapping[str, Any] | None, description: str, *, checks: str = _APPLICATION_CHECKS) -> Token:
    """The token of an MSAL result.

    Args:
        result: of MSAL. None if MSAL has no token for the user.
        description: of the identity.
        checks: the settings that a refusal may be due to; those of an application with a secret by default.

    Raises:
        AuthenticationError: Entra refused.
        ProviderUnavailableError: Entra could not answer.
    """
    if result and "access_token" in result:
        return Token(value=str(result["access_token"]), expires_at_s=time.time() + float(result["expires_in"]))
    raise build_refusal_error(result or {"error": "interaction_required"}, description, checks=checks)


def build_refusal_error(
    result: Mapping[str, Any], description: str, remedy: str = LOGIN_HINT, *, checks: str = _APPLICATION_CHECKS
) -> LLMError:
    """Build the error for a refusal.

    Args:
        result: of MSAL.
        description: of the identity.
        remedy: what a user does if a new sign-in is needed; the command for it by default.
        checks: as for `read_token`.
    """
    refusal = read_refusal(result)
    if refusal.aadsts_code in _TRANSIENT_CODES:
        return ProviderUnavailableError(f"Entra cannot answer at present: {refusal.description}, for {description}")
    if known_remedy := _REMEDY_BY_CODE.get(refusal.aadsts_code or ""):
        return AuthenticationError(f"Entra refused: {refusal.description}, for {description}: {known_remedy}")
    if refusal.error in _INTERACTIVE_ERRORS:
        return AuthenticationError(
            f"Entra requires a user to sign in: {refusal.description}, for {description}: {remedy}"
        )
    return AuthenticationError(f"Entra refused: {refusal.description}, for {description}: check {checks}")
