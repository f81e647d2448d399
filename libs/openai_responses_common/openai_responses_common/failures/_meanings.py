"""What failures mean to the host: one row per class of error, retry and remedy that the tables refer to."""

from __future__ import annotations

from amplifier_core import llm_errors as kernel

from ..facts.backend_profile import ErrorMeaning
from .connections import CERTIFICATE_REMEDY, NETWORK_REMEDY

LATER_REMEDY = "try again later"
PAGE_REMEDY = "a proxy sent it in place of the service; try again later, or check the address and the proxy"

RATE_LIMIT = ErrorMeaning(error=kernel.RateLimitError, retryable=True, remedy="wait, or lower max_concurrent_requests")
QUOTA = ErrorMeaning(error=kernel.QuotaExceededError, remedy="check your plan and billing; waiting does not help")
AUTHENTICATION = ErrorMeaning(error=kernel.AuthenticationError)
ACCESS_DENIED = ErrorMeaning(error=kernel.AccessDeniedError, remedy="use a model, a project or a key that has access")
CONTEXT_LENGTH = ErrorMeaning(error=kernel.ContextLengthError, remedy="shorten or compact the conversation")
CONTENT_FILTER = ErrorMeaning(error=kernel.ContentFilterError, remedy="rephrase the request")
INVALID_REQUEST = ErrorMeaning(error=kernel.InvalidRequestError)
NOT_FOUND = ErrorMeaning(error=kernel.NotFoundError, remedy="check the model and the address")
NO_MODEL = ErrorMeaning(error=kernel.NotFoundError, remedy="choose a model that the service lists")
UNAVAILABLE = ErrorMeaning(error=kernel.ProviderUnavailableError, retryable=True, remedy=LATER_REMEDY)
TIMEOUT = ErrorMeaning(error=kernel.LLMTimeoutError, retryable=True)
STREAM_ERROR = ErrorMeaning(error=kernel.StreamError, retryable=True, remedy="ask again")
NETWORK_ERROR = ErrorMeaning(error=kernel.NetworkError, retryable=True, remedy=NETWORK_REMEDY)
NO_TLS = ErrorMeaning(error=kernel.NetworkError, retryable=True, remedy="does the address need http:// ?")
UNTRUSTED_CERTIFICATE = ErrorMeaning(error=kernel.NetworkError, remedy=CERTIFICATE_REMEDY)
TOO_LARGE_FOR_RATE_LIMIT = ErrorMeaning(
    error=kernel.RateLimitError,
    remedy="it is larger than the limit per minute; compact the conversation or lower max_output_tokens",
)
UNKNOWN_GATEWAY_KEY = ErrorMeaning(error=kernel.AuthenticationError, remedy="the gateway knows no such key")
REFUSED_GATEWAY_KEY = ErrorMeaning(
    error=kernel.AuthenticationError,
    remedy="the gateway's own key for this model was refused, so its operator has to correct that key",
)
BAD_IMAGE = ErrorMeaning(
    error=kernel.InvalidRequestError,
    remedy="the service cannot read an image of the newest message: attach it again as PNG or JPEG, or leave it out",
)
NO_IMAGES = ErrorMeaning(
    error=kernel.InvalidRequestError, remedy="leave the image out, or choose a model that takes images"
)
WRONG_PATH = ErrorMeaning(error=kernel.NotFoundError)
WRONG_ADDRESS = ErrorMeaning(error=kernel.ConfigurationError)
REDIRECT = ErrorMeaning(
    error=kernel.ConfigurationError,
    remedy="redirects are not followed; set base_url to the address to which the service redirects",
)
PROXY_LOGIN = ErrorMeaning(
    error=kernel.ConfigurationError,
    remedy="the proxy requires a login; add its user name and password to the URL in HTTPS_PROXY or HTTP_PROXY",
)
