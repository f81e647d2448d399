"""Gets documents of a service for the model list, without the engine, which hosts load with the first call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..options.options import Options
from ..transport.base import Document
from .backend import Backend


@dataclass(frozen=True, slots=True)
class DocumentFetch:
    """Implements `Fetch` with the transport and the options of a provider."""

    backend: Backend
    options: Options

    async def __call__(self, path: str) -> Any:
        return (await self.fetch_document(path)).body

    async def fetch_document(self, path: str, *, etag: str | None = None) -> Document:
        from ..engine.documents import fetch_document

        transport, profile = self.backend.transport, self.backend.profile
        return await fetch_document(transport, path, profile=profile, options=self.options, etag=etag)
