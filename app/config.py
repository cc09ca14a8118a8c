"""Settings, read from the environment once, checked all together, and frozen."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.eid.settings import EidSettings, read_eid
from app.rules.card.wallet_issuers import AppleIssuer, GoogleIssuer, NotAnIssuer, read_apple_issuer, read_google_issuer
from app.rules.pins.guessable import has_one_letter_password, has_too_few_signs, is_example

DATABASES = ("postgresql+psycopg://", "sqlite:///")
NEW_DEVICE_BY = ("code", "pin")
_MIN_SECRET = 32
_URLS = ("DATABASE_URL", "REWRITE_DATABASE_URL", "ERASURE_JOURNAL", "SMTP_URL", "SMS_URL")
_SECRETS = (*_URLS, "SECRET_KEY", "METRICS_TOKEN", "EID_CLIENT_SECRET", "APPLE_WALLET_KEY_PASSWORD")
_DEFAULT_JOURNAL = Path(__file__).parents[1] / "instance" / "erasures.journal"
_APPLE_WALLET_FILES = ("APPLE_WALLET_CERTIFICATE_FILE", "APPLE_WALLET_KEY_FILE", "APPLE_WALLET_AUTHORITY_FILE")
# Unless it is set; what is taken; and how that is said.
_NUMBERS = {
    "PROXIES": (0, range(100), "the number of proxies in front, such as 1"),
    "INACTIVE_NOTICE_DAYS": (60, range(14, 366), "a number of days from 14 to 365"),
    "ADULT_AGE": (18, range(16, 22), "a number of years from 16 to 21"),
    "WORKER_METRICS_PORT": (0, range(65_536), "the number of a port, such as 9101"),
    "WEB_THREADS": (12, range(2, 501), "a number of threads from 2 to 500"),
}


class BadSettings(Exception):
    """The environment cannot be run with. The text names every fault, one a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one installation of the portal runs. `.env.example` says what each variable is for."""

    database_url: str
    secret_key: str
    vault_keys: Mapping[int, bytes]
    public_url: str
    new_device: str
    erasure_journal: str = ""
    rewrite_database_url: str = ""
    access_log_roots: str = ""
    ils_systems: str = ""
    smtp_url: str = ""
    mail_from: str = ""
    sms_url: str = ""
    security_contact: str = "mailto:security@example.org"
    push_key: bytes | None = None
    demo: bool = False
    secure_cookies: bool = True
    proxies: int = 0
    allow_synthetic_ids: bool = False
    inactive_notice_days: int = 60
    adult_age: int = 18
    metrics_token: str = ""
    worker_metrics_port: int = 0
    threads: int = 12
    eid: EidSettings | None = None
    google_wallet: GoogleIssuer | None = None
    apple_wallet: AppleIssuer | None = None


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return production's settings. Raises BadSettings with every fault at once."""
    faults: list[str] = []
    database_url = environ.get("DATABASE_URL", "")
    if not _is_database(database_url):
        faults.append("DATABASE_URL must be postgresql+psycopg://user:password@host/name or sqlite:////path")
    secret_key = environ.get("SECRET_KEY", "")
    if len(secret_key) < _MIN_SECRET:
        faults.append(f"SECRET_KEY must have at least {_MIN_SECRET} characters")
    elif has_too_few_signs(secret_key):
        faults.append("SECRET_KEY must be random: it has too few different characters")
    faults += _guessable(environ)
    vault_keys = _read_vault_keys(environ.get("VAULT_KEYS", ""), faults)
    numbers = {name: _read_number(environ, name, faults) for name in _NUMBERS}
    smtp_url, mail_from = environ.get("SMTP_URL", ""), environ.get("MAIL_FROM", "")
    if not smtp_url.startswith(("smtp://", "smtps://")) or "@" not in mail_from:
        faults.append("SMTP_URL must begin with smtp:// or smtps://, and MAIL_FROM must be an e-mail address")
    sms_url = environ.get("SMS_URL", "")
    if sms_url and not ("://" in sms_url and "{to}" in sms_url):
        faults.append("SMS_URL must be a URL as apprise has them, with {to} in the place of the telephone number")
    security_contact = environ.get("SECURITY_CONTACT", "")
    if security_contact and not re.fullmatch(r"(https://|mailto:|tel:)\S+", security_contact):
        faults.append("SECURITY_CONTACT must begin with https://, mailto: or tel:")
    public_url = environ.get("PUBLIC_URL", "").rstrip("/")
    if re.fullmatch(r"https://[^/?#\s]+", public_url) is None:
        faults.append("PUBLIC_URL must be the portal's address without a path, such as https://card.example.org")
    new_device = environ.get("NEW_DEVICE", "code")
    if new_device not in NEW_DEVICE_BY:
        faults.append("NEW_DEVICE must be code or pin")
    erasure_journal = environ.get("ERASURE_JOURNAL", "") or str(_DEFAULT_JOURNAL)
    if erasure_journal == database_url:
        faults.append("ERASURE_JOURNAL must be a file or a database apart from that of DATABASE_URL")
    elif "://" in erasure_journal and not _is_database(erasure_journal):
        faults.append("ERASURE_JOURNAL must be a path, or an address as in DATABASE_URL")
    rewrite_database_url = environ.get("REWRITE_DATABASE_URL", "")
    if rewrite_database_url and not (
        rewrite_database_url.startswith(DATABASES[0]) and _is_database(rewrite_database_url)
    ):
        faults.append(f"REWRITE_DATABASE_URL must be {DATABASES[0]}user:password@host/name")
    access_log_roots = environ.get("ACCESS_LOG_ROOTS", "")
    if access_log_roots and not re.fullmatch(r"/.+|mailto:[^@\s?]+@[^@\s?]+", access_log_roots):
        faults.append("ACCESS_LOG_ROOTS must be the absolute path of a folder, or mailto: and an e-mail address")
    metrics_token = environ.get("METRICS_TOKEN", "")
    if metrics_token and (len(metrics_token) < _MIN_SECRET or has_too_few_signs(metrics_token)):
        faults.append(f"METRICS_TOKEN must be random, and have at least {_MIN_SECRET} characters")
    push_key = _read_push_key(environ.get("PUSH_KEY", ""), faults)
    ils_systems = _read_ils_systems(environ.get("ILS_SYSTEMS_FILE", ""), faults)
    eid = read_eid(environ, faults)
    google_wallet = _read_google_wallet(environ, faults)
    apple_wallet = _read_apple_wallet(environ, faults)
    if faults:
        raise BadSettings("\n".join(faults))
    return Settings(
        database_url=database_url,
        secret_key=secret_key,
        vault_keys=vault_keys,
        public_url=public_url,
        new_device=new_device,
        erasure_journal=erasure_journal,
        rewrite_database_url=rewrite_database_url,
        access_log_roots=access_log_roots,
        ils_systems=ils_systems,
        smtp_url=smtp_url,
        mail_from=mail_from,
        sms_url=sms_url,
        security_contact=security_contact or f"mailto:{mail_from}",
        push_key=push_key,
        proxies=numbers["PROXIES"],
        inactive_notice_days=numbers["INACTIVE_NOTICE_DAYS"],
        adult_age=numbers["ADULT_AGE"],
        metrics_token=metrics_token,
        worker_metrics_port=numbers["WORKER_METRICS_PORT"],
        threads=numbers["WEB_THREADS"],
        eid=eid,
        google_wallet=google_wallet,
        apple_wallet=apple_wallet,
    )


