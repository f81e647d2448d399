"""What a reviewer of security would try, as a table: each item, and for each module the tests that answer it.

A test is a file, or a test in a file. Where an item makes no sense for a module, its row says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.backends import BACKENDS

MODULES = tuple(row.name for row in BACKENDS)
OPENAI, AZURE, CHATGPT = MODULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to try.

    Attributes:
        words: what is tried, and what must not come of it.
        every: tests that do it for all three modules.
        tests: further ones, by module.
        without: why a module has none.
    """

    words: str
    every: tuple[str, ...] = ()
    tests: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    without: Mapping[str, str] = field(default_factory=dict[str, str])

    def proofs(self, module: str) -> tuple[str, ...]:
        """The tests for a module."""
        return (*self.every, *self.tests.get(module, ()))


_KEY = "an API key is not got, renewed or kept by us"
_AZURE_ONLY = {OPENAI: "there is no identity service and no Azure CLI", CHATGPT: "there is no such way to its tokens"}

CHECKLIST = (
    Item(
        words="a secret in logs at DEBUG, standard output and error, events, metadata, the history, errors with their "
        "chains, or reprs, in every flow and every failure",
        every=(
            "security/test_canaries.py",
            "security/test_logs.py",
            "security/test_copies.py",
            "security/test_headers.py",
            "behaviour/test_secrets.py",
            "test_token_source.py::test_tokens_are_scrubbed_and_shown_nowhere",
            "test_redact.py::test_no_secret_gets_out_at_any_depth",
        ),
        tests={AZURE: ("azure/test_canary.py",), CHATGPT: ("chatgpt/test_secrets.py",)},
    ),
    Item(
        words="redirects of every kind, for calls, lists, sign-ins, renewals and discovery, to a second server",
        every=(
            "security/test_redirects.py::test_a_call_is_redirected_nowhere",
            "security/test_redirects.py::test_a_list_of_models_is_redirected_nowhere",
            "behaviour/test_retries.py::test_a_redirect_is_never_followed",
        ),
        tests={
            AZURE: (
                "azure/test_isolation.py::test_the_resource_redirects_nobody",
                "azure/test_isolation.py::test_entra_redirects_nobody",
                "azure/test_isolation.py::test_a_sign_in_is_redirected_nowhere",
                "azure/test_isolation.py::test_a_metadata_service_redirects_nobody",
                "azure/test_models.py::test_the_manager_redirects_nobody",
            ),
            CHATGPT: ("security/test_redirects.py", "chatgpt/test_renewing.py::test_redirects_are_not_followed"),
        },
    ),
    Item(
        words="a discovery document or a next page that names another host",
        tests={
            AZURE: (
                "azure/test_isolation.py::test_a_forged_token_endpoint_gets_nothing",
                "azure/test_isolation.py::test_a_token_endpoint_without_tls_gets_nothing",
                "azure/test_models.py::test_a_page_of_another_host_is_not_followed",
            )
        },
        without={
            OPENAI: "nothing that is answered names a place for a further request",
            CHATGPT: "the places of the sign-in are written in the code; no discovery document is read",
        },
    ),
    Item(
        words="addresses without TLS, look-alikes, user names, line breaks and other tricks in every setting that says "
        "where a credential goes",
        every=(
            "security/test_endpoints.py",
            "behaviour/test_mounting.py::test_a_bad_address_is_told_by_the_first_call",
        ),
        tests={
            AZURE: (
                "azure/test_endpoint.py",
                "azure/test_auto.py::test_no_token_goes_to_a_host_that_is_not_azures",
                "azure/test_isolation.py::test_an_authority_without_tls_is_refused",
            ),
            CHATGPT: ("chatgpt/test_accounts.py::test_tokens_go_to_known_hosts_only",),
        },
    ),
    Item(
        words="self-signed, foreign, expired and untrusted certificates",
        every=(
            "faults/test_tls.py",
            "security/test_certificates.py::test_nothing_switches_the_checking_off",
            "security/test_certificates.py::test_no_setting_is_called_like_such_a_switch",
        ),
        tests={
            AZURE: (
                "azure/test_isolation.py::test_a_resource_that_cannot_be_trusted_gets_nothing",
                "azure/test_token_failures.py::test_an_entra_that_cannot_be_trusted",
            ),
            CHATGPT: ("security/test_certificates.py",),
        },
    ),
    Item(
        words="attacks on the token store: umask 0, links planted for file, temporary file, lock, note and folder, "
        "hard links, pipes, other owners and modes",
        tests=dict.fromkeys(
            (AZURE, CHATGPT), ("security/test_store_attacks.py", "token_store/test_file_store.py", "test_file_lock.py")
        ),
        without={OPENAI: _KEY},
    ),
    Item(
        words="processes that renew one rotating token at once, some killed between exchange and saving",
        tests={
            AZURE: (
                "azure/test_auth_modes.py::test_two_processes_of_one_person",
                "token_store/test_processes.py::test_eight_processes_spend_each_value_once_though_some_are_killed_under_the_lock",
            ),
            CHATGPT: (
                "chatgpt/test_processes.py",
                "token_store/test_processes.py::test_eight_processes_spend_each_value_once_though_some_are_killed_under_the_lock",
            ),
        },
        without={OPENAI: _KEY},
    ),
    Item(
        words="keyrings that are locked, hang, keep nothing, keep plain text or are set up wrongly",
        tests=dict.fromkeys((AZURE, CHATGPT), ("test_keyring_store.py", "keyring/test_secret_service.py")),
        without={OPENAI: _KEY},
    ),
    Item(
        words="cancelling a renewal, two event loops, a loop that ended, an exit with a hanging keyring or service",
        every=("behaviour/test_concurrency.py", "behaviour/test_cancellation.py", "test_token_source.py"),
        tests={
            AZURE: (
                "azure/test_outage.py::test_two_event_loops_share_a_token",
                "azure/test_outage.py::test_a_hung_entra_does_not_hold_up_the_exit",
                "azure/test_outage.py::test_a_hung_command_line_ends_with_the_process",
                "test_daemon.py",
            ),
            CHATGPT: (
                "chatgpt/test_renewing.py::test_a_call_that_is_cancelled_loses_no_renewal",
                "chatgpt/test_renewing.py::test_two_loops_and_threads_share_it",
                "test_daemon.py",
            ),
        },
    ),
    Item(
        words="a token service that fails, limits or hangs at the start, near the end of a token or after it; a clock "
        "that jumps",
        tests={
            AZURE: (
                "azure/test_outage.py",
                "azure/test_token_failures.py::test_trouble_with_entra",
                "azure/test_token_failures.py::test_an_entra_that_hangs",
                "test_token_source.py::test_a_clock_that_jumps_costs_a_fetch_and_no_more",
            ),
            CHATGPT: (
                "chatgpt/test_renewing.py::test_what_may_pass_is_tried_again",
                "chatgpt/test_renewing.py::test_an_outage_of_the_sign_in_leaves_a_token_that_lives_in_use",
                "test_token_source.py::test_a_clock_that_jumps_costs_a_fetch_and_no_more",
            ),
        },
        without={OPENAI: _KEY},
    ),
    Item(
        words="a metadata service behind a proxy, silent, refusing, in trouble, or answering for another identity",
        tests={
            AZURE: (
                "azure/test_token_failures.py::test_no_proxy_sees_the_machines_own_services",
                "azure/test_token_failures.py::test_a_silent_metadata_service",
                "azure/test_token_failures.py::test_what_a_metadata_service_says",
                "azure/test_token_failures.py::test_a_metadata_service_that_recovers",
                "azure/test_token_failures.py::test_a_token_of_another_identity_is_not_used",
            )
        },
        without=_AZURE_ONLY,
    ),
    Item(
        words="an Azure CLI that prints a token and fails, and a tenant that would be a command",
        tests={
            AZURE: (
                "azure/test_token_failures.py::test_a_command_line_in_trouble",
                "azure/test_token_failures.py::test_a_tenant_that_is_no_word_never_reaches_a_command_line",
                "azure/test_canary.py::test_not_where_no_token_can_be_had",
            )
        },
        without=_AZURE_ONLY,
    ),
    Item(
        words="accounts of others in the environment, in `.netrc` or in cookies",
        every=("security/test_crosstalk.py",),
        tests={AZURE: ("azure/test_isolation.py::test_nothing_of_an_openai_account_is_sent",)},
    ),
    Item(
        words="a session and its sub-agent that would each renew for themselves",
        tests={
            AZURE: (
                "azure/test_outage.py::test_all_providers_of_one_identity_share_its_tokens",
                "azure/test_outage.py::test_another_identity_has_its_own",
            ),
            CHATGPT: ("security/test_crosstalk.py::test_a_sub_agent_shares_the_sign_in_of_its_parent",),
        },
        without={OPENAI: _KEY},
    ),
    Item(
        words="keys, paths of a machine and files that do not belong in a release; workflows with more rights than "
        "they need",
        every=(
            "install/test_release.py::test_a_package_is_complete_and_holds_nothing_else",
            "security/test_workflows.py",
        ),
    ),
    Item(
        words="secrets with a line break or another character that no header takes, which errors would quote",
        every=("security/test_headers.py",),
        tests={CHATGPT: ("chatgpt/test_renewing.py::test_a_token_that_no_header_could_carry",)},
    ),
    Item(
        words="copies and pickles of what holds a secret, and secrets of the wrong type in settings",
        every=("security/test_copies.py",),
        tests={AZURE: ("azure/test_canary.py::test_nothing_with_a_secret_in_it_is_pickled_or_copied",)},
    ),
    Item(
        words="a proxy whose address holds a password",
        every=("security/test_proxies.py",),
    ),
    Item(
        words="words of a conversation in logs, and hostile headers",
        every=("security/test_logs.py",),
    ),
    Item(
        words="a project's file that leads a command, with the user's credentials, to a stranger",
        every=("security/test_project_files.py",),
    ),
)


def as_markdown() -> str:
    """The checklist as a table."""
    lines = [f"| tried | {' | '.join(MODULES)} |", "|---|" + "---|" * len(MODULES)]
    for number, item in enumerate(CHECKLIST, 1):
        cells = [
            "<br>".join(f"`{proof}`" for proof in item.proofs(module)) or item.without[module] for module in MODULES
        ]
        lines.append(f"| {number}. {item.words} | {' | '.join(cells)} |")
    return "\n".join(lines)
