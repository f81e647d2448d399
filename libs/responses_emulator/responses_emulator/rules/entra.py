"""What Microsoft Entra refuses. The code is the number of the error, and the kind is its name in OAuth.

A script sends any row by its number; the token endpoint checks most of them. Where the source is the vendor's list of
error codes, the words are those of the list.
"""

from __future__ import annotations

from responses_emulator.rules.rule import UNSOURCED, Rule, document, report

_SEEN = "2026-12-01"
_LIST = document("Microsoft Entra authentication error codes", _SEEN)
_CLIENT, _GRANT, _REQUEST = "invalid_client", "invalid_grant", "invalid_request"

# Apps.
UNKNOWN_APP = Rule(
    when="a `client_id` that the tenant does not have",
    text=(
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant. You may have sent your authentication request to the wrong tenant."
    ),
    source=report("Yvand/EntraCP#337", _SEEN),
    code="AADSTS700016",
    kind="unauthorized_client",
)
UNKNOWN_TENANT = Rule(
    when="a tenant that does not exist; discovery names the error `invalid_tenant`",
    text=(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant."
    ),
    source=report("Azure/azure-cli#22145", _SEEN),
    code="AADSTS90002",
    kind=_REQUEST,
)
WRONG_SECRET = Rule(
    when="a wrong secret of an app",
    text=(
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
        "the client secret ID, for a secret added to app '{client}'."
    ),
    source=report("keycloak/keycloak#31294", _SEEN),
    status=401,
    code="AADSTS7000215",
    kind=_CLIENT,
)
EXPIRED_SECRET = Rule(
    when="a secret of an app that has expired",
    text=(
        "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds."
    ),
    source=report("dotnet/sign#849", _SEEN),
    status=401,
    code="AADSTS7000222",
    kind=_CLIENT,
)
NO_CREDENTIAL = Rule(
    when="an app without a secret and without an assertion",
    text="The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    source=_LIST,
    status=401,
    code="AADSTS7000218",
    kind=_CLIENT,
)
MALFORMED_ASSERTION = Rule(
    when="an assertion that is not a JWT, or that ends with a line feed",
    text="JWT token is invalid or malformed.",
    source=_LIST,
    ours="the text, and that a line feed is not allowed",
    code="AADSTS50027",
    kind=_REQUEST,
)
UNKNOWN_CERTIFICATE = Rule(
    when="an assertion signed with the key of a certificate that the app does not have",
    text=(
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        "[Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}']."
    ),
    source=report("AzureAD/microsoft-authentication-library-for-js#8339", _SEEN),
    ours="the text of the service goes on",
    status=401,
    code="AADSTS700027",
    kind=_CLIENT,
)
WRONG_SIGNATURE = Rule(
    when="an assertion whose signature or claims do not fit",
    text=(
        "Client assertion failed signature validation. [Reason - The provided signature value did not match the "
        "expected signature value., Thumbprint of key used by client: '{thumbprint}']."
    ),
    source=_LIST,
    ours="the reason, which Azure/azure-sdk-for-java 25109 has for AADSTS50013",
    status=401,
    code="AADSTS700027",
    kind=_CLIENT,
)
EXPIRED_ASSERTION = Rule(
    when="an assertion that has expired or is not valid yet",
    text=(
        "Client assertion is not within its valid time range. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials"
    ),
    source=report("AzureAD/microsoft-authentication-library-for-java#984", _SEEN),
    ours="the text of the service has the times",
    status=401,
    code="AADSTS700024",
    kind=_CLIENT,
)
WRONG_AUDIENCE = Rule(
    when="an assertion that is made for another address",
    text="Client assertion audience claim does not match Realm issuer.",
    source=report("AzureAD/microsoft-authentication-library-for-dotnet#2746", _SEEN),
    status=401,
    code="AADSTS700023",
    kind=_CLIENT,
)

# Federation.
UNKNOWN_ISSUER = Rule(
    when="a federated assertion of an issuer that the app does not trust",
    text=(
        "No matching federated identity record found for presented assertion issuer '{issuer}'. Please check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion."
    ),
    source=report("Azure/azure-workload-identity#1200", _SEEN),
    ours="the text, after that for the subject",
    status=401,
    code="AADSTS700211",
    kind=_CLIENT,
)
UNKNOWN_SUBJECT = Rule(
    when="a federated assertion for another subject",
    text=(
        "No matching federated identity record found for presented assertion subject '{subject}'. Check your federated "
        "identity credential Subject, Audience and Issuer against the presented assertion."
    ),
    source=report("dotnet/maui#31978", _SEEN),
    status=401,
    code="AADSTS700213",
    kind=_CLIENT,
)
OTHER_AUDIENCE = Rule(
    when="a federated assertion for another audience",
    text=(
        "No matching federated identity record found for presented assertion audience '{audience}'. Please check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion."
    ),
    source=UNSOURCED,
    ours="the text, after that for the subject",
    status=401,
    code="AADSTS700212",
    kind=_CLIENT,
)

