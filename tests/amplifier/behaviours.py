"""What is played on Amplifier. What is not as a user needs it raises `NotThere`, which says what happened instead.

A person sees the terminal; what the service received proves a turn.
"""

from __future__ import annotations

import fnmatch
import itertools
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml
from responses_emulator import Call, EventDelay, Say, Think, Turn
from responses_emulator.service.state import RecordedRequest

from examples.person import Person
from tests.amplifier.machine import MODEL, Answer, Body, Machine
from tests.support.amplifier_stand_in import list_differences
from tests.support.backends import BACKENDS, ROOT
from tests.support.foreign.table import check

Play = Callable[..., None]

NAMES = [backend.name for backend in BACKENDS]
QUESTION = "Which boats are in the harbour?"
THOUGHT = "**Looking at the quay**\n\nThe file harbour.txt may say which boats there are."
REPLY = "Three boats lie in the harbour."
_TOOL_TURN = Turn(Think([THOUGHT]), Call("bash", {"command": "cat harbour.txt"}))
_REPLY_TURN = Turn(Think(["**Counting**\n\nThe file says it."]), Say(REPLY))
_UI = "hooks-streaming-ui"
_CHAT = "Exit: Ctrl-D"
_ABORT_S = 60.0


# Install and set up.


def list_modules(machine: Machine) -> None:
    machine.configure(*NAMES)
    answer = machine.type("amplifier", "module", "list")
    check(answer.code == 0, answer.seen)
    for backend in BACKENDS:
        check(backend.module in answer.words, f"no {backend.module} in {answer.seen!r}")


def set_up(machine: Machine, name: str, answers: Mapping[str, str], keys: bool, **saved: str) -> None:
    """`provider add` with some answers, then a question with what it saved."""
    answers = {text: answer.format(**_addresses(machine)) for text, answer in answers.items()}
    if name == "chatgpt-oauth":
        machine.save_sign_in()
    variables = machine.variables(keys=keys)
    answer = machine.type("amplifier", "provider", "add", name, answers=answers, variables=variables)
    check(answer.code == 0 and "Provider added" in answer.seen, answer.seen)
    (entry,) = yaml.safe_load(machine.settings)["config"]["providers"]
    for key, template in saved.items():
        value = template.format(**_addresses(machine))
        check(entry["config"].get(key) == value, f"{key} is {entry['config'].get(key)!r} in {machine.settings}")
    machine.emulator.script(_TOOL_TURN, _REPLY_TURN)
    _check_reply(machine.ask(QUESTION, bundle=machine.write_bundle(), variables=variables))


def list_providers(machine: Machine) -> None:
    machine.configure(*NAMES)
    machine.save_sign_in()
    answer = machine.type("amplifier", "provider", "list")
    check(answer.code == 0, answer.seen)
    for name in NAMES:
        check(name in answer.seen, f"no {name} in {answer.seen!r}")


def test_providers(machine: Machine) -> None:
    machine.configure(*NAMES)
    machine.save_sign_in()
    answer = machine.type("amplifier", "provider", "test")
    check(answer.code == 0 and answer.seen.count("✓") >= len(NAMES) and "✗" not in answer.seen, answer.seen)


def list_models(machine: Machine, name: str) -> None:
    machine.configure(name)
    machine.save_sign_in()
    answer = machine.type("amplifier", "provider", "models", name)
    check(answer.code == 0 and MODEL in answer.words, answer.seen)


# Turns.


def use_tools(machine: Machine, name: str, loop: str) -> None:
    """A turn of two requests: the second has the call, its result and the reasoning of the first."""
    machine.configure(name)
    machine.save_sign_in()
    machine.emulator.script(_TOOL_TURN, _REPLY_TURN)
    answer = machine.ask(QUESTION, bundle=machine.write_bundle(loop=loop))
    _check_reply(answer)
    check(len(answer.bodies) == 2, f"{len(answer.bodies)} requests")
    _check_grows(answer.bodies)
    _check_own_reasoning(answer.requests)
    outputs = [item["output"] for item in answer.bodies[1]["input"] if item["type"] == "function_call_output"]
    check(len(outputs) == 1 and "three boats" in str(outputs), f"results {outputs}")


def show_stream(machine: Machine) -> None:
    """A person reads each thought and each text once."""
    machine.configure("openai-v2")
    machine.emulator.script(_TOOL_TURN, _REPLY_TURN)
    answer = machine.ask(QUESTION, bundle=machine.write_bundle(hooks=[_UI]))
    _check_reply(answer)
    for text in ("Looking at the quay", "Counting", "cat harbour.txt"):
        check(answer.times(text) == 1, f"{text!r} is shown {answer.times(text)} times: {answer.seen}")


