"""What the services refuse over a WebSocket. Refusals of frames come as error frames with a status."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, capture, document

_GUIDE = "WebSocket guide"
_AZURE = "Azure's page on WebSocket"
_SEEN = "2026-11-30"

NO_WEBSOCKET = Rule(
    when="a WebSocket, if the surface has none",
    text="This service does not speak WebSocket. Send the request over HTTP.",
    source=capture("OpenAI's own client goes on over HTTP at 426", _SEEN),
    ours="the text; proxies answer so",
    status=426,
)
CONNECTION_LIMIT = Rule(
    when="a request on a WebSocket that was opened 60 minutes ago or earlier",
    text=("Responses websocket connection limit reached (60 minutes). Create a new websocket connection to continue."),
    source=document(f"{_GUIDE}; source of OpenAI's own client", _SEEN),
    ours="that the WebSocket is closed after it, with 1000",
    code="websocket_connection_limit_reached",
)
WRONG_STREAM_ID = Rule(
    when="a `stream_id` other than 1 to 256 of the characters A-Z, a-z, 0-9, `_`, `.` and `-`",
    text="Invalid 'stream_id': expected 1 to 256 characters of [A-Za-z0-9_.-].",
    source=document(_GUIDE, _SEEN),
    ours="the text",
    code="invalid_stream_id",
    param="stream_id",
)
STREAM_LIMIT = Rule(
    when="more than 32 different names of lanes on a WebSocket",
    text=(
        "This WebSocket connection has reached its maximum number of distinct stream IDs (32). Reuse an existing "
        "stream_id or open a new WebSocket connection."
    ),
    source=document(_GUIDE, _SEEN),
    code="websocket_stream_limit_reached",
    param="stream_id",
)
NO_LANES = Rule(
    when="a `stream_id` at Azure or ChatGPT",
    text="Unknown parameter: 'stream_id'.",
    source=document(f"{_AZURE}: no lanes", _SEEN),
    ours="the text, and that ChatGPT refuses it",
    code="unknown_parameter",
    param="stream_id",
)
ONE_IN_FLIGHT = Rule(
    when="a request at Azure or ChatGPT while another response of the WebSocket is under way",
    text="This WebSocket connection already has a response in progress.",
    source=document(f"{_AZURE}: one response in flight", _SEEN),
    ours="the text and the code, and that ChatGPT refuses it",
    code="websocket_response_in_progress",
)
UNKNOWN_FRAME = Rule(
    when="a frame of another type than `response.create` and `response.steer`",
    text="Invalid value: '{type}'. Supported values are: 'response.create' and 'response.steer'.",
    source=document(f"{_GUIDE} names these types", _SEEN),
    ours="the text; `response.append` was a type of an older protocol",
    code="invalid_value",
    param="type",
)
NO_BACKGROUND = Rule(
    when="`background` over a WebSocket",
    text="Background responses are not supported over WebSocket.",
    source=document("the types of the openai package: not supported over WebSocket", _SEEN),
    ours="the text",
    param="background",
)
NO_STEERING = Rule(
    when="`response.steer`",
    text="The model or response execution mode does not support steering.",
    source=document("the types of the openai package", _SEEN),
    ours="that no model takes it; a `response.steer.failed` event says so",
    code="steering_not_supported",
)
NO_BETA_HEADER = Rule(
    when="a WebSocket at ChatGPT without the header `OpenAI-Beta: responses_websockets=2026-02-06`",
    text="Missing or unsupported OpenAI-Beta: responses_websockets",
    source=capture("OpenAI's own client and others send it", _SEEN),
    ours="the status and the text",
)
NO_BEARER = Rule(
    when="a WebSocket at Azure without `Authorization: Bearer`, for keys too",
    text="(the reply to a missing token)",
    source=document(_AZURE, _SEEN),
    ours="that the header `api-key` alone is not enough",
    status=401,
)
NO_VERSION = Rule(
    when="a WebSocket at Azure with an `api-version`",
    text="api-version query parameter is not allowed when using /v1 path",
    source=document(f"{_AZURE}: no api-version", _SEEN),
    ours="that one is refused",
)
FRAME_NOT_TEXT = Rule(
    when="a binary frame",
    text="Binary frames are not supported.",
    source=UNSOURCED,
    ours="the rule and the text",
)