def _read_number(environ: Mapping[str, str], name: str, faults: list[str]) -> int:
    default, taken, what = _NUMBERS[name]
    text = environ.get(name) or str(default)
    if re.fullmatch("[0-9]{1,9}", text) and int(text) in taken:
        return int(text)
    faults.append(f"{name} must be {what}")
    return default


def _is_database(url: str) -> bool:
    try:
        return url.startswith(DATABASES) and make_url(url) is not None
    except (ArgumentError, ValueError):
        return False


def _read_ils_systems(path: str, faults: list[str]) -> str:
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError):
        faults.append("ILS_SYSTEMS_FILE must be the path of a TOML file that can be read")
        return ""


def _read_google_wallet(environ: Mapping[str, str], faults: list[str]) -> GoogleIssuer | None:
    path, class_id = environ.get("GOOGLE_WALLET_FILE", ""), environ.get("GOOGLE_WALLET_CLASS_ID", "")
    if not path and not class_id:
        return None
    try:
        return read_google_issuer(Path(path).read_text(encoding="utf-8"), class_id=class_id)
    except (OSError, UnicodeDecodeError):
        faults.append("GOOGLE_WALLET_FILE must be the path of a file that can be read")
    except NotAnIssuer as error:
        faults.append(str(error))
    return None


