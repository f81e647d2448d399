"""What belongs to one account, service or person is sent to no other, whatever the environment holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amplifier_core.llm_errors import AuthenticationError
from responses_emulator import Emulator, ReplyHeaders, Say, Turn

from tests.support.backends import BACKENDS, BackendUnderTest
from tests.support.kernels import Kernel
from tests.support.session import OpenSession, Session

pytestmark = pytest.mark.promise("other accounts in the environment, `.netrc` or cookies are not sent", area="security")

CANARY = "crosstalk7"
# Secrets and names of accounts, by the service that they belong to; `*` is nobody's of these.
VARIABLES = {
    "openai-v2": {
        "OPENAI_API_KEY": f"sk-{CANARY}",
        "OPENAI_ADMIN_KEY": f"sk-admin-{CANARY}",
        "OPENAI_ORG_ID": f"org-{CANARY}",
        "OPENAI_PROJECT_ID": f"proj-{CANARY}",
        "OPENAI_WEBHOOK_SECRET": f"whsec-{CANARY}",
        "OPENAI_CUSTOM_HEADERS": f"X-A: {CANARY}\nAuthorization: {CANARY}\napi-key: {CANARY}\nCookie: {CANARY}",
    },
    "azure-openai-v2": {
        "AZURE_OPENAI_API_KEY": f"az-{CANARY}",
        "AZURE_OPENAI_KEY": f"az-{CANARY}",
        "AZURE_OPENAI_AD_TOKEN": f"ad-{CANARY}",
        "AZURE_TENANT_ID": f"tenant-{CANARY}.example",
        "AZURE_CLIENT_ID": f"client-{CANARY}",
        "AZURE_CLIENT_SECRET": f"secret-{CANARY}",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": f"password-{CANARY}",
        "OPENAI_API_VERSION": f"{CANARY}-preview",
        "IDENTITY_HEADER": f"identity-{CANARY}",
        "MSI_SECRET": f"msi-{CANARY}",
    },
    "chatgpt-oauth": {"CHATGPT_OAUTH_ACCOUNT": CANARY, "CODEX_API_KEY": CANARY, "CODEX_ACCESS_TOKEN": CANARY},
    "*": {"ANTHROPIC_API_KEY": CANARY, "GITHUB_TOKEN": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY, "HF_TOKEN": CANARY},
}
ADDRESSES = {
    "openai-v2": ("OPENAI_BASE_URL",),
    "azure-openai-v2": ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL", "AZURE_AUTHORITY_HOST", "IDENTITY_ENDPOINT"),
    "chatgpt-oauth": ("CHATGPT_OAUTH_BASE_URL", "CHATGPT_OAUTH_ISSUER"),
}


@pytest.fixture
def crowded(
    backend: BackendUnderTest, stranger: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> BackendUnderTest:
    """A backend in an environment that is full of everybody else's accounts; their addresses lead to a stranger."""
    for owner, variables in VARIABLES.items():
        if owner != backend.name:
            for name, value in variables.items():
                monkeypatch.setenv(name, value)
            for name in ADDRESSES.get(owner, ()):
                monkeypatch.setenv(name, stranger.origin)
    netrc = tmp_path / "netrc"
    netrc.write_text(f"default login {CANARY} password {CANARY}\nmachine 127.0.0.1 login {CANARY} password {CANARY}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    return backend


async def test_nothing_of_other_accounts_is_sent(crowded: BackendUnderTest, open_session: OpenSession) -> None:
    """Calls and lists carry the account that was configured, and no word of any other."""
    session = await open_session()
    await session.ask("hello")
    await session.provider.list_models()
    requests = session.emulator.requests
    assert len(requests) >= 2
    for request in requests:
        assert CANARY not in f"{request.path}?{request.query} {request.headers} {request.raw_body.decode()}"
        assert crowded.secret in str(request.headers)
        assert not {"openai-organization", "openai-project", "cookie"} & set(request.headers)


async def test_other_accounts_do_not_stand_in(crowded: BackendUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an account of its own a module has none: nobody else's key or token is tried."""
    for name in VARIABLES[crowded.name]:
        monkeypatch.delenv(name, raising=False)
    with crowded.emulator() as running:
        settings = {"base_url": running.base_url.replace("127.0.0.1", "localhost")} if crowded.catalogue else {}
        session = await Session(crowded, running).mount({**settings, "max_retries": 0})
        with pytest.raises(AuthenticationError) as caught:
            await session.ask("hello")
        assert CANARY not in str(caught.value)
        assert running.requests == []
        await session.cleanup()


async def test_cookies_of_one_service_go_to_no_other(backend: BackendUnderTest) -> None:
    """A service that sets cookies for everybody gets its own back at most."""
    everywhere = {"set-cookie": f"id={CANARY}; Domain=localhost; Path=/"}
    with backend.emulator() as one, backend.emulator() as other:
        for running in (one, other):
            running.script(Turn(Say("x"), ReplyHeaders(everywhere if running is one else {})))
            session = await Session(backend, running).mount(backend.settings(running))
            await session.ask("hello")
            await session.cleanup()
        assert CANARY not in str([request.headers for request in other.requests])


@pytest.mark.promise("a session and its sub-agent share one refresh", area="security")
async def test_a_sub_agent_shares_the_sign_in_of_its_parent(tmp_path: Path) -> None:
    """One source of tokens for an identity, however many sessions use it; else each would renew for itself."""
    row = next(row for row in BACKENDS if row.catalogue)
    with row.emulator() as running:
        config = row.settings(running)
        parent = await Kernel([{"module": row.module, "config": config}]).start()
        child = await Kernel([{"module": row.module, "config": config}], parent=parent).start()
        sources = []
        for kernel in (parent, child):
            await kernel.session.execute("hello")
            credential: Any = kernel.providers[row.name]._backend.transport.http.endpoint.credential
            sources.append(credential._account.source)
        assert sources[0] is sources[1]
        await child.session.cleanup()
        assert (await parent.session.execute("are you there?")) != ""
        await parent.session.cleanup()
