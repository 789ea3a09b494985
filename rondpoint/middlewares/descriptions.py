"""Descriptions of all kinds of middleware and of their options, for the reference pages.

The keys are kinds, and paths of options below them; `*` is any name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _below(path: str, meanings: Mapping[str, str]) -> dict[str, str]:
    return {f"{path}.{name}": description for name, description in meanings.items()}


_ADDRESS = {
    "depth": "position of the client's address in `X-Forwarded-For`, counted from the right",
    "excludedIPs": "otherwise the first address from the right that is not in these networks",
    "ipv6Subnet": "bits of an IPv6 address that identify a client",
}
_CRITERION = {
    **_below("ipStrategy", _ADDRESS),
    "requestHeaderName": "count by the value of this header",
    "requestHost": "count by the requested host",
}
_TLS = {
    "ca": "file with the authority that verifies the server's certificate",
    "cert": "file with the client certificate",
    "key": "file with the key of the client certificate",
    "insecureSkipVerify": "accept any server certificate",
}
_NAMES = {
    "country": "pass on the country",
    "province": "pass on the province",
    "locality": "pass on the town",
    "organization": "pass on the organization",
    "commonName": "pass on the common name",
    "serialNumber": "pass on the serial number",
    "domainComponent": "pass on the domain components",
}
_USERS = {
    "usersFile": "file on the proxy's machine with one user on each line; read again when it changes",
    "realm": "name of the protected area that browsers show",
    "removeHeader": "remove `Authorization` from the request to the server",
    "headerField": "header that passes the user's name to the server",
}
_PERMANENT = "redirect with 301 instead of 302; methods other than GET get 308 instead of 307"

_ACCESS = {
    "encodedCharacters": "refuses requests whose path has encoded special characters, except allowed ones",
    "encodedCharacters.allowEncodedSlash": "allow `%2F`",
    "encodedCharacters.allowEncodedBackSlash": "allow `%5C`",
    "encodedCharacters.allowEncodedNullCharacter": "allow `%00`",
    "encodedCharacters.allowEncodedSemicolon": "allow `%3B`",
    "encodedCharacters.allowEncodedPercent": "allow `%25`",
    "encodedCharacters.allowEncodedQuestionMark": "allow `%3F`",
    "encodedCharacters.allowEncodedHash": "allow `%23`",
    "ipAllowList": "accepts requests from the listed addresses only",
    "ipAllowList.sourceRange": "accepted addresses and networks",
    **_below("ipAllowList.ipStrategy", _ADDRESS),
    "ipAllowList.rejectStatusCode": "status of the response to other clients",
    "ipWhiteList": "the older name of `ipAllowList`",
    "ipWhiteList.sourceRange": "accepted addresses and networks",
    **_below("ipWhiteList.ipStrategy", _ADDRESS),
    "passTLSClientCert": "passes the certificates of TLS clients to the server in headers",
    "passTLSClientCert.pem": "pass on the whole certificate, in `X-Forwarded-Tls-Client-Cert`",
    "passTLSClientCert.info.notAfter": "pass on the end of its validity",
    "passTLSClientCert.info.notBefore": "pass on the start of its validity",
    "passTLSClientCert.info.sans": "pass on its alternative names",
    "passTLSClientCert.info.serialNumber": "pass on its serial number",
    **_below("passTLSClientCert.info.issuer", _NAMES),
    **_below("passTLSClientCert.info.subject", _NAMES),
    "passTLSClientCert.info.subject.organizationalUnit": "pass on the organizational unit",
    "passTLSClientCert.traefik1Format": "write the headers as Traefik 1: escaped, and the parts in "
    "`X-Forwarded-Tls-Client-Cert-Infos`; set by Traefik 1's labels and files",
}

_AUTH = {
    "basicAuth": "requires a user and a password, by HTTP basic authentication",
    "basicAuth.users": "accepted users, with hashes as `htpasswd` writes them (bcrypt, MD5, SHA-1); "
    "in a compose file with `$$` for each `$`",
    **_below("basicAuth", _USERS),
    "digestAuth": "requires a user and a password, by HTTP digest authentication",
    "digestAuth.users": "accepted users, with hashes as `htdigest` writes them",
    **_below("digestAuth", _USERS),
    "forwardAuth": "sends each request to an authentication service, which decides whether it may pass",
    "forwardAuth.address": "URL of that service; any status from 200 to 299 lets the request pass",
    **_below("forwardAuth.tls", _TLS),
    "forwardAuth.tls.caOptional": "no effect in Traefik 3",
    "forwardAuth.trustForwardHeader": "pass on all `X-Forwarded-*` headers of the request; `false`: none; "
    "unset: all but those with address, protocol, method, host and URI",
    "forwardAuth.authResponseHeaders": "headers of its response for the server, in place of the client's",
    "forwardAuth.authResponseHeadersRegex": "the same, for all headers whose names match",
    "forwardAuth.authRequestHeaders": "headers of the request to send to it; by default all",
    "forwardAuth.addAuthCookiesToResponse": "cookies of its response to pass to the client",
    "forwardAuth.headerField": "header of its response with the user's name, for the access log",
    "forwardAuth.forwardBody": "send it the body too",
    "forwardAuth.maxBodySize": (
        "most bytes of a body to send to it; longer ones get 401. -1: `limits.bodyBytes`, or 16 MiB without"
        " that; longer ones get 413"
    ),
    "forwardAuth.maxResponseBodySize": "most bytes of its response to read; by default 4 MiB, -1: no limit",
    "forwardAuth.preserveLocationHeader": "pass on its `Location` header unchanged",
    "forwardAuth.preserveRequestMethod": "use the method of the request instead of GET",
    "forwardAuth.authSigninURL": "URL to which clients are redirected if it responds with 401",
}

_CONTENT = {
    "compress": "compresses responses for clients that accept it",
    "compress.excludedContentTypes": "content types that are not compressed",
    "compress.includedContentTypes": "the only content types that are compressed",
    "compress.minResponseBodyBytes": "bytes of the smallest body that is compressed; 0 stands for 1024",
    "compress.encodings": "encodings in order of preference",
    "compress.defaultEncoding": "encoding for clients that name none",
    "contentType": "adds `Content-Type` to responses without it, by the first bytes of their body",
    "contentType.autoDetect": "`false` turns it off; deprecated in Traefik 3",
    "errors": (
        "replaces responses, also the proxy's own errors, with pages of another service, of up to 4 MiB. The "
        "status stays. Of the headers only `WWW-Authenticate` of a 401 and `Allow` of a 405 stay. If no "
        "page comes within 10 s, clients get the response that it would replace"
    ),
    "errors.status": "statuses of the responses to replace",
    "errors.statusRewrites": "statuses that clients get instead, by status or range; the first match counts",
    "errors.service": (
        "service that provides the pages; a router whose page service does not exist responds with 503"
    ),
    "errors.query": (
        "path of the page; `{status}` (the new one), `{originalStatus}` and `{url}` are placeholders in it"
    ),
    "errors.errorRequestHeaders": (
        "headers of the request to send to it, `[]` for none; by default all but conditions and ranges"
    ),
    "grpcWeb": "converts gRPC-Web requests of browsers to gRPC",
    "grpcWeb.allowOrigins": "accepted origins",
    "headers": (
        "changes headers, adds security headers, and responds to cross-origin requests. Headers that belong "
        "to one connection or frame a message (`Connection`, `Content-Length`, `Keep-Alive`, `TE`, "
        "`Trailer`, `Transfer-Encoding`, `Upgrade`) cannot be set or removed: a router with such an option "
        "responds with 503. `Connection: upgrade`, `Connection: keep-alive`, `Keep-Alive` and `Upgrade` "
        "have no effect, because the proxy passes on WebSocket by itself; a note says so"
    ),
    "headers.customRequestHeaders": (
        "headers to set in the request; an empty value removes the header; `Host` is the Host for the server"
    ),
    "headers.customResponseHeaders": "headers to set in the response; an empty value removes the header",
    "headers.accessControlAllowCredentials": "allow pages of other origins to send cookies",
    "headers.accessControlAllowHeaders": "request headers that they may send",
    "headers.accessControlAllowMethods": "methods that they may use",
    "headers.accessControlAllowOriginList": "allowed origins",
    "headers.accessControlAllowOriginListRegex": "expressions for allowed origins",
    "headers.accessControlExposeHeaders": "response headers that they may read",
    "headers.accessControlMaxAge": "seconds for which a browser may cache this",
    "headers.addVaryHeader": "add `Vary: Origin`, because the response depends on the origin",
    "headers.allowedHosts": "the only hosts whose requests are accepted",
    "headers.hostsProxyHeaders": "headers in which a proxy in front passes the host",
    "headers.sslProxyHeaders": "headers with the values by which a proxy in front reports TLS",
    "headers.stsSeconds": "seconds for which browsers must use TLS (`Strict-Transport-Security`)",
    "headers.stsIncludeSubdomains": "include all subdomains",
    "headers.stsPreload": "allow browsers to include the host in their preload lists",
    "headers.forceSTSHeader": "send `Strict-Transport-Security` without TLS too",
    "headers.frameDeny": "forbid all pages to show this one in a frame",
    "headers.customFrameOptionsValue": "value of `X-Frame-Options`, instead of `frameDeny`",
    "headers.contentTypeNosniff": "send `X-Content-Type-Options: nosniff`",
    "headers.browserXssFilter": "send `X-XSS-Protection: 1; mode=block`",
    "headers.customBrowserXSSValue": "value of `X-XSS-Protection`, instead of `browserXssFilter`",
    "headers.contentSecurityPolicy": "value of `Content-Security-Policy`",
    "headers.contentSecurityPolicyReportOnly": "value of `Content-Security-Policy-Report-Only`",
    "headers.publicKey": "value of `Public-Key-Pins`, which browsers no longer support",
    "headers.referrerPolicy": "value of `Referrer-Policy`",
    "headers.permissionsPolicy": "value of `Permissions-Policy`",
    "headers.isDevelopment": "turn off the options for hosts, TLS and `Strict-Transport-Security`",
    "headers.featurePolicy": "no effect in Traefik 3; use `permissionsPolicy`",
    "headers.sslRedirect": "redirect clients to TLS; only in Traefik 1's syntax",
    "headers.sslTemporaryRedirect": "redirect with 307 instead of 301; only in Traefik 1's syntax",
    "headers.sslHost": "host of the redirection to TLS; only in Traefik 1's syntax",
    "headers.sslForceHost": "redirect to `sslHost` over TLS too; only in Traefik 1's syntax",
    "plugin": "runs a [middleware in Python](../middlewares.md) that is installed beside Rondpoint",
    "plugin.*": "the name of the middleware, with its options below; without options, `true`",
}

_PATHS = {
    "addPrefix": "adds a prefix to the path",
    "addPrefix.prefix": "the prefix",
    "chain": "combines several middlewares under one name",
    "chain.middlewares": "the middlewares, in order",
    "redirectEntryPoint": (
        "redirects clients to the scheme and port of another entry point, as in Traefik 1; not in Traefik 3."
        " Requests of that entry point pass"
    ),
    "redirectEntryPoint.entryPoint": "the other entry point",
    "redirectEntryPoint.permanent": _PERMANENT,
    "redirectRegex": "redirects clients whose URL matches to another URL",
    "redirectRegex.regex": "expression that the URL must match",
    "redirectRegex.replacement": "replacement for the match; `$1` or `${1}` is the first group",
    "redirectRegex.permanent": _PERMANENT,
    "redirectScheme": "redirects clients to another scheme",
    "redirectScheme.scheme": "the other scheme, such as `https`",
    "redirectScheme.port": "the other port",
    "redirectScheme.permanent": _PERMANENT,
    "replacePath": "replaces the whole path",
    "replacePath.path": "the new path",
    "replacePathRegex": "rewrites paths that match",
    "replacePathRegex.regex": "expression that the path must match",
    "replacePathRegex.replacement": "replacement for the match; `$1` or `${1}` is the first group",
    "stripPrefix": "removes a prefix from the path",
    "stripPrefix.prefixes": "prefixes, of which the first match is removed",
    "stripPrefix.forceSlash": "keep a `/` if nothing else is left",
    "stripPrefixRegex": "removes a prefix that matches an expression from the path",
    "stripPrefixRegex.regex": "expressions for prefixes",
}

_MODIFIED = {
    "set": "headers to set, in place of those of the same name",
    "add": "headers to add to those of the same name",
    "remove": "names of headers to remove",
}
_CHANGED_PATH = {
    "path": "the new path",
    "pathPrefix": "if given, `path` replaces only this prefix of the path",
}

_GATEWAY = {
    "requestHeaderModifier": "changes headers of the request, as in Kubernetes' Gateway API",
    **_below("requestHeaderModifier", _MODIFIED),
    "requestRedirect": "redirects all clients, as in Kubernetes' Gateway API",
    "requestRedirect.scheme": "the new scheme; the default is that of the connection",
    "requestRedirect.hostname": "the new host; the default is that of the request",
    "requestRedirect.port": (
        "the new port; without it, the scheme's own if `scheme` is given, else that of the request"
    ),
    **_below("requestRedirect", _CHANGED_PATH),
    "requestRedirect.statusCode": "the status",
    "responseHeaderModifier": "changes headers of the response, as in Kubernetes' Gateway API",
    **_below("responseHeaderModifier", _MODIFIED),
    "timeouts": "limits the time until the response is complete, as in Kubernetes' Gateway API; after it, "
    "clients get 504, or a response that has begun is cut",
    "timeouts.request": "for the whole request, with all attempts; 0: no limit",
    "timeouts.backendRequest": "for each attempt at a server; 0: no limit",
    "urlRewrite": "changes host and path of the request, as in Kubernetes' Gateway API",
    "urlRewrite.hostname": "the Host for the server",
    **_below("urlRewrite", _CHANGED_PATH),
}

_TRAFFIC = {
    "buffering": "passes on requests and responses only once their bodies are complete",
    "buffering.maxRequestBodyBytes": "requests with a longer body get 413; 0: no limit",
    "buffering.memRequestBodyBytes": "longer bodies are buffered on disk; 0: the default",
    "buffering.maxResponseBodyBytes": "a longer response becomes a 500; 0: no limit",
    "buffering.memResponseBodyBytes": "longer bodies are buffered on disk; 0: the default",
    "buffering.retryExpression": (
        "condition for sending a request again: comparisons of `Attempts()`, `ResponseCode()` or"
        " `RequestMethod()`, or `IsNetworkError()`, with `&&`, `\\|\\|`, `!` and parentheses"
    ),
    "circuitBreaker": (
        "responds instead of the service for a time, once recent requests meet a condition. Each router has"
        " a circuit breaker of its own, which all workers of an instance share"
    ),
    "circuitBreaker.expression": (
        "condition that opens the circuit breaker: comparisons of `NetworkErrorRatio()`,"
        " `ResponseCodeRatio(from, to, dividedByFrom, dividedByTo)` or `LatencyAtQuantileMS(percentile)` with"
        " numbers, with `&&`, `\\|\\|`, `!` and parentheses"
    ),
    "circuitBreaker.checkPeriod": "time between two checks of the condition; 0: the default",
    "circuitBreaker.fallbackDuration": "time for which the circuit breaker stays open; 0: the default",
    "circuitBreaker.recoveryDuration": "time after that in which more and more requests pass; 0: the default",
    "circuitBreaker.responseCode": "status of its responses",
    "inFlightReq": "limits the number of simultaneous requests; further ones get 429",
    "inFlightReq.amount": "requests at once",
    **_below("inFlightReq.sourceCriterion", _CRITERION),
    "rateLimit": "limits the rate of requests; further ones get 429; all proxies with the same store hold a "
    "limit together, so the options below `redis` have no effect",
    "rateLimit.average": "requests per `period`; 0: no limit",
    "rateLimit.period": "the period for `average`",
    "rateLimit.burst": "requests that may come at once",
    **_below("rateLimit.sourceCriterion", _CRITERION),
    "rateLimit.redis.endpoints": "addresses of the Redis servers that keep the counts",
    **_below("rateLimit.redis.tls", _TLS),
    "rateLimit.redis.username": "user name",
    "rateLimit.redis.password": "password",
    "rateLimit.redis.db": "number of the database",
    "rateLimit.redis.poolSize": "most connections; 0: ten for each core",
    "rateLimit.redis.minIdleConns": "idle connections to keep at least",
    "rateLimit.redis.maxActiveConns": "most connections in use at once; 0: no limit",
    "rateLimit.redis.readTimeout": "timeout for a response",
    "rateLimit.redis.writeTimeout": "timeout for sending a command",
    "rateLimit.redis.dialTimeout": "timeout for connecting",
    "retry": "tries another server if one cannot be reached",
    "retry.attempts": "attempts in total",
    "retry.timeout": "no attempt begins after this time; 0: no limit",
    "retry.initialInterval": "pause before the second attempt; each further pause is longer",
    "retry.maxRequestBodyBytes": "no effect: a request is sent again if its body came with its head",
    "retry.status": "statuses that count as a failure too",
    "retry.disableRetryOnNetworkError": "retry only because of the status",
    "retry.retryNonIdempotentMethod": "retry POST, PATCH and LOCK too",
}

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {**_ACCESS, **_AUTH, **_CONTENT, **_GATEWAY, **_PATHS, **_TRAFFIC}
)

TCP_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "inFlightConn": "limits the simultaneous connections of one client address; further ones are closed",
        "inFlightConn.amount": "connections at once; 0 closes all",
        "ipAllowList": "accepts connections from the listed addresses only",
        "ipAllowList.sourceRange": "accepted addresses and networks",
        "ipWhiteList": "the older name of `ipAllowList`",
        "ipWhiteList.sourceRange": "accepted addresses and networks",
    }
)
"""The same for the middlewares of TCP routers."""
