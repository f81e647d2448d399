"""The fixtures of the emulator's own tests are those that it offers to everybody."""

pytest_plugins = ["responses_emulator.pytest_plugin"]