# Scopes, grants and users.
INVALID_SCOPE = Rule(
    when="a scope that names no resource, or one of an app that is not `…/.default`",
    text=(
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid."
    ),
    source=_LIST,
    ours="the text",
    code="AADSTS70011",
    kind="invalid_scope",
)
UNKNOWN_RESOURCE = Rule(
    when="a resource that the tenant does not have",
    text=(
        "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user in the "
        "tenant."
    ),
    source=_LIST,
    code="AADSTS500011",
    kind="invalid_resource",
)
UNSUPPORTED_GRANT = Rule(
    when="a `grant_type` that the service does not have",
    text="The app requested an unsupported grant type '{grant}'.",
    source=_LIST,
    code="AADSTS70003",
    kind="unsupported_grant_type",
)
MALFORMED_GRANT = Rule(
    when="a refresh token or an authorization code that does not exist, or of another app",
    text="Invalid request. Request is malformed or invalid.",
    source=_LIST,
    ours="that the service says so of these",
    code="AADSTS9002313",
    kind=_GRANT,
)
USED_CODE = Rule(
    when="a code that was used before",
    text=(
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh "
        "token."
    ),
    source=_LIST,
    ours="that a device code is refused so too",
    code="AADSTS54005",
    kind=_GRANT,
)
WRONG_REDIRECT = Rule(
    when="a `redirect_uri` that the app does not have, or another one than the code was made for",
    text=(
        "The redirect URI '{resource}' specified in the request does not match the redirect URIs configured for the "
        "application '{client}'."
    ),
    source=_LIST,
    ours="the text",
    code="AADSTS50011",
    kind=_REQUEST,
)
WRONG_VERIFIER = Rule(
    when="a `code_verifier` that does not fit",
    text="The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    source=_LIST,
    code="AADSTS501481",
    kind=_GRANT,
)
CONSENT_DECLINED = Rule(
    when="a sign-in in the browser that the user declines",
    text="User declined to consent to access the app.",
    source=_LIST,
    code="AADSTS65004",
    kind="access_denied",
)
NO_CONSENT = Rule(
    when="an app that the user has not consented to, if a script says so",
    text=(
        "The user or administrator has not consented to use the application with ID '{client}'. Send an interactive "
        "authorization request for this user and resource."
    ),
    source=_LIST,
    code="AADSTS65001",
    kind=_GRANT,
)
SECOND_FACTOR = Rule(
    when="a user who needs a second factor, if a script says so",
    text=(
        "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
        "use multi-factor authentication to access '{resource}'."
    ),
    source=_LIST,
    code="AADSTS50076",
    kind=_GRANT,
)
CONDITIONAL_ACCESS = Rule(
    when="a sign-in that a policy blocks, if a script says so",
    text="Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    source=_LIST,
    code="AADSTS53003",
    kind=_GRANT,
)
REFRESH_EXPIRED = Rule(
    when="a refresh token that was not used for 90 days, if a test says so",
    text=(
        "The refresh token has expired due to inactivity. The token was issued on 2026-01-01T00:00:00.0000000Z and was "
        "inactive for 90.00:00:00."
    ),
    source=_LIST,
    code="AADSTS700082",
    kind=_GRANT,
)
SIGN_IN_FREQUENCY = Rule(
    when="a refresh token that a policy ends, if a script says so",
    text="The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
    source=_LIST,
    code="AADSTS70043",
    kind=_GRANT,
)
TRANSIENT = Rule(
    when="any request while its own directory is away, if a script says so",
    text="A transient error has occurred. Please try again.",
    source=_LIST,
    ours="the text",
    code="AADSTS90033",
    kind="temporarily_unavailable",
)

# Device codes.
DEVICE_PENDING = Rule(
    when="a poll before the user has approved",
    text="OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    source=_LIST,
    code="AADSTS70016",
    kind="authorization_pending",
)
DEVICE_DECLINED = Rule(
    when="a poll after the user has declined",
    text="The end user denied the authorization request.",
    source=document("Microsoft identity platform and the device authorization grant: the error", _SEEN),
    ours="the number",
    code="AADSTS70017",
    kind="authorization_declined",
)
DEVICE_UNKNOWN = Rule(
    when="a poll with a code that does not exist",
    text="Invalid verification code due to User typing in wrong user code.",
    source=_LIST,
    code="AADSTS70018",
    kind="bad_verification_code",
)
DEVICE_EXPIRED = Rule(
    when="a poll after the code has expired",
    text="The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    source=report("microsoft/vscode-azure-account#987", _SEEN),
    code="AADSTS70020",
    kind="expired_token",
)
SLOW_DOWN = Rule(
    when="a poll before the interval is over, if a script says so",
    text="The device polls too often. Wait longer between two requests.",
    source=document("RFC 8628, section 3.5: the error", _SEEN),
    ours="the text, and that it has no number",
    kind="slow_down",
)
