"""Tests of the table of dns-lexicon's providers against the installed dns-lexicon."""

from argparse import ArgumentParser

import pytest

from discovery.acme.dns.environment import Environment
from discovery.acme.dns.errors import ConfigurationError
from discovery.acme.dns.providers.lexicon import find_credentials, load_provider, read_options
from discovery.acme.dns.providers.lexicon_rows import ROW_OF, ROWS, Row
from tests.discovery.acme.dns.providing import provider

BY_NAME = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.names[0])
USUAL = (
    "azuredns cloudflare desec digitalocean dnsimple duckdns easydns gandiv5 gcloud godaddy hetzner inwx "
    "ionos linode namecheap namesilo netcup ovh porkbun route53 scaleway transip vultr"
)


def options_of(provider: str) -> set[str]:
    parser = ArgumentParser(add_help=False)
    load_provider(provider).configure_parser(parser)
    return {action.dest for action in parser._actions}


def options(row: Row, variables: dict[str, str]) -> dict[str, str]:
    environment = Environment(variables)
    return read_options(find_credentials(row, environment), environment)


@BY_NAME
def test_provider_and_options_exist(row: Row) -> None:
    used = {option.name for credentials in row.credentials for option in credentials} | set(row.fixed)
    assert used <= options_of(row.provider)


@BY_NAME
def test_each_group_of_variables_gives_its_options_and_the_lack_of_one_is_an_error(row: Row) -> None:
    for credentials in row.credentials:
        variables = {option.variables[0]: f"{option.variables[0]},value" for option in credentials}
        found = options(row, variables)
        assert set(found) == {option.name for option in credentials}
        for option in credentials:
            if option.convert is None:
                assert found[option.name] == variables[option.variables[0]]
            if not option.optional:
                remaining = {key: value for key, value in variables.items() if key != option.variables[0]}
                with pytest.raises(ConfigurationError, match=rf"^{row.names[0]}: [A-Z0-9_]+ is not set$"):
                    find_credentials(row, Environment(remaining))


@BY_NAME
def test_a_variable_that_would_have_no_effect_is_an_error(row: Row) -> None:
    credentials = {option.variables[0]: "value" for option in row.credentials[0]}
    for variable in row.refused:
        with pytest.raises(ConfigurationError, match=f"^{row.names[0]}: {variable} is not supported$"):
            provider(row.names[0], {**credentials, variable: "value"})


def test_names_are_unique_and_the_usual_services_are_there() -> None:
    assert len(ROW_OF) == sum(len(row.names) for row in ROWS)
    assert [row.names[0] for row in ROWS] == sorted(row.names[0] for row in ROWS)
    assert set(USUAL.split()) <= ROW_OF.keys()


@pytest.mark.parametrize(
    ("name", "variables", "expected"),
    [
        ("cloudflare", {"CF_DNS_API_TOKEN": "t"}, {"auth_token": "t"}),
        ("cloudflare", {"CLOUDFLARE_DNS_API_TOKEN": "t"}, {"auth_token": "t"}),
        ("cloudflare", {"CF_API_EMAIL": "e", "CF_API_KEY": "k"}, {"auth_username": "e", "auth_token": "k"}),
        (
            "cloudflare",
            {"CF_API_EMAIL": "e", "CF_API_KEY": "k", "CF_DNS_API_TOKEN": "t"},
            {"auth_token": "t"},
        ),
        ("dnspod", {"DNSPOD_API_KEY": "12,abc"}, {"auth_username": "12", "auth_token": "abc"}),
        ("gcloud", {"GCE_SERVICE_ACCOUNT": "{}"}, {"auth_service_account_info": "base64::e30="}),
        ("route53", {}, {}),
        ("route53", {"AWS_HOSTED_ZONE_ID": "Z1"}, {"zone_id": "Z1"}),
    ],
)
def test_variables_become_options(name: str, variables: dict[str, str], expected: dict[str, str]) -> None:
    assert options(ROW_OF[name], variables) == expected


def test_the_error_names_the_variables_of_the_likeliest_credentials() -> None:
    with pytest.raises(ConfigurationError, match=r"^cloudflare: CF_API_KEY is not set$") as caught:
        find_credentials(ROW_OF["cloudflare"], Environment({"CLOUDFLARE_EMAIL": "e"}))
    assert caught.value.hint.startswith("set CF_API_KEY or CF_API_KEY_FILE; the API token needs")
