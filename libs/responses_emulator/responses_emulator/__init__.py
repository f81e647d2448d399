"""The Responses API of OpenAI, Azure OpenAI and ChatGPT, offline: a real HTTP server on loopback.

`with Emulator() as emulator:` starts it; `emulator.script(...)` queues what the model says; `emulator.requests` is what
it received. Without a script, a responder makes the output.
"""

from __future__ import annotations

from responses_emulator.accounting.rate_limits import RateLimits
from responses_emulator.azure.errors import (
    content_filter_event,
    content_filter_failure,
    content_filter_refusal,
    content_filters,
    deployment_not_found,
    encrypted_content_not_supported,
    gateway_rate_limit,
    invalid_subscription_key,
    missing_image_deployment,
    missing_role,
    missing_token,
    network_access_denied,
    rate_limit_event,
    resource_not_found,
    too_many_requests,
    version_not_allowed,
    version_not_supported,
)
from responses_emulator.azure.resource_manager import arm_surface
from responses_emulator.azure.resource_manager_errors import arm_error
from responses_emulator.azure.surface import azure_classic_surface, azure_surface
from responses_emulator.chatgpt.catalogue import Catalogue, CatalogueEntry, strict_catalogue
from responses_emulator.chatgpt.errors import (
    client_upgrade_required,
    cloudflare_challenge,
    detail_reply,
    invalid_token,
    malformed_token,
    model_not_available,
    model_not_found,
    repeated_model_not_found,
    unsupported_parameter,
    usage_limit_reached,
    usage_not_included,
    wrong_workspace,
)
from responses_emulator.chatgpt.plan_limits import PlanLimits, PlanWindow
from responses_emulator.chatgpt.surface import ChatGptOptions, chatgpt_surface, chatgpt_surfaces, wham_surface
from responses_emulator.chatgpt.workspaces import Workspaces
from responses_emulator.chatgpt_plan.browser import open_callback, press_button
from responses_emulator.chatgpt_plan.errors import PLAN_ERROR_CODES, plan_error
from responses_emulator.chatgpt_plan.issuer_surface import plan_issuer_surfaces
from responses_emulator.chatgpt_plan.sign_in import PlanSignIn, make_plan_token
from responses_emulator.chatgpt_plan.surface import (
    PlanStatus,
    chatgpt_plan_surface,
    chatgpt_plan_surfaces,
    strict_plan_catalogue,
)
from responses_emulator.contract.input_items import item_type
from responses_emulator.contract.refusal import Refusal
from responses_emulator.conversation.ledger import Ledger
from responses_emulator.conversation.pairing_rules import check_conversation
from responses_emulator.emulator import Emulator
from responses_emulator.entra.browser import open_in_browser
from responses_emulator.entra.directory import Directory
from responses_emulator.entra.errors import entra_error, entra_unavailable, slow_down
from responses_emulator.entra.records import ManagedIdentity
from responses_emulator.entra.surface import entra_surface
from responses_emulator.machines.azure_cli import FakeAzureCli, write_azure_cli
from responses_emulator.machines.errors import app_service_error, imds_error, imds_proxy_refusal, imds_unavailable
from responses_emulator.machines.managed_identity import app_service_surface, arc_surface, imds_surface
from responses_emulator.openai_api.errors import (
    bad_gateway,
    context_length_exceeded,
    insufficient_quota,
    rate_limit_exceeded,
    redirect,
    server_error,
    server_is_overloaded,
)
from responses_emulator.openai_api.surface import openai_surface
from responses_emulator.openai_sign_in.records import LoseReply
from responses_emulator.openai_sign_in.service import SignInService
from responses_emulator.openai_sign_in.surface import issuer_surface
from responses_emulator.openai_sign_in.tokens import (
    Account,
    TokenSet,
    make_token,
    write_codex_file,
    write_ms_module_file,
)
from responses_emulator.output.turn_context import TurnContext
from responses_emulator.responders.fixed_output import fixed_output
from responses_emulator.responders.responder import Responder
from responses_emulator.responders.schema_instance import schema_instance
from responses_emulator.responders.written_text import write_text
from responses_emulator.script.rejected_parameters import RejectParameters
from responses_emulator.script.replies import AcceptUpgrade, Disconnect, Frames, HttpReply, OnPath, OnUpgrade
from responses_emulator.script.server_rules import (
    ServerRule,
    alternating_roles,
    answered_results,
    damaged_images,
    no_images,
    no_system_role,
    refused_reasoning,
    refused_tool,
    required_message_status,
    system_text_first,
    text_results_only,
    unknown_item_field,
    unknown_items,
    unverified_organization,
)
from responses_emulator.script.stream_shapes import STREAM_SHAPES, StreamShape
from responses_emulator.script.turn import (
    Call,
    CloseAfter,
    Compaction,
    CustomCall,
    CutStream,
    ErrorEvent,
    EventDelay,
    ExtraEvent,
    ExtraFrame,
    Framing,
    FromResponder,
    HoldOpen,
    HostedItem,
    JoinEvents,
    Keepalive,
    NoTerminalOutput,
    NoUsage,
    OutputPart,
    Refuse,
    ReplyHeaders,
    ResponseFailed,
    ResponseFields,
    ResponseIncomplete,
    RotateIds,
    Say,
    Silence,
    SplitBytes,
    TerminalFields,
    Think,
    Turn,
    WebSearch,
)
from responses_emulator.service.state import RecordedRequest, ScriptedReply
from responses_emulator.service.surface import Caller, Exchange, Route, Surface, json_reply
from responses_emulator.service.websocket import WebSocketRules
from responses_emulator.transport.server import Reply, StreamReply
from responses_emulator.transport.tls import LOOPBACK, Authority

