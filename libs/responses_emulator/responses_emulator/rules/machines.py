"""What the metadata services that give tokens to machines and apps refuse. The kind is the field `error`."""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, document, report

_SEEN = "2026-12-01"
_TOKENS_PAGE = "how to use managed identities on a virtual machine to acquire an access token"
_REQUEST = "invalid_request"

NO_METADATA_HEADER = Rule(
    when="a request to IMDS without the header `Metadata: true`",
    text="Required metadata header not specified",
    source=document(_TOKENS_PAGE, _SEEN),
    kind="bad_request_102",
)
FORWARDED = Rule(
    when="a request to IMDS that was forwarded",
    text="Requests that were forwarded are not answered",
    source=document("Azure Instance Metadata Service: no header `X-Forwarded-For`", _SEEN),
    ours="the text",
    kind=_REQUEST,
)
OLD_VERSION = Rule(
    when="a request to IMDS without an `api-version`, or with one that is too old",
    text="Invalid or missing api-version",
    source=document("Azure Instance Metadata Service: a version is required", _SEEN),
    ours="the text, and the oldest version",
    kind=_REQUEST,
)
TWO_IDENTITIES = Rule(
    when="a request that names an identity in two ways",
    text="Only one of the identity selectors may be given",
    source=UNSOURCED,
    ours="the rule and the text",
    kind=_REQUEST,
)
NO_RESOURCE = Rule(
    when="a request without `resource`",
    text="Required query variable 'resource' is missing",
    source=document(_TOKENS_PAGE + ": it is required", _SEEN),
    ours="the text",
    kind=_REQUEST,
)
IDENTITY_NOT_FOUND = Rule(
    when="an identity that the machine does not have, or a machine without one",
    text="Identity not found",
    source=report("Azure/aad-pod-identity#1102, Azure/azure-sdk-for-js#11369", _SEEN),
    kind=_REQUEST,
)
UNKNOWN_RESOURCE = Rule(
    when="a resource that the tenant does not have",
    text="AADSTS500011: The resource principal named {resource} was not found",
    source=document(_TOKENS_PAGE + ": the error `invalid_resource`", _SEEN),
    ours="the text, after that of Entra",
    kind="invalid_resource",
)
ARC_KEY = Rule(
    when="a request to the agent of Azure Arc without the key from the file that it names",
    text="unauthorized_client",
    source=document("managed identities of servers with Azure Arc: 401 with the file in `WWW-Authenticate`", _SEEN),
    ours="the body",
    status=401,
    kind="unauthorized_client",
)
APP_WRONG_HEADER = Rule(
    when="a request to App Service with a wrong `X-IDENTITY-HEADER`, or without one",
    text="The X-IDENTITY-HEADER is missing or wrong.",
    source=document("managed identities of App Service: the header is required", _SEEN),
    ours="the status and the text",
    status=401,
)
APP_OTHER_VERSION = Rule(
    when="a request to App Service with another `api-version` than 2019-08-01",
    text="Unsupported api-version.",
    source=document("managed identities of App Service: the version", _SEEN),
    ours="the text",
)
APP_IDENTITY_NOT_FOUND = Rule(
    when="an identity that the app does not have, or an app without one",
    text="No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    source=report("the end-to-end tests of MSAL for Java and .NET", _SEEN),
)
