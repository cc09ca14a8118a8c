"""What the environment must say before the portal starts in production, and every fault of it at once."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import BadSettings, read_settings
from tests.wallets import CLASS_ID, PASS_TYPE, PASSWORD, google_issuer, service_account, write_apple_files

KEY, OTHER_KEY = bytes(range(32)).hex(), bytes(range(1, 33)).hex()
GOOD_ENVIRONMENT = {
    "DATABASE_URL": "postgresql+psycopg://lanekort@db/lanekort",
    "SECRET_KEY": "a secret key for tests that is long enough",
    "VAULT_KEYS": f"1:{KEY}",
    "SMTP_URL": "smtp://localhost",
    "MAIL_FROM": "library@example.org",
    "PUBLIC_URL": "https://card.example.org/",
}


def test_production_is_closed_unless_told_otherwise() -> None:
    settings = read_settings(GOOD_ENVIRONMENT)
    assert not settings.demo
    assert settings.secure_cookies
    assert not settings.allow_synthetic_ids
    assert settings.vault_keys == {1: bytes.fromhex(KEY)}
    assert settings.public_url == "https://card.example.org"
    assert settings.new_device == "code"
    assert settings.adult_age == 18


def test_every_fault_in_the_environment_is_told_at_once() -> None:
    with pytest.raises(BadSettings) as told:
        read_settings({"DATABASE_URL": "mysql://x", "SECRET_KEY": "short", "VAULT_KEYS": "1:zz", "PROXIES": "some"})
    for name in ("DATABASE_URL", "SECRET_KEY", "VAULT_KEYS", "PROXIES"):
        assert name in str(told.value)
    assert "short" not in str(told.value)
    assert "SECURITY_CONTACT" not in str(told.value), "which one may leave out"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "postgresql://x"),
        ("SECRET_KEY", "a secret key that is too short"),
        ("VAULT_KEYS", ""),
        ("VAULT_KEYS", f"0:{KEY}"),
        ("VAULT_KEYS", f"256:{KEY}"),
        ("VAULT_KEYS", f"1:{KEY[2:]}"),
        ("VAULT_KEYS", f"2:{KEY}"),
        ("VAULT_KEYS", f"1:{KEY},3:{OTHER_KEY}"),
        ("PROXIES", "-1"),
        ("PROXIES", "²"),
        pytest.param("PROXIES", "9" * 5_000, id="a number too long to read"),
        ("PROXIES", "١"),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "http://card.example.org"),
        ("PUBLIC_URL", "https://card.example.org/path"),
        ("SECURITY_CONTACT", "security@example.org"),
        ("PUSH_KEY", "1234"),
        ("PUSH_KEY", "f" * 64),
        ("PUSH_KEY", "no digits" * 8),
        ("ADULT_AGE", "15"),
        ("ADULT_AGE", "22"),
        ("ADULT_AGE", "18.0"),
        ("ADULT_AGE", "²0"),
        ("NEW_DEVICE", ""),
        ("NEW_DEVICE", "none"),
    ],
)
def test_each_setting_is_checked(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings(GOOD_ENVIRONMENT | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql+psycopg://lanekort:change-me@db/lanekort"),
        ("DATABASE_URL", "postgresql+psycopg://lanekort:Change%2Dme@db/lanekort"),
        ("DATABASE_URL", "postgresql+psycopg://lanekort:xxxx@db/lanekort"),
        ("SMTP_URL", "smtps://lanekort:change-me@mail.example.org"),
        ("SMS_URL", "twilio://sid:change_me@+4759440000/{to}"),
        ("SECRET_KEY", "x" * 64),
        ("SECRET_KEY", "0123456" * 10),
        ("SECRET_KEY", "change-me, change-me, change-me, change-me"),
        ("VAULT_KEYS", "1:" + "00" * 32),
        ("VAULT_KEYS", "1:" + "7f" * 32),
        ("VAULT_KEYS", "1:" + "0123" * 16),
        ("VAULT_KEYS", f"1:{KEY},2:" + "00" * 32),
        ("EID_CLIENT_SECRET", "change-me"),
        ("APPLE_WALLET_KEY_PASSWORD", "changeme"),
    ],
)
def test_production_does_not_start_with_a_secret_that_anybody_would_try_first(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name) as told:
        read_settings(GOOD_ENVIRONMENT | {name: value})
    assert value not in str(told.value)


def test_a_database_without_a_password_and_one_with_a_drawn_one_are_let_in() -> None:
    for url in ("postgresql+psycopg:///lanekort", "postgresql+psycopg://lanekort:9f86d081884c@db/lanekort"):
        assert read_settings(GOOD_ENVIRONMENT | {"DATABASE_URL": url}).database_url == url


EXAMPLE = Path(__file__).parents[2] / ".env.example"
OF_OTHERS = {
    "RUNTIME_DIRECTORY",
    "REQUEST_METHOD",
    "PATH_INFO",
    "QUERY_STRING",
    "CONTENT_LENGTH",
    "CONTENT_TYPE",
    "SCRIPT_NAME",
}
"""What systemd and WSGI set."""


def read_as_systemd(text: str) -> dict[str, str]:
    """Read a file as EnvironmentFile= does (systemd.exec(5), and its src/basic/env-file.c), but for continued lines."""
    found = {}
    for line in text.splitlines():
        name, equals, rest = line.strip().partition("=")
        if not equals or name.startswith(("#", ";")):
            continue
        value, blanks, quote, signs = "", "", "", iter(rest.strip())
        for sign in signs:
            if quote == "'" and sign != quote:
                value += sign
            elif quote and sign == quote:
                quote = ""
            elif quote == '"' and sign == "\\":
                following = next(signs, "")
                value += following if following in '"\\`$' else sign + following
            elif quote:
                value += sign
            elif sign in "'\"" and not value:
                quote = sign
            elif sign == "\\":
                value += next(signs, "")
            elif sign.isspace():
                blanks += sign
            else:
                value, blanks = value + blanks + sign, ""
        found[name] = value
    return found


@pytest.mark.usefixtures("programs")
def test_a_shell_and_systemd_read_the_same_in_every_line_of_the_example(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=[A-Z][A-Z_]*=)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    names = re.findall(r"^([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)
    # A password with whatever somebody may have drawn.
    text = text.replace("change-me", 'a $HOME `id` #1 "b" \\n ')
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    done = subprocess.run(
        ["/bin/sh", "-euc", 'set -a; . ./.env; set +a; exec "$0" -c "$1"', sys.executable, program],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    by_shell, by_systemd = json.loads(done.stdout), read_as_systemd(text)
    assert done.stderr == ""
    assert len(names) == len(set(names)) > 50
    assert {name: by_shell.get(name) for name in names} == by_systemd
    assert '$HOME `id` #1 "b" \\n ' in by_systemd["DATABASE_URL"]
    assert by_systemd["EID_SCOPE"] == "openid profile"


def test_every_setting_that_a_building_reads_stands_in_the_example() -> None:
    example = EXAMPLE.read_text(encoding="utf-8")
    sources = [EXAMPLE.parent / "gunicorn.conf.py"]
    sources += [path for building in ("app", "circulation") for path in (EXAMPLE.parent / building).rglob("*.py")]
    prefixes = "CIRCULATION|EID|SIP2|WEB|APPLE_WALLET|GOOGLE_WALLET|LANEKORT"
    read = rf'environ(?:\.get\(|\[)"([A-Z][A-Z0-9_]+)"|"((?:{prefixes})_[A-Z0-9_]+)"'
    names = {one or other for path in sources for one, other in re.findall(read, path.read_text(encoding="utf-8"))}
    ours = {name for name in names if not name.startswith(("HTTP_", "FLASK_")) and name not in OF_OTHERS}
    assert len(ours) > 30
    assert {name for name in ours if not re.search(rf"^(# )?{name}=", example, re.MULTILINE)} == set()


def test_the_example_of_the_settings_is_refused_as_long_as_it_says_change_me() -> None:
    with pytest.raises(BadSettings) as told:
        read_settings(read_as_systemd(EXAMPLE.read_text(encoding="utf-8")))
    for name in ("DATABASE_URL", "SMTP_URL", "SECRET_KEY", "VAULT_KEYS"):
        assert name in str(told.value)


def test_wallets_are_read_from_the_files_that_google_and_apple_give(tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text(service_account())
    certificate, key, authority = write_apple_files(tmp_path)
    wallets = {
        "GOOGLE_WALLET_FILE": str(account),
        "GOOGLE_WALLET_CLASS_ID": CLASS_ID,
        "APPLE_WALLET_CERTIFICATE_FILE": certificate,
        "APPLE_WALLET_KEY_FILE": key,
        "APPLE_WALLET_KEY_PASSWORD": PASSWORD,
        "APPLE_WALLET_AUTHORITY_FILE": authority,
    }
    settings = read_settings(GOOD_ENVIRONMENT | wallets)
    assert settings.google_wallet == google_issuer()
    assert settings.apple_wallet is not None
    assert settings.apple_wallet.pass_type == PASS_TYPE
    assert "PRIVATE KEY" not in repr(settings)
    assert PASSWORD not in repr(settings)
    without = read_settings(GOOD_ENVIRONMENT)
    assert (without.google_wallet, without.apple_wallet) == (None, None)
    for left_out in wallets:
        with pytest.raises(BadSettings, match=left_out.split("_")[0]):
            read_settings(GOOD_ENVIRONMENT | wallets | {left_out: ""})


def test_faults_of_both_wallets_are_told_at_once(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    with pytest.raises(BadSettings) as told:
        read_settings(GOOD_ENVIRONMENT | {"GOOGLE_WALLET_FILE": nowhere, "APPLE_WALLET_KEY_FILE": nowhere})
    assert "GOOGLE_WALLET_FILE" in str(told.value)
    assert "APPLE_WALLET_KEY_FILE" in str(told.value)