__version__ = "0.1.0"

__all__ = [
    "LOOPBACK",
    "PLAN_ERROR_CODES",
    "STREAM_SHAPES",
    "AcceptUpgrade",
    "Account",
    "Authority",
    "Call",
    "Caller",
    "Catalogue",
    "CatalogueEntry",
    "ChatGptOptions",
    "CloseAfter",
    "Compaction",
    "CustomCall",
    "CutStream",
    "Directory",
    "Disconnect",
    "Emulator",
    "ErrorEvent",
    "EventDelay",
    "Exchange",
    "ExtraEvent",
    "ExtraFrame",
    "FakeAzureCli",
    "Frames",
    "Framing",
    "FromResponder",
    "HoldOpen",
    "HostedItem",
    "HttpReply",
    "JoinEvents",
    "Keepalive",
    "Ledger",
    "LoseReply",
    "ManagedIdentity",
    "NoTerminalOutput",
    "NoUsage",
    "OnPath",
    "OnUpgrade",
    "OutputPart",
    "PlanLimits",
    "PlanSignIn",
    "PlanStatus",
    "PlanWindow",
    "RateLimits",
    "RecordedRequest",
    "Refusal",
    "Refuse",
    "RejectParameters",
    "Reply",
    "ReplyHeaders",
    "Responder",
    "ResponseFailed",
    "ResponseFields",
    "ResponseIncomplete",
    "RotateIds",
    "Route",
    "Say",
    "ScriptedReply",
    "ServerRule",
    "SignInService",
    "Silence",
    "SplitBytes",
    "StreamReply",
    "StreamShape",
    "Surface",
    "TerminalFields",
    "Think",
    "TokenSet",
    "Turn",
    "TurnContext",
    "WebSearch",
    "WebSocketRules",
    "Workspaces",
    "alternating_roles",
    "answered_results",
    "app_service_error",
    "app_service_surface",
    "arc_surface",
    "arm_error",
    "arm_surface",
    "azure_classic_surface",
    "azure_surface",
    "bad_gateway",
    "chatgpt_plan_surface",
    "chatgpt_plan_surfaces",
    "chatgpt_surface",
    "chatgpt_surfaces",
    "check_conversation",
    "client_upgrade_required",
    "cloudflare_challenge",
    "content_filter_event",
    "content_filter_failure",
    "content_filter_refusal",
    "content_filters",
    "context_length_exceeded",
    "damaged_images",
    "deployment_not_found",
    "detail_reply",
    "encrypted_content_not_supported",
    "entra_error",
    "entra_surface",
    "entra_unavailable",
    "fixed_output",
    "gateway_rate_limit",
    "imds_error",
    "imds_proxy_refusal",
    "imds_surface",
    "imds_unavailable",
    "insufficient_quota",
    "invalid_subscription_key",
    "invalid_token",
    "issuer_surface",
    "item_type",
    "json_reply",
    "make_plan_token",
    "make_token",
    "malformed_token",
    "missing_image_deployment",
    "missing_role",
    "missing_token",
    "model_not_available",
    "model_not_found",
    "network_access_denied",
    "no_images",
    "no_system_role",
    "open_callback",
    "open_in_browser",
    "openai_surface",
    "plan_error",
    "plan_issuer_surfaces",
    "press_button",
    "rate_limit_event",
    "rate_limit_exceeded",
    "redirect",
    "refused_reasoning",
    "refused_tool",
    "repeated_model_not_found",
    "required_message_status",
    "resource_not_found",
    "schema_instance",
    "server_error",
    "server_is_overloaded",
    "slow_down",
    "strict_catalogue",
    "strict_plan_catalogue",
    "system_text_first",
    "text_results_only",
    "too_many_requests",
    "unknown_item_field",
    "unknown_items",
    "unsupported_parameter",
    "unverified_organization",
    "usage_limit_reached",
    "usage_not_included",
    "version_not_allowed",
    "version_not_supported",
    "wham_surface",
    "write_azure_cli",
    "write_codex_file",
    "write_ms_module_file",
    "write_text",
    "wrong_workspace",
]
