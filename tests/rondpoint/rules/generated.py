"""Expressions and requests for property tests, with few values, so that they often match."""

from hypothesis import strategies as st

from rondpoint.rules.expression import And, Keyed, Match, Not, Or
from rondpoint.rules.request_facts import Facts

HOSTS = ("a.test", "b.test", "sub.a.test", "")
PATHS = ("/", "/api", "/api/x", '/we"ird`', "/apix")
METHODS = ("GET", "POST")
NETWORKS = ("192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32")
CLIENTS = ("192.0.2.1", "2001:db8::1", "")
PATTERNS = ("^a", "test$", "^/api/[a-z]+$", "b", "")
NAMES = ("x-a", "x-b")
VALUES = ("", "one", "two")

paths = st.builds(
    lambda kind, path: Match(kind, (path,)), st.sampled_from(["Path", "PathPrefix"]), st.sampled_from(PATHS)
)
matchers = st.one_of(
    paths,
    st.builds(lambda host: Match("Host", (host,)), st.sampled_from(HOSTS[:3])),
    st.builds(lambda pattern: Match("HostRegexp", (pattern,)), st.sampled_from(PATTERNS)),
    st.builds(lambda pattern: Match("PathRegexp", (pattern,)), st.sampled_from(PATTERNS)),
    st.builds(lambda method: Match("Method", (method,)), st.sampled_from(METHODS)),
    st.builds(lambda network: Match("ClientIP", (network,)), st.sampled_from(NETWORKS)),
    st.builds(
        lambda kind, name, value: Keyed(kind, name, (value,)),
        st.sampled_from(["Header", "HeaderRegexp", "Query", "QueryRegexp"]),
        st.sampled_from(NAMES),
        st.sampled_from(VALUES),
    ),
)
expressions = st.recursive(
    matchers,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda items: And(tuple(items))),
        st.lists(inner, min_size=2, max_size=3).map(lambda items: Or(tuple(items))),
        inner.map(Not),
    ),
    max_leaves=12,
)

REQUESTS = [
    Facts(host, path, METHODS[at % 2], {name: (value,)}, ((NAMES[at % 2], value),), CLIENTS[at % 3])
    for at, (host, path, name, value) in enumerate(
        (host, path, name, value) for host in HOSTS for path in PATHS for name in NAMES for value in VALUES
    )
]