def continue_session(machine: Machine) -> None:
    machine.configure("openai-v2")
    bundle = machine.write_bundle()
    machine.emulator.script(_TOOL_TURN, _REPLY_TURN)
    first = machine.ask(QUESTION, bundle=bundle)
    machine.emulator.script(Turn(Think(["**Again**"]), Say("Still three.")))
    second = machine.ask("And now?", "--resume", first.session, bundle=bundle)
    check(second.code == 0 and second.times("Still three.") == 1, second.seen)
    _check_grows([*first.bodies, *second.bodies])
    _check_own_reasoning([*first.requests, *second.requests])


def switch_providers(machine: Machine) -> None:
    """One conversation over openai, azure, chatgpt and openai again: each gets all but the reasoning of others."""
    machine.configure(*NAMES)
    machine.save_sign_in()
    bundle = machine.write_bundle()
    machine.emulator.script(_TOOL_TURN)
    answers: list[Answer] = []
    for turn, name in enumerate([*NAMES, NAMES[0]], start=1):
        text = f"This is reply {turn}."
        machine.emulator.script(Turn(Think([f"**Thought {turn}**"]), Say(text)))
        resume = ["--resume", answers[0].session] if answers else []
        answers.append(machine.ask(f"Question {turn}?", "-p", name, *resume, bundle=bundle))
        check(answers[-1].code == 0 and answers[-1].times(text) == 1, answers[-1].seen)
    _check_own_reasoning([request for answer in answers for request in answer.requests])
    last = answers[-1].bodies[-1]["input"]
    for turn in range(1, len(answers)):
        for text in (f"Question {turn}?", f"This is reply {turn}."):
            check(text in str(last), f"the last request lacks {text!r}: {last}")
    check("three boats" in str(last), f"the last request lacks the result: {last}")


def route(machine: Machine, matrix: str, provider: str, role: str, model: str, effort: str | None = None) -> None:
    """A matrix names the model of a role, and an agent with that role is answered by it."""
    machine.configure(provider)
    machine.save_sign_in()
    ours = ROOT / "routing" / f"{matrix}.yaml"
    if ours.is_file():
        folder = machine.installation.home / ".amplifier" / "routing"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ours.name).write_text(ours.read_text("utf-8"), encoding="utf-8")
    chosen = machine.type("amplifier", "routing", "use", matrix)
    check(chosen.code == 0, chosen.seen)
    foundation = "git+https://github.com/microsoft/amplifier-foundation@main#subdirectory=modules/tool-delegate"
    bundle = machine.write_bundle(
        includes=["git+https://github.com/microsoft/amplifier-bundle-routing-matrix@main"],
        tools=[{"module": "tool-delegate", "source": foundation}],
    )
    delegate = Call("delegate", {"agent": "self", "instruction": "Count the boats.", "model_role": role})
    machine.emulator.script(delegate, Say("Three."), Say(REPLY))
    answer = machine.ask(QUESTION, bundle=bundle)
    _check_reply(answer)
    check(len(answer.bodies) == 3, f"{len(answer.bodies)} requests: {answer.seen}")
    body = answer.bodies[1]
    check(fnmatch.fnmatch(body["model"], model), f"the agent ran on {body['model']}: {answer.seen}")
    if effort:
        check(body.get("reasoning", {}).get("effort") == effort, f"its reasoning was {body.get('reasoning')}")


def use_bundle(machine: Machine, name: str, file: str) -> None:
    """Our bundle runs, with its tools, its rules and its effort."""
    machine.configure(name)
    machine.save_sign_in()
    machine.emulator.script(_TOOL_TURN, _REPLY_TURN)
    answer = machine.ask(QUESTION, bundle=f"file://{ROOT / 'bundles' / file}")
    _check_reply(answer)
    body = answer.bodies[0]
    tools = {tool.get("name") for tool in body["tools"]}
    check({"bash", "read_file", "grep", "web_fetch"} <= tools, f"tools {sorted(map(str, tools))}")
    check(body["reasoning"].get("effort") == "medium", f"reasoning {body['reasoning']}")
    check(body["text"].get("verbosity") == "low", f"text {body['text']}")
    rules = (ROOT / "bundles" / "context" / "coding.md").read_text("utf-8").strip().splitlines()[0]
    check(rules in body["instructions"], "the rules for coding work are not in the instructions")


def use_behavior(machine: Machine, name: str) -> None:
    """A bundle of one's own with our behavior has the provider, with nothing in the settings but the model."""
    machine.configure(name)
    machine.save_sign_in()
    machine.emulator.script(_REPLY_TURN)
    include = f"file://{ROOT / 'behaviors' / f'{name}.yaml'}"
    answer = machine.ask(QUESTION, bundle=machine.write_bundle(includes=[include]))
    _check_reply(answer)


