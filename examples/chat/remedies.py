"""The remedies of errors, as they apply in the chat.

The library names settings, where the chat has options and commands.
"""

from __future__ import annotations

from collections.abc import Mapping


def find_remedies(*, address_name: str, in_conversation: bool) -> Mapping[str, str]:
    """Return what the chat says instead of each phrase of the library, which is a regular expression.

    Args:
        address_name: where the user has set the address of the service.
        in_conversation: commands are available. If not, the chat answers a single question.
    """
    model = "with /model, which lists them" if in_conversation else "with --model"
    return {
        "choose a model that the service lists": f"choose another {model}",
        "set default_model": f"choose one {model}",
        "setting 'base_url'": address_name,
        "check base_url": f"check {address_name}",
        "set \\w+ in the provider's config, or ": "set ",
        "run `[^`]* login`": "start the chat with --account chatgpt",
    }
