"""What the emulated Microsoft Entra tenant knows: its apps, keys, users and identities, and all that it gave out.

Invariants: safe for any thread; tokens are numbered in the order in which they were issued and carry the canary word of
the constructor, so that a leak is found by a search for that one word; nothing here speaks HTTP.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from responses_emulator.entra.records import (
    OPENAI_USER,
    READER,
    AccessToken,
    AuthorizationCode,
    DeviceCode,
    Endpoint,
    ManagedIdentity,
    RefreshToken,
    TokenRequest,
    base64url,
    encode_jwt_part,
)
from responses_emulator.entra.tokens import make_access_token, make_federated_token, make_id_token
from responses_emulator.script.replies import Disconnect, HttpReply
from responses_emulator.service.held_replies import HeldReplies


@dataclass(slots=True)
class _IssuedCredentials:
    """All that was given out."""

    access: dict[str, AccessToken] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    devices: dict[str, DeviceCode] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)


class Directory:
    """One tenant. Plain attributes are knobs, and may be set at any time.

    Attributes:
        canary: a word of letters and digits that every secret of the tenant contains.
        tenant, client_id, client_secret, user: what clients sign in with; public flows use the same client id.
        domain: another name of the tenant.
        expires_in, refresh_in: seconds, sent with every token; a `refresh_in` of None is not sent.
        delay_s: how long every answer to a request for a token takes.
        held_replies: the replies that a test holds by endpoint; see `hold`.
        expired_secrets: client secrets that are known and over.
        roles: role assignments that every principal of the tenant has.
        token_endpoint: what discovery names as such; None is the truth.
        device_expires_in, device_interval: seconds, sent with a device code.
        polls_until_approved: a device code is approved by itself after so many polls; None waits for `approve`.
        declines: the user at the browser says no.
        identities: managed identities; the one with `system` is what a request without a name gets.
    """

    def __init__(
        self,
        *,
        canary: str = "canary",
        tenant: str = "7c9f0d1e-0000-4000-8000-00000000a001",
        client_id: str = "11f0a2b3-0000-4000-8000-00000000c001",
        client_secret: str | None = None,
        user: str = "ada@contoso.example",
        expires_in: int = 3599,
        refresh_in: int | None = None,
        identities: Iterable[ManagedIdentity] = (),
    ) -> None:
        self.canary = canary
        self.tenant = tenant
        self.domain = "contoso.example"
        self.client_id = client_id
        self.client_secret = client_secret or f"{canary}~secret"
        self.user = user
        self.object_id = str(uuid.uuid5(uuid.NAMESPACE_URL, client_id))
        self.user_id = str(uuid.uuid5(uuid.NAMESPACE_URL, user))
        self.expires_in = expires_in
        self.refresh_in = refresh_in
        self.delay_s = 0.0
        self.held_replies = HeldReplies()
        self.expired_secrets: set[str] = set()
        self.roles: set[str] = {OPENAI_USER, READER}
        self.token_endpoint: str | None = None
        self.device_expires_in = 900
        # Entra says 5. Less than 1 would keep msal in a loop that looks at nothing.
        self.device_interval = 1
        self.polls_until_approved: int | None = None
        self.user_declines = False
        self.identities = list(identities) or [_system_identity()]
        self._lock = threading.RLock()
        self._issued = _IssuedCredentials()
        self._keys: dict[str, Any] = {}
        self._subjects: set[tuple[str, str]] = set()
        self._scripts: dict[str, deque[HttpReply | Disconnect | None]] = defaultdict(deque)
        self._requests: list[TokenRequest] = []

    def __repr__(self) -> str:
        return f"Directory(tenant={self.tenant!r})"

    # What a test says and reads.

    def hold(self, at: Endpoint = "token") -> None:
        """Hold the replies of an endpoint until `release`; the requests are recorded."""
        self.held_replies.hold(at)

    def release(self, at: Endpoint = "token") -> None:
        """Send the held replies of an endpoint."""
        self.held_replies.release(at)

    def script(self, *answers: HttpReply | Disconnect | None, at: Endpoint = "token") -> None:
        """Queue answers for the next requests of an endpoint; None lets one through."""
        with self._lock:
            self._scripts[at].extend(answers)

    def next_scripted_reply(self, at: Endpoint) -> HttpReply | Disconnect | None:
        """Take the next answer off the queue."""
        with self._lock:
            return self._scripts[at].popleft() if self._scripts[at] else None

    def record_request(
        self, where: str, tenant: str | None, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> None:
        """Remember one request."""
        request = TokenRequest(
            endpoint=where, tenant=tenant, form=dict(form), headers=dict(headers), at_s=time.monotonic()
        )
        with self._lock:
            self._requests.append(request)

    @property
    def requests(self) -> list[TokenRequest]:
        """Every request so far, of any kind."""
        with self._lock:
            return list(self._requests)

    def requests_to(self, where: str) -> list[TokenRequest]:
        """The requests of one kind: token, devicecode, authorize, imds, app_service, arc."""
        return [each for each in self.requests if each.endpoint == where]

    @property
    def token_forms(self) -> list[dict[str, str]]:
        """The forms that the token endpoint was sent."""
        return [each.form for each in self.requests_to("token")]

    @property
    def access_tokens(self) -> list[AccessToken]:
        """Every access token so far, oldest first."""
        with self._lock:
            return list(self._issued.access.values())

    def register_certificate(self, pem: bytes | str) -> None:
        """Let the app sign in with the key of this certificate."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        certificate = x509.load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)
        with self._lock:
            for kind in (hashes.SHA256(), hashes.SHA1()):
                self._keys[base64url(certificate.fingerprint(kind))] = certificate.public_key()

    def public_key(self, thumbprint: str) -> Any:
        """The registered public key of a thumbprint as assertions carry it, or None."""
        with self._lock:
            return self._keys.get(thumbprint.rstrip("="))

    def allow_federation(self, issuer: str, subject: str) -> None:
        """Let the app sign in with assertions of this issuer for this subject."""
        with self._lock:
            self._subjects.add((issuer, subject))

    def federated_subjects(self, issuer: str) -> set[str]:
        """The subjects of an issuer; empty for one that nobody registered."""
        with self._lock:
            return {subject for known, subject in self._subjects if known == issuer}

    def federated_token(self, **claims: Any) -> str:
        """An assertion of a cluster; see `make_federated_token`. `allow_federation` lets the app sign in with it."""
        return make_federated_token(self.canary, **claims)

    # Access tokens.

    def issue_access_token(
        self,
        audience: str,
        *,
        object_id: str | None = None,
        app_id: str | None = None,
        user: str | None = None,
        expires_in: int | None = None,
    ) -> AccessToken:
        """Return a new access token, for the app unless an argument names another owner."""
        app_id = app_id or self.client_id
        object_id = object_id or (self.user_id if user else self.object_id)
        with self._lock:
            number = len(self._issued.access) + 1
            text, expires_s = make_access_token(
                audience=audience,
                tenant=self.tenant,
                app_id=app_id,
                object_id=object_id,
                user=user,
                lifetime_s=self.expires_in if expires_in is None else expires_in,
                signature=f"{self.canary}-AT-{number}-",
            )
            issued = AccessToken(
                number=number,
                text=text,
                audience=audience,
                expires_s=expires_s,
                object_id=object_id,
                app_id=app_id,
                user=user,
            )
            self._issued.access[text] = issued
        return issued

    def find_access_token(self, token: str) -> AccessToken | None:
        """The token, unless it was never issued or was revoked."""
        with self._lock:
            return None if token in self._issued.revoked else self._issued.access.get(token)

    def revoke_access_tokens(self, token: str | None = None) -> None:
        """Forget one access token, or all of them: a request with a forgotten token is unknown from now on."""
        with self._lock:
            self._issued.revoked |= {token} if token else set(self._issued.access)

    # Refresh tokens.

    def new_refresh_token(self, user: str, client_id: str) -> str:
        """A new refresh token."""
        with self._lock:
            text = f"1.{self.canary}-RT-{len(self._issued.refresh) + 1}"
            self._issued.refresh[text] = RefreshToken(user=user, client_id=client_id, issued_s=time.time())
        return text

    def find_refresh_token(self, text: str) -> RefreshToken | None:
        """What a refresh token stands for."""
        with self._lock:
            return self._issued.refresh.get(text)

    @property
    def refresh_tokens(self) -> list[str]:
        with self._lock:
            return list(self._issued.refresh)

    def end_refresh_tokens(self, number: int = 700082) -> None:
        """Every refresh token so far is refused with this AADSTS number."""
        with self._lock:
            for each in self._issued.refresh.values():
                each.error_number = number

    # Device codes.

    def new_device_code(self, client_id: str, scope: str) -> DeviceCode:
        """A new device sign-in."""
        with self._lock:
            number = len(self._issued.devices) + 1
            device = DeviceCode(
                code=f"{self.canary}-DC-{number}-{secrets.token_hex(8)}",
                user_code=f"{self.canary[:4].upper():X<4}{number:05d}",
                client_id=client_id,
                scope=scope,
                expires_s=time.time() + self.device_expires_in,
            )
            self._issued.devices[device.code] = device
        return device

    def poll_device_code(self, code: str) -> DeviceCode | None:
        """A device code that is asked after; the answer to it is its `state`, which one poll uses up."""
        with self._lock:
            device = self._issued.devices.get(code)
            if device is None:
                return None
            device.poll_count += 1
            if device.state == "pending" and time.time() >= device.expires_s:
                device.state = "expired"
            if device.state == "pending" and self.polls_until_approved is not None:
                device.state = "approved" if device.poll_count > self.polls_until_approved else "pending"
            return device

    @property
    def device_codes(self) -> list[DeviceCode]:
        with self._lock:
            return list(self._issued.devices.values())

    def approve(self) -> None:
        """The user enters the code of every sign-in under way and agrees."""
        self._set_device_state("approved")

    def decline(self) -> None:
        """The user says no."""
        self._set_device_state("declined")

    def expire_devices(self) -> None:
        """The time of every sign-in under way is up."""
        self._set_device_state("expired")

    def _set_device_state(self, state: Literal["approved", "declined", "expired"]) -> None:
        with self._lock:
            for device in self._issued.devices.values():
                if device.state == "pending":
                    device.state = state

    # Authorization codes.

    def new_authorization_code(self, code: AuthorizationCode) -> str:
        """The text of a new authorization code."""
        with self._lock:
            text = f"{self.canary}-CODE-{len(self._issued.codes) + 1}-{secrets.token_hex(8)}"
            self._issued.codes[text] = code
        return text

    def find_authorization_code(self, text: str) -> AuthorizationCode | None:
        """What an authorization code stands for."""
        with self._lock:
            return self._issued.codes.get(text)

    # Managed identities.

    def find_identity(self, name: str | None, value: str | None) -> ManagedIdentity | None:
        """The identity that a selector names; without one, that of the machine itself."""
        for each in self.identities:
            ids = {"client_id": each.client_id, "object_id": each.object_id, "resource_id": each.resource_id}
            if each.system if name is None else _equal_ignoring_case(ids[name], value):
                return each
        return None

    def id_token(self, client_id: str, nonce: str | None) -> str:
        """An id token of the user."""
        return make_id_token(
            client_id=client_id,
            tenant=self.tenant,
            user=self.user,
            user_id=self.user_id,
            lifetime_s=self.expires_in,
            nonce=nonce,
        )

    def client_info(self) -> str:
        """Whose account a user's token is, as clients keep it."""
        return encode_jwt_part({"uid": self.user_id, "utid": self.tenant})


def _equal_ignoring_case(one: str, other: str | None) -> bool:
    return other is not None and one.lower() == other.lower()


def _system_identity() -> ManagedIdentity:
    return ManagedIdentity(
        client_id="5e000000-0000-4000-8000-0000000000c1",
        object_id="5e000000-0000-4000-8000-0000000000d1",
        resource_id="/subscriptions/0/resourceGroups/emulator/providers/Microsoft.Compute/virtualMachines/box",
        system=True,
    )
