"""Tests for authors of backends: a fake transport, and contracts that a credential, transport or store has to keep.

A contract is a class of tests. Inherit it, say how to build the object, and run pytest; no plugin is needed::

    from openai_responses_common.testing.credential_contract import CredentialContract

    class TestMyCredential(CredentialContract):
        secret = "token-1"

        def build(self) -> Credential:
            return MyCredential(token=self.secret)

The fake transport replaces a service::

    from openai_responses_common.testing.fake_transport import FakeTransport, build_text_reply

    transport = FakeTransport(build_text_reply("hello"), Failure(kind="status", status=500, message="no"))
    ...
    assert transport.requests[0].body["model"] == "gpt-5.6-sol"
"""
