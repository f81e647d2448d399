"""What the API refuses in the body of a create request, on every surface."""

from __future__ import annotations

from responses_emulator.rules.rule import TYPES, UNSOURCED, Rule, document, recording, report

_INPUT = "input"

MODEL_NOT_FOUND = Rule(
    when="a model that the account does not have",
    text="The model `{model}` does not exist or you do not have access to it.",
    source=report("openai/openai-agents-python#458", "2026-12-01"),
    status=404,
    code="model_not_found",
)
MODEL_NOT_LISTED = Rule(
    when="`GET /models/…` with a model that is not listed",
    text="The model `{model}` does not exist or you do not have access to it.",
    source=report("openai/openai-agents-python#458, for a call", "2026-12-01"),
    ours="that the list says the same",
    status=404,
    code="model_not_found",
    param="model",
)
UNKNOWN_PARAMETER = Rule(
    when="a key that an object does not have",
    text="Unknown parameter: '{path}'.{hint}",
    source=report("BerriAI/litellm#13484", "2026-11-30"),
    ours="the distance at which a name is near enough for a hint",
    code="unknown_parameter",
    param="{path}",
)
MISSING_PARAMETER = Rule(
    when="an object without a key that it needs",
    text="Missing required parameter: '{path}'.",
    source=report("microsoft/autogen#6935", "2026-12-01"),
    code="missing_required_parameter",
    param="{path}",
)
NO_INPUT = Rule(
    when="an empty input without a conversation before it",
    text="One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
    source=report("pydantic/pydantic-ai#3470", "2026-12-01"),
    ours="the exact text",
    code="missing_required_parameter",
    param=_INPUT,
)
INVALID_VALUE = Rule(
    when="a value that is not among the choices",
    text="Invalid value: '{value}'. Supported values are: {choices}.",
    source=report("MervinPraison/PraisonAI#3934; the choices are those of the openai package", "2026-12-01"),
    ours="the order of the choices",
    code="invalid_value",
    param="{path}",
)
INVALID_TYPE = Rule(
    when="a value of another type",
    text="Invalid type for '{path}': expected {expected}, but got {found} instead.",
    source=TYPES,
    ours="the text",
    code="invalid_type",
    param="{path}",
)
STRING_TOO_LONG = Rule(
    when="an id or a `prompt_cache_key` with more than 64 characters, or a `safety_identifier` with more than 128",
    text=(
        "Invalid '{path}': string too long. Expected a string with maximum length {limit}, "
        "but got a string with length {length} instead."
    ),
    source=report("openai/codex#14355", "2026-12-01"),
    code="string_above_max_length",
    param="{path}",
)
EMPTY_STRING = Rule(
    when="an empty id or name",
    text=("Invalid '{path}': empty string. Expected a string with minimum length 1, but got an empty string instead."),
    source=report("earendil-works/pi#2917", "2026-12-01"),
    code="empty_string",
    param="{path}",
)
PATTERN_MISMATCH = Rule(
    when="an id or a name of a tool with other characters than letters, digits, `_` and `-`",
    text=("Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '{pattern}'."),
    source=report("openai/openai-dotnet#441", "2026-12-01"),
    code="invalid_value",
    param="{path}",
)
INVALID_ID_PREFIX = Rule(
    when="an item whose id has the prefix of another kind",
    text="Invalid '{path}': '{value}'. Expected an ID that begins with '{prefix}'.",
    source=report("Wei-Shaw/sub2api#3981", "2026-12-01"),
    code="invalid_value",
    param="{path}",
)
PHASE_OF_ANOTHER_ROLE = Rule(
    when="a `phase` on a message that is not the assistant's",
    text="Invalid value for '{path}': only assistant messages have a phase.",
    source=document("latest model guide: phases are the assistant's", "2026-11-21"),
    ours="the text",
    code="invalid_value",
    param="{path}",
)
REASONING_ITEM_NOT_SUPPORTED = Rule(
    when="a reasoning item for a model that does not reason",
    text=(
        "Reasoning input items can only be provided to a reasoning or computer use model. Remove reasoning items "
        "from your input and try again."
    ),
    source=report("openai/openai-agents-python#569", "2026-11-30"),
    param=_INPUT,
)
NO_VISION = Rule(
    when="an image for a model of llama.cpp that does not see",
    text="image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
    source=recording("llama.cpp's server", "2026-11-30"),
    status=500,
    kind="server_error",
)
METADATA_TOO_LARGE = Rule(
    when="more than 16 keys in `metadata`",
    text=(
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with {count} properties instead."
    ),
    source=document("API reference: 16 keys", "2026-11-21"),
    ours="the text",
    code="object_above_max_properties",
    param="metadata",
)
OUTPUT_LIMIT_TOO_LOW = Rule(
    when="a `max_output_tokens` below 16",
    text=(
        "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {limit}, "
        "but got {value} instead."
    ),
    source=report("hindsight#58, inspect_evals#694", "2026-11-30"),
    code="integer_below_min_value",
    param="max_output_tokens",
)
THRESHOLD_TOO_LOW = Rule(
    when="a `context_management` with a `compact_threshold` below 1000",
    text="Invalid '{path}': integer below minimum value. Expected a value >= {limit}, but got {value} instead.",
    source=document("compaction guide: the lowest threshold", "2026-11-30"),
    ours="the text",
    code="integer_below_min_value",
    param="{path}",
)
TRIGGER_NOT_LAST = Rule(
    when="a `compaction_trigger` that is not the last item",
    text="Invalid 'input': a compaction_trigger must be the last item.",
    source=document("compaction guide: the trigger is the last item", "2026-11-30"),
    ours="that another place is refused, and the text",
    param=_INPUT,
)
OUTPUT_LIMIT_TOO_HIGH = Rule(
    when="a `max_output_tokens` above the limit of the model",
    text=(
        "Invalid 'max_output_tokens': integer above maximum value. Expected a value <= {limit}, "
        "but got {value} instead."
    ),
    source=UNSOURCED,
    ours="the text and the code, after those for a limit that is too low",
    code="integer_above_max_value",
    param="max_output_tokens",
)
NUMBER_TOO_HIGH = Rule(
    when="a `temperature` above 2 or a `top_p` above 1",
    text="Invalid '{name}': decimal above maximum value. Expected a value <= {limit}, but got {value} instead.",
    source=document("API reference: the limits", "2026-11-21"),
    ours="the text",
    code="decimal_above_max_value",
    param="{name}",
)
NUMBER_TOO_LOW = Rule(
    when="a `temperature` or `top_p` below 0",
    text="Invalid '{name}': decimal below minimum value. Expected a value >= {limit}, but got {value} instead.",
    source=document("API reference: the limits", "2026-11-21"),
    ours="the text",
    code="decimal_below_min_value",
    param="{name}",
)
UNSUPPORTED_VALUE = Rule(
    when="an effort or a verbosity that the model does not have",
    text="Unsupported value: '{value}' is not supported with the '{model}' model. Supported values are: {choices}.",
    source=report("anomalyco/opencode#4451", "2026-12-01"),
    code="unsupported_value",
    param="{path}",
)
REASONING_NOT_SUPPORTED = Rule(
    when="`reasoning.…` for a model that does not reason",
    text="Unsupported parameter: '{path}' is not supported with this model.",
    source=report("the same text for `temperature`: OpenHands/software-agent-sdk#1837", "2026-12-01"),
    ours="the code",
    code="unsupported_parameter",
    param="{path}",
)
UPDATE_NOT_SUPPORTED = Rule(
    when="a `configuration_update` item for a model before GPT-6",
    text="The 'configuration_update' item type is not supported with this model.",
    source=report("openai/codex#44751", "2026-12-01"),
    code="unsupported_value",
    param="{path}",
)
UPDATE_OF_PRO_MODE = Rule(
    when='a `configuration_update` item with `reasoning.mode: "pro"`',
    text="The 'configuration_update' item type is not supported with pro or tournament models.",
    source=document("OpenRouter's guide to GPT-6 Astra, which quotes the API", "2026-12-01"),
    ours="`param` and `code`",
    code="unsupported_value",
    param="{path}",
)
UPDATE_WITH_AUTOMATIC_CHANGE = Rule(
    when="a `configuration_update` item with automatic compaction or truncation",
    text="The 'configuration_update' item type is not supported with '{name}'.",
    source=document("guide on reasoning: not with automatic compaction or truncation", "2026-12-01"),
    ours="the text; one proxy of the service took both",
    code="unsupported_value",
    param="{path}",
)
CONSECUTIVE_UPDATES = Rule(
    when="two `configuration_update` items in a row",
    text="Consecutive 'configuration_update' items are not allowed.",
    source=document("guide on reasoning; the text is of a client's report of 2026-09-19", "2026-12-01"),
    ours="`param`",
    code="unsupported_value",
    param=_INPUT,
)
UPDATE_BEFORE_COMPACTION = Rule(
    when="a compaction item without a `configuration_update` item behind it, if there is one before it",
    text=(
        "The 'configuration_update' item type is not supported with compaction without a subsequent configuration "
        "update."
    ),
    source=document("a client's report of live probes of 2026-09-19", "2026-12-01"),
    ours="`code`",
    code="unsupported_value",
    param="{path}",
)
SAMPLING_NOT_SUPPORTED = Rule(
    when="a `temperature` or `top_p` other than 1 for a model that reasons",
    text="Unsupported parameter: '{name}' is not supported with this model.",
    source=report("OpenHands/software-agent-sdk#1837", "2026-12-01"),
    param="{name}",
)
CIPHERTEXT_NOT_SUPPORTED = Rule(
    when="`include` with the ciphertext of a model that does not reason",
    text="Encrypted content is not supported with this model.",
    source=report("pydantic/pydantic-ai#2915, earendil-works/pi#6228", "2026-11-30"),
    param="include",
)
NO_WORD_JSON = Rule(
    when="`text.format` of type `json_object` without the word JSON in the input",
    text=(
        "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'."
    ),
    source=report("miracodeai/mira#267", "2026-12-01"),
    ours="the exact text",
    param=_INPUT,
)
TOO_MANY_TOOLS = Rule(
    when="more than 128 tools",
    text=(
        "Invalid '{path}': array too long. Expected an array with maximum length {limit}, "
        "but got an array with length {length} instead."
    ),
    source=report("vishalmysore/Tools4AI#16", "2026-12-01"),
    code="array_above_max_length",
    param="{path}",
)
RESERVED_NAME = Rule(
    when="a tool called `python`",
    text="The function name '{name}' is reserved for use by this model.",
    source=report("UKGovernmentBEIS/inspect_ai#1784", "2026-12-01"),
    ours="that it is refused for every model; the report is of reasoning models",
    code="invalid_value",
    param="{path}",
)
CHOICE_WITHOUT_TOOLS = Rule(
    when='`tool_choice: "required"` without tools',
    text="Tool choice 'required' must be specified with 'tools' parameter.",
    source=UNSOURCED,
    ours="no page with the text is noted",
    param="tool_choice",
)
CHOICE_NOT_FOUND = Rule(
    when="a `tool_choice` that names a tool which is not offered",
    text="Tool choice '{name}' not found in 'tools' parameter.",
    source=report("CherryHQ/cherry-studio#11138", "2026-12-01"),
    ours="that a function is named by its name; the report has its type",
    param="tool_choice",
)
INVALID_FUNCTION_SCHEMA = Rule(
    when="parameters of a function with a fault of the list below",
    text="Invalid schema for function '{name}': {problem}",
    source=report("langchain-ai/langchainjs#9804", "2026-11-30"),
    ours="the order in which the faults are found",
    code="invalid_function_parameters",
    param="{path}",
)
INVALID_RESPONSE_SCHEMA = Rule(
    when="a strict schema of `text.format` with a fault of the list below",
    text="Invalid schema for response_format '{name}': {problem}",
    source=report("langchain-ai/langchainjs#9804", "2026-11-30"),
    ours="the order in which the faults are found",
    code="invalid_json_schema",
    param="{path}",
)
INVALID_URL_OF_FILE = Rule(
    when="an image or a file that is not at a URL or in a data URL of its type",
    text="Invalid '{path}'. {reason}",
    source=report("mkht/PSOpenAI#43", "2026-11-30"),
    code="invalid_value",
    param="{path}",
)
UNSUPPORTED_IMAGE = Rule(
    when="an image that is not PNG, JPEG, GIF or WebP",
    text=(
        "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
        "['png', 'jpeg', 'gif', 'webp']."
    ),
    source=report("openai/codex#6774 and the vision guide", "2026-11-30"),
    code="invalid_image_format",
    param=_INPUT,
)
DAMAGED_IMAGE = Rule(
    when="an image whose first bytes are not those of an image",
    text=(
        "The image data you provided does not represent a valid image. Please check your input and try again with "
        "one of the following image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp']."
    ),
    source=report("openai/codex#6774", "2026-11-30"),
    ours="`param` and `code`",
    code="invalid_value",
    param=_INPUT,
)
FILE_WITHOUT_NAME = Rule(
    when="a file without a name",
    text="Missing required parameter: '{path}'.",
    source=document("file inputs guide: a file has a name", "2026-11-30"),
    ours="the text",
    code="missing_required_parameter",
    param="{path}",
)
UNSUPPORTED_FILE = Rule(
    when="a file with an extension that the service does not read",
    text=(
        "Invalid input: Expected context stuffing file type to be a supported format: {choices} but got {extension}."
    ),
    source=report("sources of clients, and the file inputs guide", "2026-11-30"),
    ours="the list of extensions is a part of the real one",
    param=_INPUT,
)
NOT_JSON = Rule(
    when="a body that is not a JSON object",
    text=(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
        "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
        "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
    ),
    source=report("ChatGPTNextWeb/NextChat#4064", "2026-12-01"),
)
CONTEXT_LENGTH = Rule(
    when="an input that is longer than the window of the model",
    text="Your input exceeds the context window of this model. Please adjust your input and try again.",
    source=report("anomalyco/opencode#6071", "2026-12-01"),
    code="context_length_exceeded",
    param=_INPUT,
)
