"""The three services in the process: the real profile of a module, and what its service would say of a body."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from openai_responses_common.facts.amendments import Amendments
from openai_responses_common.facts.backend_profile import BackendProfile
from openai_responses_common.facts.model_traits import find_traits
from openai_responses_common.failures.failure import Failure
from openai_responses_common.failures.learn import learn_amendments
from openai_responses_common.options.options import Options, read_call_options
from openai_responses_common.translate.encode import EncodedRequest, encode_request
from openai_responses_common.translate.encoding_cache import EncodingCache
from openai_responses_common.wire.json_values import dump_body
from responses_emulator.contract.create_request import validate
from responses_emulator.contract.refusal import Refusal
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.conversation.pairing_rules import check_conversation

from tests.generated.fuzz.outputs import Item, Seal, sealed_by
from tests.support.backends import ALL_BACKENDS, BackendUnderTest

ACCOUNT = "account"
ORIGIN = "here"


def strict_json(raw: bytes) -> Any:
    """JSON as a service reads it: what only Python takes for a number is refused."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(raw, parse_constant=refuse)


@dataclass(frozen=True, slots=True)
class Service:
    """One backend, without a socket."""

    row: BackendUnderTest
    profile: BackendProfile

    @property
    def seal(self) -> Seal:
        return sealed_by(ACCOUNT, self.row.surface().endpoint)

    def encode(
        self,
        request: Any,
        amendments: Amendments | None = None,
        *,
        origin: str = ORIGIN,
        cache: EncodingCache | None = None,
        **options: Any,
    ) -> EncodedRequest:
        """The body of a request, as the provider makes it."""
        chosen = read_call_options(Options(model=self.row.model), request, options, cache_key="session")
        return encode_request(
            request,
            chosen,
            profile=self.profile,
            traits=find_traits(chosen.model),
            amendments=amendments or Amendments(),
            origin=origin,
            cache=cache,
        )

    def refusal(self, body: Any, made: dict[int, list[Item]]) -> Refusal | None:
        """What the service finds wrong with a body, after it handed out what was made."""
        surface = self.row.surface()
        ledger = Ledger()
        for turn, output in made.items():
            ledger.record(f"resp_{turn}", output, account=ACCOUNT, stored=False)
        seen = strict_json(dump_body(body))
        try:
            validate(seen, surface.rules)
            check_conversation(copy.deepcopy(seen["input"]), ledger, account=ACCOUNT, endpoint=surface.endpoint)
        except Refusal as refusal:
            return refusal
        return None

    def attempts(self, request: Any, made: dict[int, list[Item]], **options: Any) -> tuple[int, Refusal | None]:
        """How often the engine would send the request until it is taken, and what stands against it at the end."""
        known, count = Amendments(), 1
        while True:
            encoded = self.encode(request, known, **options)
            if not encoded.body["input"]:
                return count, None  # the engine says so and sends nothing
            refusal = self.refusal(encoded.body, made)
            if refusal is None:
                return count, None
            failure = Failure(
                kind="status", status=refusal.status, message=refusal.message, code=refusal.code, param=refusal.param
            )
            lesson = learn_amendments(
                failure,
                encoded.body,
                known,
                required_fields=self.profile.required_fields,
                system_role=self.profile.system_role,
            )
            if lesson is None:
                return count, refusal
            known, count = lesson[0], count + 1


@functools.cache
def service(row_name: str) -> Service:
    """The service of a backend, with the profile that its module really uses."""
    row = next(row for row in ALL_BACKENDS if row.service == row_name)
    create: Callable[[dict[str, Any]], Any] = __import__(row.package, fromlist=["create"]).create
    provider = create(row.config("http://127.0.0.1:9", row.secret))
    return Service(row, provider._backend.profile)
