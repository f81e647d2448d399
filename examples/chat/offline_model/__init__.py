"""The model of the chat without an account: it responds by simple rules, and calls the tools that it is offered."""

from examples.chat.offline_model.respond import respond as respond