# Stops, sign-ins and faults.


def cancel(machine: Machine, name: str, loop: str) -> None:
    """Ctrl-C twice closes the request, and the chat goes on."""
    machine.configure(name)
    machine.save_sign_in()
    bundle = machine.write_bundle(loop=loop)
    machine.emulator.script(Turn(Say("boat " * 2000), EventDelay(0.3)))
    command = ("amplifier", "run", "--mode", "chat", "--bundle", bundle)
    with machine.terminal(*command) as person:
        person.waits_for(_CHAT)
        _enter(machine, person, QUESTION)
        machine.emulator.wait_until(lambda: machine.emulator.open_requests, _ABORT_S)
        person.types("\x03")
        person.waits_for("force")
        person.types("\x03")
        _wait_looking(machine, person, lambda: machine.emulator.aborted_requests)
        check(machine.emulator.aborted_requests, f"the request goes on after {_ABORT_S:.0f} s: {person.seen}")
        machine.emulator.script(Say(REPLY))
        _enter(machine, person, "Are you there?")
        person.waits_for(REPLY)
        person.types("\x04")


def sign_in(machine: Machine) -> None:
    """The first call offers the sign-in, waits for it, and answers."""
    machine.configure("chatgpt-oauth")
    machine.emulator.script(_REPLY_TURN)
    with machine.terminal(*_run(machine)) as person:
        person.waits_for("enter this code")
        check(machine.sign_in.user_codes[-1] in person.seen, f"no code: {person.seen}")
        machine.sign_in.approve()
        code = person.sees_the_end()
        check(code == 0 and person.seen.count(REPLY) == 1, f"code {code}: {person.seen}")
    again = machine.ask(QUESTION, bundle=machine.write_bundle())
    check(again.code == 0 and "code" not in again.seen, again.seen)


def decline_sign_in(machine: Machine) -> None:
    machine.configure("chatgpt-oauth")
    with machine.terminal(*_run(machine)) as person:
        person.waits_for("enter this code")
        person.waits_for("type n")
        person.types("n\r")
        code = person.sees_the_end()
        check(code == 1, f"code {code}: {person.seen}")
        words = "".join(person.seen.split())
        check(words.count("nobodyissignedin") == 1, f"the reason is shown {words.count('nobodyissignedin')} times")
    check(not machine.emulator.model_requests, "a request was sent")


def see_no_sign_in(machine: Machine) -> None:
    """With OpenAI first and ChatGPT last, and nobody signed in, nothing of a sign-in is seen or asked for."""
    machine.configure(*NAMES)
    machine.emulator.script(_TOOL_TURN, _REPLY_TURN)
    answer = machine.ask(QUESTION, bundle=machine.write_bundle())
    _check_reply(answer)
    check("sign" not in answer.seen.lower(), answer.seen)
    check(not machine.sign_in.requests_to(), "the sign-in service was asked")


def lack_credential(machine: Machine, name: str, reason: str, remedy: str, **settings: Any) -> None:
    """The error is shown once, and its remedy works as it is shown: a variable, or a COMMAND in back quotes."""
    machine.configure(name, **settings)
    bundle = machine.write_bundle()
    nothing = machine.variables(keys=False)
    answer = machine.ask(QUESTION, bundle=bundle, variables=nothing)
    check(answer.code == 1, f"code {answer.code}: {answer.seen}")
    check(answer.times(reason) == 1, f"{reason!r} is shown {answer.times(reason)} times: {answer.seen}")
    match = re.search(re.escape("".join(remedy.split())).replace("COMMAND", "`([^`]+)`"), answer.words)
    check(match, f"no {remedy!r} in {answer.seen}")
    if "COMMAND" in remedy:
        _sign_in_by_command(machine, _read_command(answer))
    given = {variable: key for variable, key in machine.variables().items() if variable in remedy.split()}
    machine.emulator.script(_REPLY_TURN)
    _check_reply(machine.ask(QUESTION, bundle=bundle, variables={**nothing, **given}))


def start_unconfigured(machine: Machine) -> None:
    """Without settings, our bundle answers after the questions of the first run are declined."""
    machine.emulator.script(_REPLY_TURN)
    bundle = f"file://{ROOT / 'bundles' / 'openai-coding.md'}"
    answer = machine.ask(QUESTION, bundle=bundle, answers={"Run setup now": "n"})
    _check_reply(answer)


