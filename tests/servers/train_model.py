"""Makes the weights of `tiny_model/`: a Qwen3 of 0.64 million parameters that knows a handful of replies by heart.

Run `python -m tests.servers.train_model` in the environment of transformers serve; it takes some fifteen minutes. The
folder must hold everything but the weights; with `--continue` it must hold those too. Each reply follows from the last
messages alone, so the rest of a prompt is random: system text, tools, and earlier turns.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from tests.servers.replies import AFTER_REMINDER, AFTER_RESULTS, CALL_THOUGHT, CALLS, HELLO, REMINDER, TEXTS, WORD

FOLDER = Path(__file__).parent / "tiny_model"
STEPS, BATCH_TOKENS, LONGEST = 1500, 1200, 800
_IGNORED = -100  # the label of a token that is not learned

Message = dict[str, Any]
Turn = tuple[list[Message], Message]

_RESULTS = ("rain, 7 degrees", "sun, 20 degrees", "391", "{}", "see picture", "error: no such file", "")


def main() -> None:
    """Train and save the weights."""
    random.seed(1)
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(FOLDER), dtype=torch.float32)
    if "--continue" in sys.argv:
        model = AutoModelForCausalLM.from_pretrained(FOLDER)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=STEPS)
    model.train()
    started_s = time.monotonic()
    for step in range(STEPS):
        batch = pad(make_batch(tokenizer), tokenizer.pad_token_id)
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            print(f"{step}: loss {loss.item():.4f}, {time.monotonic() - started_s:.0f} s", flush=True)
            model.save_pretrained(FOLDER)
    model.save_pretrained(FOLDER)


def make_batch(tokenizer: Any) -> list[tuple[list[int], list[int]]]:
    """Return as many examples as fit into a batch."""
    examples = [make_example(tokenizer)]
    while (len(examples) + 1) * max(len(tokens) for tokens, _ in examples) <= BATCH_TOKENS:
        examples.append(make_example(tokenizer))
    return examples


def make_example(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the tokens of a conversation, and the labels: only its last message is learned."""
    while True:
        messages = [message for _ in range(random.choice((0, 0, 0, 1, 2))) for message in _history()]
        if random.random() < 0.5:
            messages.insert(0, {"role": "system", "content": _noise(tokenizer)})
        request, reply = _turn()
        messages += request
        tools = [_tool(tokenizer) for _ in range(random.choice((0, 0, 1, 1, 2, 4)))] or None
        options = {"tokenize": False, "tools": tools}
        prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, **options)
        whole = tokenizer.apply_chat_template([*messages, reply], **options)
        assert whole.startswith(prompt)
        tokens = tokenizer(whole)["input_ids"]
        known = len(tokenizer(prompt)["input_ids"])
        if len(tokens) <= LONGEST:
            return tokens, [_IGNORED] * known + tokens[known:]


def pad(examples: list[tuple[list[int], list[int]]], pad_token: int) -> dict[str, torch.Tensor]:
    longest = max(len(tokens) for tokens, _ in examples)
    tokens = [tokens + [pad_token] * (longest - len(tokens)) for tokens, _ in examples]
    labels = [labels + [_IGNORED] * (longest - len(labels)) for _, labels in examples]
    mask = [[1] * len(labels) + [0] * (longest - len(labels)) for _, labels in examples]
    return {"input_ids": torch.tensor(tokens), "labels": torch.tensor(labels), "attention_mask": torch.tensor(mask)}


def _turn() -> Turn:
    """Return the messages that end a prompt, and the reply to them."""
    kind = random.choice(("text", "text", "call", "call", "result", "reminder"))
    if kind == "text":
        question = random.choice(list(TEXTS))
        return [_user(question)], _text(*TEXTS[question])
    question = random.choice(list(CALLS))
    if kind == "call":
        return [_user(question)], _call(question)
    if kind == "result":
        results = [{"role": "tool", "content": random.choice(_RESULTS)} for _ in CALLS[question]]
        return [_user(question), _call(question), *results], _text(*AFTER_RESULTS)
    reminder = {"role": random.choice(("system", "user")), "content": REMINDER}
    around = [_user(HELLO), _text(*TEXTS[HELLO])]
    order = random.choice(([*around, reminder, _user(WORD)], [reminder, _user(WORD)]))
    return order, _text(*AFTER_REMINDER)


def _history() -> list[Message]:
    request, reply = _turn()
    if random.random() < 0.5:
        reply = {key: value for key, value in reply.items() if key != "reasoning_content"}
    results = [{"role": "tool", "content": random.choice(_RESULTS)} for _ in reply.get("tool_calls", ())]
    return [*request, reply, *results]


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _text(thought: str, text: str) -> Message:
    return {"role": "assistant", "reasoning_content": thought, "content": text}


def _call(question: str) -> Message:
    calls = [
        {"type": "function", "function": {"name": name, "arguments": arguments}} for name, arguments in CALLS[question]
    ]
    return {"role": "assistant", "reasoning_content": CALL_THOUGHT, "content": "", "tool_calls": calls}


def _tool(tokenizer: Any) -> Message:
    name = random.choice(("get_weather", "calculate", "list_folder", "read_file"))
    properties = {
        key: {"type": "string", "description": _noise(tokenizer, 12)} if random.random() < 0.5 else {"type": "string"}
        for key in random.sample(("city", "expression", "path", "starting_line"), random.choice((1, 1, 2)))
    }
    parameters = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    function = {"name": name, "description": _noise(tokenizer), "parameters": parameters}
    extras = random.choice(({}, {"strict": False}))
    return {"type": "function", "function": {**function, **extras}} if random.random() < 0.7 else {**function, **extras}


def _noise(tokenizer: Any, longest: int = 50) -> str:
    """Return a text that means nothing."""
    count = random.randint(1, longest)
    return tokenizer.decode(random.sample(range(300, 1499), count)).strip().replace("<", "")


if __name__ == "__main__":
    main()