def _read_apple_wallet(environ: Mapping[str, str], faults: list[str]) -> AppleIssuer | None:
    certificate, key, authority = (environ.get(name, "") for name in _APPLE_WALLET_FILES)
    if not certificate and not key and not authority:
        return None
    try:
        return read_apple_issuer(
            files=(certificate, key, authority),
            contents=(Path(certificate).read_bytes(), Path(key).read_bytes(), Path(authority).read_bytes()),
            password=environ.get("APPLE_WALLET_KEY_PASSWORD", ""),
        )
    except OSError:
        faults.append(f"{', '.join(_APPLE_WALLET_FILES)} must be the paths of files that can be read")
    except NotAnIssuer as error:
        faults.append(str(error))
    return None


def _read_vault_keys(text: str, faults: list[str]) -> dict[int, bytes]:
    keys: dict[int, bytes] = {}
    for part in text.replace(" ", "").split(","):
        number, _, key = part.partition(":")
        try:
            keys[int(number)] = bytes.fromhex(key)
        except ValueError:
            faults.append("VAULT_KEYS must read 1:<64 hex digits>, with 2:<64 hex digits> and so on behind a comma")
            return {}
    # Tokens are chained through every key from the first: without one of them nobody would be found again.
    if sorted(keys) != list(range(1, len(keys) + 1)) or len(keys) > 255 or any(len(key) != 32 for key in keys.values()):
        faults.append("VAULT_KEYS must have every key from 1 on (255 at most), each of 32 bytes (64 hex digits)")
    elif any(has_too_few_signs(key) for key in keys.values()):
        faults.append("VAULT_KEYS must be random: a key in it has too few different bytes")
    return keys


def _read_push_key(text: str, faults: list[str]) -> bytes | None:
    """Read the number of P-256 with which push services know the portal; None where there is none."""
    if not text:
        return None
    try:
        key = bytes.fromhex(text)
        if len(key) == 32 and not has_too_few_signs(key):
            ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
            return key
    except ValueError:
        pass
    faults.append("PUSH_KEY must be 64 hex digits, as `flask keys new-push` draws them")
    return None


def _guessable(environ: Mapping[str, str]) -> list[str]:
    """Return a fault for each variable whose password is that of an example, or one letter."""
    examples = [f"{name} holds the password of the example" for name in _SECRETS if is_example(environ.get(name, ""))]
    one_letter = [name for name in _URLS if has_one_letter_password(environ.get(name, ""))]
    return [*examples, *(f"{name} has a password of one letter" for name in one_letter)]


def demo_settings(
    instance: Path, *, public_url: str = "http://localhost:8000", environ: Mapping[str, str] = os.environ
) -> Settings:
    """Return the demo's settings: SQLite and keys of its own under `instance`, made at the first start.

    `public_url` is the address at which it is served, for the links in its messages. Wallets are taken from the
    environment, as in production. Raises BadSettings where they are faulty.
    """
    faults: list[str] = []
    google_wallet, apple_wallet = _read_google_wallet(environ, faults), _read_apple_wallet(environ, faults)
    if faults:
        raise BadSettings("\n".join(faults))
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Settings(
        database_url=f"sqlite:///{(instance / 'register.sqlite').absolute()}",
        secret_key=_kept_secret(instance / "secret-key"),
        vault_keys={1: bytes.fromhex(_kept_secret(instance / "vault-key"))},
        public_url=public_url,
        erasure_journal=str((instance / "erasures.journal").absolute()),
        access_log_roots=str((instance / "access-log-roots").absolute()),
        new_device="pin",
        push_key=bytes.fromhex(_kept_secret(instance / "push-key")),
        demo=True,
        secure_cookies=False,
        allow_synthetic_ids=True,
        google_wallet=google_wallet,
        apple_wallet=apple_wallet,
    )


def _kept_secret(path: Path) -> str:
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()
