"""Providers that dns-lexicon serves: from lego's names and variables to its names and options.

Variables and times are those of lego 4.35, providers and options those of dns-lexicon 3.25. Providers whose
variables do not fit the options are absent.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping

from msgspec import Struct

from discovery.acme.dns.timing import Timing


class Option(Struct, frozen=True):
    """An option of dns-lexicon and the variables with its value; the first that is set counts.

    `convert` changes the value to the form that dns-lexicon expects. Only a `secret` is masked in errors.
    """

    name: str
    variables: tuple[str, ...]
    optional: bool = False
    secret: bool = True
    convert: Callable[[str], str] | None = None


Credentials = tuple[Option, ...]
"""Options that belong together."""


class Row(Struct, frozen=True):
    """One provider: lego's `names` (the first is the usual one), and dns-lexicon's `provider`.

    The first credentials of which all variables are set count. `prefix` begins lego's variables for times.
    `refused` are variables of lego that would have no effect. `fixed` are further options of dns-lexicon.
    With `one_value`, a second TXT record of a name replaces the first. `labels` is the number of labels of a
    zone, where the API's zones are not those of the DNS. `note` is for users.
    """

    names: tuple[str, ...]
    provider: str
    prefix: str
    credentials: tuple[Credentials, ...]
    timing: Timing = Timing()
    refused: tuple[str, ...] = ()
    fixed: Mapping[str, str] = {}
    one_value: bool = False
    labels: int = 0
    note: str = ""


def _secret(name: str, *variables: str, convert: Callable[[str], str] | None = None) -> Option:
    return Option(name, variables, convert=convert)


def _plain(name: str, *variables: str, optional: bool = False) -> Option:
    return Option(name, variables, optional=optional, secret=False)


def _times(propagation: float = 60.0, polling: float = 2.0, ttl: int = 120, http: float = 30.0) -> Timing:
    return Timing(propagation, polling, ttl, http)


def _in_base64(content: str) -> str:
    return f"base64::{b64encode(content.encode()).decode()}"


def _before_comma(value: str) -> str:
    return value.partition(",")[0]


def _after_comma(value: str) -> str:
    return value.partition(",")[2]


_AZURE = (
    _plain("auth_client_id", "AZURE_CLIENT_ID"),
    _secret("auth_client_secret", "AZURE_CLIENT_SECRET"),
    _plain("auth_tenant_id", "AZURE_TENANT_ID"),
    _plain("auth_subscription_id", "AZURE_SUBSCRIPTION_ID"),
    _plain("resource_group", "AZURE_RESOURCE_GROUP"),
)

ROWS = (
    Row(
        ("alidns",),
        "aliyun",
        "ALICLOUD",
        ((_secret("auth_key_id", "ALICLOUD_ACCESS_KEY"), _secret("auth_secret", "ALICLOUD_SECRET_KEY")),),
        _times(ttl=600, http=10),
        refused=("ALICLOUD_RAM_ROLE", "ALICLOUD_SECURITY_TOKEN", "ALICLOUD_LINE"),
    ),
    Row(
        ("arvancloud",),
        "arvancloud",
        "ARVANCLOUD",
        ((_secret("auth_token", "ARVANCLOUD_API_KEY"),),),
        _times(120, ttl=600),
    ),
    Row(
        ("auroradns",),
        "aurora",
        "AURORA",
        ((_secret("auth_api_key", "AURORA_API_KEY"), _secret("auth_secret_key", "AURORA_SECRET")),),
        _times(ttl=300),
        refused=("AURORA_ENDPOINT",),
    ),
    Row(
        ("azuredns", "azure"),
        "azure",
        "AZURE",
        (_AZURE,),
        _times(120, ttl=60),
        refused=(
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_ENVIRONMENT",
            "AZURE_METADATA_ENDPOINT",
            "AZURE_PRIVATE_ZONE",
            "AZURE_ZONE_NAME",
        ),
    ),
    Row(
        ("cloudflare",),
        "cloudflare",
        "CLOUDFLARE",
        (
            (_secret("auth_token", "CF_DNS_API_TOKEN", "CLOUDFLARE_DNS_API_TOKEN"),),
            (
                _plain("auth_username", "CF_API_EMAIL", "CLOUDFLARE_EMAIL"),
                _secret("auth_token", "CF_API_KEY", "CLOUDFLARE_API_KEY"),
            ),
        ),
        _times(120),
        refused=("CLOUDFLARE_BASE_URL",),
        note="the API token needs the permissions Zone:Read and DNS:Edit; CF_ZONE_API_TOKEN has no effect",
    ),
    Row(
        ("cloudns",),
        "cloudns",
        "CLOUDNS",
        (
            (_plain("auth_id", "CLOUDNS_AUTH_ID"), _secret("auth_password", "CLOUDNS_AUTH_PASSWORD")),
            (_plain("auth_subid", "CLOUDNS_SUB_AUTH_ID"), _secret("auth_password", "CLOUDNS_AUTH_PASSWORD")),
        ),
        _times(180, 10, 60),
    ),
    Row(
        ("constellix",),
        "constellix",
        "CONSTELLIX",
        ((_secret("auth_username", "CONSTELLIX_API_KEY"), _secret("auth_token", "CONSTELLIX_SECRET_KEY")),),
        _times(polling=10, ttl=60),
    ),
    Row(("desec",), "desec", "DESEC", ((_secret("auth_token", "DESEC_TOKEN"),),), _times(120, 4, 3600)),
    Row(
        ("digitalocean",),
        "digitalocean",
        "DO",
        ((_secret("auth_token", "DO_AUTH_TOKEN"),),),
        _times(polling=5, ttl=30),
        refused=("DO_API_URL",),
    ),
    Row(
        ("directadmin",),
        "directadmin",
        "DIRECTADMIN",
        (
            (
                _plain("endpoint", "DIRECTADMIN_API_URL"),
                _plain("auth_username", "DIRECTADMIN_USERNAME"),
                _secret("auth_password", "DIRECTADMIN_PASSWORD"),
            ),
        ),
        _times(polling=5, ttl=30),
        refused=("DIRECTADMIN_ZONE_NAME",),
    ),
    Row(
        ("dnsimple",),
        "dnsimple",
        "DNSIMPLE",
        ((_secret("auth_token", "DNSIMPLE_OAUTH_TOKEN"),),),
        refused=("DNSIMPLE_BASE_URL",),
    ),
    Row(
        ("dnsmadeeasy",),
        "dnsmadeeasy",
        "DNSMADEEASY",
        ((_secret("auth_username", "DNSMADEEASY_API_KEY"), _secret("auth_token", "DNSMADEEASY_API_SECRET")),),
        _times(http=10),
        refused=("DNSMADEEASY_SANDBOX",),
    ),
    Row(
        ("dnspod",),
        "dnspod",
        "DNSPOD",
        (
            (
                Option("auth_username", ("DNSPOD_API_KEY",), convert=_before_comma),
                Option("auth_token", ("DNSPOD_API_KEY",), convert=_after_comma),
            ),
        ),
        _times(ttl=600),
    ),
    Row(
        ("dreamhost",),
        "dreamhost",
        "DREAMHOST",
        ((_secret("auth_token", "DREAMHOST_API_KEY"),),),
        _times(3600, 60),
    ),
    Row(
        ("duckdns",),
        "duckdns",
        "DUCKDNS",
        ((_secret("auth_token", "DUCKDNS_TOKEN"),),),
        one_value=True,
        labels=3,
        note="a name holds one TXT record only, so a name and its wildcard need one order each",
    ),
    Row(("dynu",), "dynu", "DYNU", ((_secret("auth_token", "DYNU_API_KEY"),),), _times(180, 10, 300)),
    Row(
        ("easydns",),
        "easydns",
        "EASYDNS",
        ((_secret("auth_username", "EASYDNS_TOKEN"), _secret("auth_token", "EASYDNS_KEY")),),
        refused=("EASYDNS_ENDPOINT",),
    ),
    Row(
        ("exoscale",),
        "exoscale",
        "EXOSCALE",
        ((_secret("auth_key", "EXOSCALE_API_KEY"), _secret("auth_secret", "EXOSCALE_API_SECRET")),),
        _times(http=60),
        refused=("EXOSCALE_ENDPOINT",),
    ),
    Row(
        ("gandi",),
        "gandi",
        "GANDI",
        ((_secret("auth_token", "GANDI_API_KEY"),),),
        _times(2400, 60, 300, 60),
        fixed={"api_protocol": "rpc"},
    ),
    Row(
        ("gandiv5",),
        "gandi",
        "GANDIV5",
        ((_secret("auth_token", "GANDIV5_PERSONAL_ACCESS_TOKEN", "GANDIV5_API_KEY"),),),
        _times(1200, 20, 300, 10),
        fixed={"api_protocol": "rest"},
    ),
    Row(
        ("gcloud",),
        "googleclouddns",
        "GCE",
        ((_secret("auth_service_account_info", "GCE_SERVICE_ACCOUNT", convert=_in_base64),),),
        _times(180, 5),
        refused=("GCE_ALLOW_PRIVATE_ZONE", "GCE_IMPERSONATE_SERVICE_ACCOUNT", "GCE_ZONE_ID"),
        note="the service account is required as JSON and names the project; GCE_PROJECT has no effect",
    ),
    Row(
        ("glesys",),
        "glesys",
        "GLESYS",
        ((_plain("auth_username", "GLESYS_API_USER"), _secret("auth_token", "GLESYS_API_KEY")),),
        _times(1200, 20, 60, 10),
    ),
    Row(
        ("godaddy",),
        "godaddy",
        "GODADDY",
        ((_secret("auth_key", "GODADDY_API_KEY"), _secret("auth_secret", "GODADDY_API_SECRET")),),
        _times(120, ttl=600),
    ),
    Row(
        ("hetzner",),
        "hetzner",
        "HETZNER",
        ((_secret("auth_token", "HETZNER_API_TOKEN", "HETZNER_API_KEY"),),),
        _times(120),
    ),
    Row(
        ("hostingde",),
        "hostingde",
        "HOSTINGDE",
        ((_secret("auth_token", "HOSTINGDE_API_KEY"),),),
        _times(120),
        refused=("HOSTINGDE_ZONE_NAME",),
    ),
    Row(
        ("httpnet",),
        "httpnet",
        "HTTPNET",
        ((_secret("auth_token", "HTTPNET_API_KEY"),),),
        _times(120),
        refused=("HTTPNET_ZONE_NAME",),
    ),
    Row(
        ("infomaniak",),
        "infomaniak",
        "INFOMANIAK",
        ((_secret("auth_token", "INFOMANIAK_ACCESS_TOKEN"),),),
        _times(120, 10, 300),
        refused=("INFOMANIAK_ENDPOINT",),
    ),
    Row(
        ("internetbs",),
        "internetbs",
        "INTERNET_BS",
        ((_secret("auth_key", "INTERNET_BS_API_KEY"), _secret("auth_password", "INTERNET_BS_PASSWORD")),),
        _times(ttl=3600),
    ),
    Row(
        ("inwx",),
        "inwx",
        "INWX",
        ((_plain("auth_username", "INWX_USERNAME"), _secret("auth_password", "INWX_PASSWORD")),),
        _times(360, ttl=300),
        refused=("INWX_SHARED_SECRET", "INWX_SANDBOX"),
    ),
    Row(("ionos",), "ionos", "IONOS", ((_secret("api_key", "IONOS_API_KEY"),),), _times(900, ttl=300)),
    Row(
        ("joker",),
        "joker",
        "JOKER",
        ((_secret("auth_token", "JOKER_API_KEY"),),),
        _times(120, http=60),
        note="only the DMAPI with an API key is supported",
    ),
    Row(
        ("linode", "linodev4"),
        "linode",
        "LINODE",
        ((_secret("auth_token", "LINODE_TOKEN"),),),
        _times(120, 15, 300),
    ),
    Row(
        ("luadns",),
        "luadns",
        "LUADNS",
        ((_plain("auth_username", "LUADNS_API_USERNAME"), _secret("auth_token", "LUADNS_API_TOKEN")),),
        _times(120, ttl=300),
    ),
    Row(
        ("mythicbeasts",),
        "mythicbeasts",
        "MYTHICBEASTS",
        (
            (
                _plain("auth_username", "MYTHICBEASTS_USERNAME"),
                _secret("auth_password", "MYTHICBEASTS_PASSWORD"),
            ),
        ),
        _times(http=10),
        refused=("MYTHICBEASTS_API_ENDPOINT", "MYTHICBEASTS_AUTH_API_ENDPOINT"),
    ),
    Row(
        ("namecheap",),
        "namecheap",
        "NAMECHEAP",
        ((_plain("auth_username", "NAMECHEAP_API_USER"), _secret("auth_token", "NAMECHEAP_API_KEY")),),
        _times(3600, 15, http=60),
        refused=("NAMECHEAP_SANDBOX",),
        note="the account must allow this machine's public address",
    ),
    Row(
        ("namedotcom",),
        "namecom",
        "NAMECOM",
        ((_plain("auth_username", "NAMECOM_USERNAME"), _secret("auth_token", "NAMECOM_API_TOKEN")),),
        _times(900, 20, 300, 10),
    ),
    Row(
        ("namesilo",),
        "namesilo",
        "NAMESILO",
        ((_secret("auth_token", "NAMESILO_API_KEY"),),),
        _times(ttl=3600),
    ),
    Row(
        ("nearlyfreespeech",),
        "nfsn",
        "NEARLYFREESPEECH",
        (
            (
                _plain("auth_username", "NEARLYFREESPEECH_LOGIN"),
                _secret("auth_token", "NEARLYFREESPEECH_API_KEY"),
            ),
        ),
        _times(ttl=3600),
    ),
    Row(
        ("netcup",),
        "netcup",
        "NETCUP",
        (
            (
                _plain("auth_customer_id", "NETCUP_CUSTOMER_NUMBER"),
                _secret("auth_api_key", "NETCUP_API_KEY"),
                _secret("auth_api_password", "NETCUP_API_PASSWORD"),
            ),
        ),
        _times(900, 30, http=10),
    ),
    Row(("njalla",), "njalla", "NJALLA", ((_secret("auth_token", "NJALLA_TOKEN"),),), _times(ttl=300)),
    Row(("ns1",), "nsone", "NS1", ((_secret("auth_token", "NS1_API_KEY"),),), _times(http=10)),
    Row(
        ("onlinenet",),
        "online",
        "ONLINENET",
        ((_secret("auth_token", "ONLINENET_API_TOKEN"),),),
        _times(240, 15),
    ),
    Row(
        ("ovh",),
        "ovh",
        "OVH",
        (
            (
                _plain("auth_entrypoint", "OVH_ENDPOINT"),
                _secret("auth_application_key", "OVH_APPLICATION_KEY"),
                _secret("auth_application_secret", "OVH_APPLICATION_SECRET"),
                _secret("auth_consumer_key", "OVH_CONSUMER_KEY"),
            ),
        ),
        _times(http=180),
        refused=("OVH_CLIENT_ID", "OVH_CLIENT_SECRET", "OVH_ACCESS_TOKEN"),
    ),
    Row(
        ("pdns",),
        "powerdns",
        "PDNS",
        (
            (
                _secret("auth_token", "PDNS_API_KEY"),
                _plain("pdns_server", "PDNS_API_URL"),
                _plain("pdns_server_id", "PDNS_SERVER_NAME", optional=True),
            ),
        ),
        _times(120),
    ),
    Row(
        ("plesk",),
        "plesk",
        "PLESK",
        (
            (
                _plain("plesk_server", "PLESK_SERVER_BASE_URL"),
                _plain("auth_username", "PLESK_USERNAME"),
                _secret("auth_password", "PLESK_PASSWORD"),
            ),
        ),
        _times(ttl=300),
    ),
    Row(
        ("porkbun",),
        "porkbun",
        "PORKBUN",
        ((_secret("auth_key", "PORKBUN_API_KEY"), _secret("auth_secret", "PORKBUN_SECRET_API_KEY")),),
        _times(600, 10, 300),
    ),
    Row(
        ("rackspace",),
        "rackspace",
        "RACKSPACE",
        ((_plain("auth_username", "RACKSPACE_USER"), _secret("auth_api_key", "RACKSPACE_API_KEY")),),
        _times(polling=3, ttl=300),
    ),
    Row(
        ("rcodezero",),
        "rcodezero",
        "RCODEZERO",
        ((_secret("auth_token", "RCODEZERO_API_TOKEN"),),),
        _times(240, 10),
    ),
    Row(("regfish",), "regfish", "REGFISH", ((_secret("auth_api_key", "REGFISH_API_KEY"),),)),
    Row(
        ("route53",),
        "route53",
        "AWS",
        (
            (
                _plain("zone_id", "AWS_HOSTED_ZONE_ID", optional=True),
                _plain("private_zone", "AWS_PRIVATE_ZONE", optional=True),
            ),
        ),
        _times(120, 4, 10),
        refused=("AWS_ASSUME_ROLE_ARN", "AWS_EXTERNAL_ID"),
        note="needs boto3, which reads credentials from AWS_ACCESS_KEY_ID, AWS_PROFILE and so on",
    ),
    Row(("safedns",), "safedns", "SAFEDNS", ((_secret("auth_token", "SAFEDNS_AUTH_TOKEN"),),)),
    Row(
        ("sakuracloud",),
        "sakuracloud",
        "SAKURACLOUD",
        (
            (
                _secret("auth_token", "SAKURACLOUD_ACCESS_TOKEN"),
                _secret("auth_secret", "SAKURACLOUD_ACCESS_TOKEN_SECRET"),
            ),
        ),
        _times(http=10),
    ),
    Row(
        ("scaleway",),
        "scaleway",
        "SCW",
        ((_secret("auth_secret_key", "SCW_SECRET_KEY", "SCALEWAY_API_TOKEN"),),),
        _times(120, 10, 60),
    ),
    Row(
        ("tencentcloud",),
        "qcloud",
        "TENCENTCLOUD",
        ((_secret("secret_id", "TENCENTCLOUD_SECRET_ID"), _secret("secret_key", "TENCENTCLOUD_SECRET_KEY")),),
        _times(ttl=600),
        refused=("TENCENTCLOUD_SESSION_TOKEN",),
    ),
    Row(
        ("timewebcloud",),
        "timeweb",
        "TIMEWEBCLOUD",
        ((_secret("auth_token", "TIMEWEBCLOUD_AUTH_TOKEN"),),),
        _times(http=10),
    ),
    Row(
        ("transip",),
        "transip",
        "TRANSIP",
        (
            (
                _plain("auth_username", "TRANSIP_ACCOUNT_NAME"),
                _plain("auth_api_key", "TRANSIP_PRIVATE_KEY_PATH"),
            ),
        ),
        _times(600, 10, 10),
    ),
    Row(
        ("ultradns",),
        "ultradns",
        "ULTRADNS",
        ((_plain("auth_username", "ULTRADNS_USERNAME"), _secret("auth_password", "ULTRADNS_PASSWORD")),),
        _times(120, 4),
        refused=("ULTRADNS_ENDPOINT",),
    ),
    Row(
        ("vercel",),
        "vercel",
        "VERCEL",
        ((_secret("auth_token", "VERCEL_API_TOKEN"),),),
        _times(polling=5, ttl=60),
        refused=("VERCEL_TEAM_ID",),
    ),
    Row(("vultr",), "vultr", "VULTR", ((_secret("auth_token", "VULTR_API_KEY"),),)),
    Row(
        ("wedos",),
        "wedos",
        "WEDOS",
        ((_plain("auth_username", "WEDOS_USERNAME"), _secret("auth_pass", "WEDOS_WAPI_PASSWORD")),),
        _times(600, 10, 300),
    ),
    Row(("zonomi",), "zonomi", "ZONOMI", ((_secret("auth_token", "ZONOMI_API_KEY"),),), _times(ttl=3600)),
)

ROW_OF = {name: row for row in ROWS for name in row.names}
"""The row of each of lego's names."""
