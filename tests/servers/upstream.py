"""The services behind LiteLLM: one that speaks chat completions, as DeepSeek does, and the emulator."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from responses_emulator import Call, Emulator, Say, Think, openai_surface

from tests.servers.replies import ModelReply, choose_reply

_FRAGMENT = 7  # characters of text in one event
_WORDS_OF_LIMIT = 4  # characters that one token of the limit allows


@contextmanager
def serve_chat_completions() -> Iterator[str]:
    """Serve chat completions on loopback, and yield the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _ChatCompletions)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="chat completions", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serve_responses() -> Iterator[str]:
    """Serve the Responses API on loopback, and yield the base URL."""
    with Emulator(surfaces=(openai_surface(),), responder=_respond) as emulator:
        yield emulator.base_url


def _respond(context: Any) -> list[Any]:
    messages = [item for item in context.items if item.get("type", "message") == "message"]
    users = [item for item in messages if item["role"] == "user"]
    after = context.items[context.items.index(users[-1]) :]
    reply = choose_reply(
        _text(users[-1]["content"]),
        has_results=any(item.get("type") == "function_call_output" for item in after),
        texts=" ".join(_text(item["content"]) for item in messages if item["role"] != "assistant"),
    )
    calls = [Call(name, arguments) for name, arguments in reply.calls]
    return [Think([reply.thought]), *([Say(reply.text)] if reply.text else []), *calls]


class _ChatCompletions(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name of the base class)
        """Write nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reply = _choose_chat_reply(body["messages"])
        limit = body.get("max_tokens") or body.get("max_completion_tokens")
        text = reply.text[: limit * _WORDS_OF_LIMIT] if limit else reply.text
        reason = "tool_calls" if reply.calls else "stop" if text == reply.text else "length"
        counts = {"prompt_tokens": 40, "completion_tokens": limit if reason == "length" else 12}
        usage = {**counts, "total_tokens": sum(counts.values()), "completion_tokens_details": {"reasoning_tokens": 4}}
        if body.get("stream"):
            self._stream(body["model"], reply, text, reason, usage)
            return
        message: dict[str, Any] = {"role": "assistant", "content": text, "reasoning_content": reply.thought}
        if reply.calls:
            message["tool_calls"] = [_build_call(index, call) for index, call in enumerate(reply.calls)]
        choice = {"index": 0, "message": message, "finish_reason": reason}
        document = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
        self._send("application/json", json.dumps({**document, "choices": [choice], "usage": usage}).encode())

    def _stream(self, model: str, reply: ModelReply, text: str, reason: str, usage: dict[str, Any]) -> None:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"reasoning_content": piece} for piece in _cut(reply.thought)]
        deltas += [{"content": piece} for piece in _cut(text)]
        for index, call in enumerate(reply.calls):
            whole = _build_call(index, call)
            arguments = whole["function"]["arguments"]
            deltas.append({"tool_calls": [{**whole, "function": {**whole["function"], "arguments": ""}}]})
            pieces = [{"index": index, "function": {"arguments": piece}} for piece in _cut(arguments)]
            deltas += [{"tool_calls": [piece]} for piece in pieces]
        choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        choices.append([{"index": 0, "delta": {}, "finish_reason": reason}])
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
        chunks = [{**head, "choices": each} for each in choices]
        chunks.append({**head, "choices": [], "usage": usage})
        events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self._send("text/event-stream", "".join([*events, "data: [DONE]\n\n"]).encode())

    def _send(self, content_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _choose_chat_reply(messages: list[dict[str, Any]]) -> ModelReply:
    last_user = max(index for index, message in enumerate(messages) if message["role"] == "user")
    return choose_reply(
        _text(messages[last_user]["content"]),
        has_results=any(message["role"] == "tool" for message in messages[last_user:]),
        texts=" ".join(_text(message["content"]) for message in messages if message["role"] in ("system", "user")),
    )


def _build_call(index: int, call: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    name, arguments = call
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"index": index, "id": f"call_{name}_{index}", "type": "function", "function": function}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content or [] if "text" in part)


def _cut(text: str) -> list[str]:
    return [text[start : start + _FRAGMENT] for start in range(0, len(text), _FRAGMENT)]