def break_module(machine: Machine, requirement: str) -> None:
    """With a package that the module cannot use, the first call says what to run, and that works."""
    machine.configure("openai-v2")
    bundle = machine.write_bundle()
    pip = ("uv", "pip", *(requirement.split()), "--python", str(machine.installation.python))
    try:
        machine.installation.run(*pip)
        answer = machine.ask(QUESTION, bundle=bundle)
        check(answer.code == 1, f"code {answer.code}: {answer.seen}")
        check("openai" in answer.seen and "`" in answer.seen, f"no reason and no remedy: {answer.seen}")
        machine.installation.run(*shlex.split(_read_command(answer)))
        machine.emulator.script(_REPLY_TURN)
        _check_reply(machine.ask(QUESTION, bundle=bundle))
    finally:
        machine.installation.run("uv", "pip", "install", "--upgrade", "--python", pip[-1], "openai")


def take_commands_of_pages(machine: Machine) -> None:
    """The commands of the pages, and wrong ones that the stand-in of their tests refuses, on a new machine."""
    installation, module = machine.installation, BACKENDS[0]
    (installation.home / ".amplifier" / "settings.yaml").unlink()

    def run(words: list[str]) -> str:
        done = subprocess.run(
            ["amplifier", *words],
            cwd=machine.folder,
            env=installation.environment(**machine.variables()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    run(["bundle", "remove", "openai-coding"])  # a session with the file makes its name known, too
    try:
        installation.run(*_pip(machine, "uninstall"), f"amplifier-module-{module.module}")
        differences = list_differences(run, ROOT)
        check(not differences, "\n".join(differences))
    finally:
        run(["bundle", "remove", "openai-coding"])
        installation.run(*_pip(machine, "install"), "--editable", str(module.folder))


# Helpers.


def _pip(machine: Machine, action: str) -> tuple[str, ...]:
    return ("uv", "pip", action, "--python", str(machine.installation.python))


def _addresses(machine: Machine) -> dict[str, str]:
    return {"openai": machine.emulator.base_url_of("openai"), "azure": machine.emulator.origin}


def _run(machine: Machine) -> tuple[str, ...]:
    return ("amplifier", "run", "--bundle", machine.write_bundle(), QUESTION)


def _enter(machine: Machine, person: Person, text: str) -> None:
    """Type a question into the chat until the service has it, as a prompt may not be ready yet."""
    before = len(machine.emulator.model_requests)
    person.types(text)
    person.waits_for(text)
    person.types("\r")
    _wait_looking(machine, person, lambda: len(machine.emulator.model_requests) > before)
    check(len(machine.emulator.model_requests) > before, f"no request: {person.seen}")


def _wait_looking(machine: Machine, person: Person, done: Callable[[], object]) -> None:
    """Wait for something at the service, and read the terminal meanwhile, so that the command is not held up."""
    for _ in range(int(_ABORT_S / 0.2)):
        if machine.emulator.wait_until(done, 0.0) or not person.looks():
            return


def _sign_in_by_command(machine: Machine, command: str) -> None:
    with machine.terminal(*shlex.split(command)) as person:
        person.waits_for("enter this code")
        machine.sign_in.approve()
        code = person.sees_the_end()
        check(code == 0, f"{command}: code {code}: {person.seen}")


def _read_command(answer: Answer) -> str:
    """Return the first command that the terminal shows in back quotes, without the breaks of its lines."""
    match = re.search(r"`([^`]+)`", answer.seen)
    check(match, f"no command in {answer.seen}")
    return re.sub(r"\s*\n\s*", "", match[1]) if match else ""


def _check_reply(answer: Answer) -> None:
    check(answer.code == 0, f"code {answer.code}: {answer.seen}")
    check(answer.times(REPLY) == 1, f"the reply is shown {answer.times(REPLY)} times: {answer.seen}")


def _check_grows(bodies: Sequence[Body]) -> None:
    """Check that each request only appends to the one before."""
    for earlier, later in itertools.pairwise(bodies):
        begin = later["input"][: len(earlier["input"])]
        check(begin == earlier["input"], f"the beginning changed: {earlier['input']} became {begin}")
        for key in ("instructions", "tools", "model", "prompt_cache_key"):
            check(earlier.get(key) == later.get(key), f"{key} changed: {earlier.get(key)} became {later.get(key)}")


def _check_own_reasoning(requests: Sequence[RecordedRequest]) -> None:
    """Check that each service gets back all the reasoning that it made, and none that another one made."""
    made: dict[str | None, list[Any]] = {}
    for request in requests:
        check(request.status == 200, f"a request was refused with {request.status}")
        own, sent = made.setdefault(request.surface, []), _list_thoughts(request.body["input"])
        check(sent == own, f"{request.surface} made {own} and got {sent}")
        own.extend(_list_thoughts((request.response or {}).get("output", [])))


def _list_thoughts(items: Sequence[Body]) -> list[Any]:
    """Return the summaries of encrypted reasoning. A service writes another ciphertext into each of its events."""
    return [item["summary"] for item in items if item["type"] == "reasoning" and item.get("encrypted_content")]
