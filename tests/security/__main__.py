"""`python -m tests.security` prints the checklist as a table in Markdown."""

from __future__ import annotations

from tests.security.checklist import as_markdown

if __name__ == "__main__":
    print(as_markdown())
