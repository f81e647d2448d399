"""What Azure OpenAI refuses beside the rules of the API. Errors of its gateway have a code and no type."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, report

WRONG_KEY = Rule(
    when="a key that the resource does not have; by default, one that does not begin with `azure-key-`",
    text=(
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource."
    ),
    source=report("SciSharp/BotSharp#386", "2026-12-01"),
    status=401,
    code="401",
)
MISSING_TOKEN = Rule(
    when="a request without a credential, or with a token that is unknown, expired or for another audience",
    text="Unauthorized. Access token is missing, invalid, audience is incorrect ({audience}), or have expired.",
    source=report("run-llama/llama_index#12484, Azure/azure-sdk-for-python#40260", "2026-11-21"),
    status=401,
)
MISSING_ROLE = Rule(
    when="a principal without a role that may do it",
    text="The principal `{principal}` lacks the required data action `{action}` to perform `{operation}` operation.",
    source=report("microsoft/ai-agent-evals#43, for the agents API", "2026-11-21"),
    ours="that the Responses API says the same",
    status=401,
    code="PermissionDenied",
)
NO_INPUT_COUNT = Rule(
    when="`POST /responses/input_tokens`",
    text="Unknown request URL: {method} {path}. Please check the URL for typos, or see the docs.",
    source=report("UKGovernmentBEIS/inspect_ai#3371, openai/openai-dotnet#1165", "2026-11-30"),
    ours="the text behind the address",
    status=404,
    code="unknown_url",
)
DEPLOYMENT_NOT_FOUND = Rule(
    when="a model for which there is no deployment",
    text=(
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again."
    ),
    source=report("chatboxai/chatbox#861", "2026-12-01"),
    status=404,
    code="DeploymentNotFound",
)
RESOURCE_NOT_FOUND = Rule(
    when="a path or a version of the API that does not exist",
    text="Resource not found",
    source=report("CherryHQ/cherry-studio#8077", "2026-11-21"),
    status=404,
    code="404",
)
VERSION_NOT_SUPPORTED = Rule(
    when="a version of the API in which the path does not exist",
    text="API version not supported",
    source=report("openclaw/openclaw#82025", "2026-11-21"),
    code="BadRequest",
)
VERSION_NOT_ALLOWED = Rule(
    when="any `api-version` at the v1 path, on newer resources",
    text="api-version query parameter is not allowed when using /v1 path",
    source=report("pydantic/pydantic-ai#5066", "2026-12-01"),
    code="BadRequest",
)
NO_IMAGE_DEPLOYMENT = Rule(
    when="the tool `image_generation` without the header that names its deployment",
    text="imagegen deployment must be provided through header: x-ms-oai-image-generation-deployment",
    source=report("editor-code-assistant/eca#612", "2026-11-21"),
    code="invalid_request_error",
    kind="image_generation_user_error",
    param="tools",
)
STATUS_IN_INPUT = Rule(
    when="a message or reasoning that is sent back with its `status`",
    text="Unknown parameter: '{path}'.",
    source=report("BerriAI/litellm#13420, BerriAI/litellm#13484", "2026-11-21"),
    code="unknown_parameter",
    param="{path}",
)
MODEL_NOT_LISTED = Rule(
    when="`GET /models/…` with a model that is not listed",
    text="The model '{model}' does not exist.",
    source=UNSOURCED,
    ours="the text",
    status=404,
    code="model_not_found",
    param="model",
)
