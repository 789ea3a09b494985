"""Examples of labels on containers, with and without segments, and of tags in Consul."""

from __future__ import annotations

from rondpoint.model import Server, Service, StickyCookie
from tests.system.examples_of_traefik_1.example import Example, Served

DOCKER = "configuration/backends/docker"
PASSWORD = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"


def labelled(name: str, labels: dict[str, str], *kinds: str, **options: object) -> Example:
    """Return an example of one container `web` at `shop.test`, with these labels below `traefik.`."""
    given = {"frontend.rule": "Host:shop.test", "port": "80", **labels}
    status = options.pop("status", 0)
    return Example(
        name,
        DOCKER,
        [Served("shop.test", "web", kinds, status)],  # type: ignore[arg-type]
        labels={"web": {f"traefik.{key}": value for key, value in given.items()}},
        **options,  # type: ignore[arg-type]
    )


EXAMPLES = [
    labelled("the smallest container", {}),
    labelled("a container with a protocol and a weight", {"protocol": "https", "weight": "10"}),
    labelled("a container's tags", {"tags": "foo,bar"}),
    labelled(
        "buffering of a container",
        {
            "backend.buffering.maxRequestBodyBytes": "0",
            "backend.buffering.maxResponseBodyBytes": "0",
            "backend.buffering.memRequestBodyBytes": "0",
            "backend.buffering.memResponseBodyBytes": "0",
            "backend.buffering.retryExpression": "IsNetworkError() && Attempts() <= 2",
        },
        "buffering",
    ),
    labelled(
        "limits of a container",
        {
            "backend.circuitbreaker.expression": "NetworkErrorRatio() > 0.5",
            "backend.maxconn.amount": "10",
            "backend.maxconn.extractorfunc": "client.ip",
            "backend.buffering.maxRequestBodyBytes": "1000",
        },
        *("circuitBreaker", "buffering", "inFlightReq"),
    ),
    labelled("the older users", {"frontend.auth.basic": PASSWORD}, "basicAuth"),
    labelled(
        "users",
        {
            "frontend.auth.basic.users": PASSWORD,
            "frontend.auth.basic.removeHeader": "true",
            "frontend.auth.headerField": "X-User",
        },
        "basicAuth",
    ),
    labelled(
        "digests",
        {"frontend.auth.digest.users": "test:traefik:a2688e031edb4be6a3797f3882655c05"},
        "digestAuth",
    ),
    labelled(
        "an authentication server",
        {
            "frontend.auth.forward.address": "https://auth.test",
            "frontend.auth.forward.authResponseHeaders": "X-User,X-Group",
            "frontend.auth.forward.trustForwardHeader": "true",
            "frontend.auth.forward.tls.insecureSkipVerify": "true",
        },
        "forwardAuth",
    ),
    labelled(
        "a white list of a container",
        {
            "frontend.whiteList.sourceRange": "10.0.0.0/8,fd00::/8",
            "frontend.whiteList.useXForwardedFor": "true",
        },
        "ipAllowList",
    ),
    labelled(
        "rates of a container",
        {
            "frontend.rateLimit.extractorFunc": "client.ip",
            "frontend.rateLimit.rateSet.short.period": "6",
            "frontend.rateLimit.rateSet.short.average": "6",
            "frontend.rateLimit.rateSet.short.burst": "6",
        },
        "rateLimit",
    ),
    labelled("a redirection of a container", {"frontend.redirect.entryPoint": "https"}, "redirectEntryPoint"),
    labelled(
        "a redirection of a container by an expression",
        {
            "frontend.redirect.regex": "^http://shop.test/(.*)",
            "frontend.redirect.replacement": "http://new.test/$1",
            "frontend.redirect.permanent": "true",
        },
        "redirectRegex",
    ),
    labelled(
        "headers of a container",
        {
            "frontend.headers.customRequestHeaders": "X-A:1||X-B:2",
            "frontend.headers.customResponseHeaders": "X-C:3||X-D:",
            "frontend.headers.allowedHosts": "shop.test,www.shop.test",
            "frontend.headers.SSLRedirect": "true",
            "frontend.headers.SSLProxyHeaders": "X-Forwarded-Proto:https",
            "frontend.headers.STSSeconds": "315360000",
            "frontend.headers.STSIncludeSubdomains": "true",
            "frontend.headers.frameDeny": "false",
            "frontend.headers.isDevelopment": "false",
        },
        "headers",
    ),
    labelled(
        "the client's certificate",
        {"frontend.passTLSClientCert.pem": "true"},
        "passTLSClientCert",
    ),
    Example(
        "error pages of another container",
        DOCKER,
        [Served("shop.test", "web", ("errors",)), Served("pages.test", "pages")],
        labels={
            "web": {
                "traefik.frontend.rule": "Host:shop.test",
                "traefik.frontend.errors.down.backend": "pages",
                "traefik.frontend.errors.down.query": "/{status}.html",
                "traefik.frontend.errors.down.status": "500-599",
            },
            "pages": {"traefik.backend": "pages", "traefik.frontend.rule": "Host:pages.test"},
        },
    ),
    Example(
        "sticky containers",
        "user-guide/swarm-mode",
        [Served("shop.test", "web")],
        labels={
            "web": {
                "traefik.port": "80",
                "traefik.frontend.rule": "Host:shop.test",
                "traefik.backend.loadbalancer.sticky": "true",
            }
        },
        services={
            "web": Service(
                "web@P", (Server("web", "172.17.0.2", 80),), sticky=StickyCookie("_TRAEFIK_BACKEND")
            )
        },
    ),
    Example(
        "two segments of a container, and an enabled container",
        "user-guide/docker-and-lets-encrypt",
        [
            Served("app.test", "app-basic"),
            Served("admin.test", "app-admin"),
            Served("events.test", "events"),
        ],
        labels={
            "app": {
                "traefik.docker.network": "bridge",
                "traefik.enable": "true",
                "traefik.basic.frontend.rule": "Host:app.test",
                "traefik.basic.port": "9000",
                "traefik.basic.protocol": "http",
                "traefik.admin.frontend.rule": "Host:admin.test",
                "traefik.admin.protocol": "https",
                "traefik.admin.port": "9443",
            },
            "other": {
                "traefik.backend": "events",
                "traefik.docker.network": "bridge",
                "traefik.frontend.rule": "Host:events.test",
                "traefik.enable": "true",
                "traefik.port": "3000",
            },
        },
    ),
    Example(
        "a segment with options of its own",
        DOCKER,
        [
            Served("part.test", "app-part", ("redirectEntryPoint", "buffering")),
            Served("rest.test", "app-rest", ("redirectRegex", "circuitBreaker")),
        ],
        labels={
            "app": {
                "traefik.part.port": "80",
                "traefik.part.frontend.rule": "Host:part.test",
                "traefik.part.frontend.redirect.entryPoint": "https",
                "traefik.part.backend.buffering.maxRequestBodyBytes": "1000",
                "traefik.rest.port": "81",
                "traefik.rest.frontend.rule": "Host:rest.test",
                "traefik.rest.frontend.redirect.regex": "^http://rest.test/old/(.*)",
                "traefik.rest.frontend.redirect.replacement": "http://rest.test/new/$1",
                "traefik.rest.backend.circuitbreaker.expression": "NetworkErrorRatio() > 0.5",
            }
        },
    ),
]
