"""The national portal: it issues the library card that a whole country keeps on its phone."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from apiflask import APIFlask
from flask import Request
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from app.api import ScanAtOnce, api, v1
from app.api.problems import use_problem_json
from app.card import card
from app.card.offers import Wallets
from app.cli import add_commands
from app.config import Settings, read_settings
from app.demo import demo
from app.desk import desk
from app.eid.provider import Provider
from app.family import family
from app.ils.systems import Systems, read_systems
from app.messages.channels import Channel, Channels, Post
from app.messages.push import PushPost
from app.messages.sms import Sms
from app.messages.smtp import Smtp
from app.portal import portal
from app.register.journal.journal import open_journal
from app.register.journal.journaling import use_journal
from app.register.keys.vault import Vault, use_vault
from app.register.store.connecting import CONNECT
from app.register.store.readiness import MIGRATIONS
from app.register.store.transaction import begin_reading, close_session, db, end_reading, tune_engine
from app.web.access import allow_files, check_audience, require_audiences
from app.web.faults.errors import answer_errors, refuse_bad_text
from app.web.faults.health import health
from app.web.faults.journal_watch import JournalWatch, acknowledge_nothing_unwritten, refuse_while_behind
from app.web.faults.overload import refuse_if_too_busy
from app.web.faults.unavailable import answer_unavailable
from app.web.http.addresses import CardNumberInAddress, RowId
from app.web.http.bodies import BoundedJson, refuse_malformed_bodies
from app.web.http.headers import send_headers
from app.web.http.https import refuse_password_in_clear
from app.web.http.logs import log_requests
from app.web.http.static_files import serve_static_files
from app.web.metrics.page import SHARED_FOLDER, metrics
from app.web.metrics.process import watch_process
from app.web.pages.languages import speak_languages
from app.web.pages.layout import lay_out
from app.web.pages.library_words import give_words
from app.web.pages.patron_fields import give_field_words
from app.web.sign_in.identity import DESK_PATH, CookiePerDoor, login_manager
from app.work.calling import make_public_client

_LARGEST_REQUEST = 64 * 1024

csrf = CSRFProtect()
migrate = Migrate(directory=str(MIGRATIONS), render_as_batch=True)


class _InMemory(Request):
    """A file that is sent stays in memory: it is somebody's data, and a disk remembers what was deleted."""

    def _get_file_stream(self, *_arguments: object, **_named: object) -> BytesIO:
        return BytesIO()


class _Portal(APIFlask):
    request_class = _InMemory

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # Nothing here is a coroutine, and Flask would ask each of a scan's seventeen hooks whether it is, a µs each.
        return func


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def _post(settings: Settings) -> Post:
    channels: dict[str, Channel] = {"email": Smtp(settings.smtp_url, settings.mail_from)}
    if settings.sms_url:
        channels["sms"] = Sms(settings.sms_url)
    return Channels(channels)


def _push(settings: Settings) -> PushPost | None:
    # A telephone number is no contact of theirs (RFC 8292 § 2.1).
    contact = settings.security_contact if settings.security_contact.startswith(("https:", "mailto:")) else ""
    return PushPost(settings.push_key, contact=contact or settings.public_url) if settings.push_key else None


def _engine_options(settings: Settings) -> dict[str, Any]:
    # However loud somebody sets the log, and whatever a statement fails of, its values are not written.
    options: dict[str, Any] = {"hide_parameters": True}
    if settings.database_url == "sqlite://":
        return options
    # A request has two connections at most, its own and one beside it; beyond those each thread may keep a line.
    options |= {"pool_size": settings.threads, "max_overflow": settings.threads}
    # Who gets no connection soon is told so; a thread that waited for longer would be missed by others.
    options["pool_timeout"] = CONNECT["connect_timeout"]
    if settings.database_url.startswith("postgresql"):
        options["connect_args"] = CONNECT
    return options


def _configuration(settings: Settings, clock: Callable[[], datetime]) -> dict[str, Any]:
    """Return what Flask, its extensions and our own floors read from the app's config."""
    return {
        "ADULT_AGE": settings.adult_age,
        "ACCESS_LOG_ROOTS": settings.access_log_roots,
        "CLOCK": clock,
        "DEMO": settings.demo,
        "INACTIVE_NOTICE_DAYS": settings.inactive_notice_days,
        "MAX_CONTENT_LENGTH": _LARGEST_REQUEST,
        "METRICS_TOKEN": settings.metrics_token,
        "NEW_DEVICE": settings.new_device,
        "PERMANENT_SESSION_LIFETIME": 90 * 86400,
        "PUBLIC_URL": settings.public_url,
        "REWRITE_DATABASE_URL": settings.rewrite_database_url,
        "SECRET_KEY": settings.secret_key,
        "SECURITY_CONTACT": settings.security_contact,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(settings),
        "SYNTHETIC_IDS": settings.allow_synthetic_ids,
        "WORKER_METRICS_PORT": settings.worker_metrics_port,
        "WTF_CSRF_TIME_LIMIT": None,
        # Our pages send no referrer (web/http/headers.py), so there is none to compare.
        "WTF_CSRF_SSL_STRICT": False,
    }


def open_register(settings: Settings) -> None:
    """Give the current app's engine its tuning, its keys and its journal of erasures."""
    vault = Vault(settings.vault_keys)
    tune_engine(db.engine)
    use_vault(vault)
    use_journal(open_journal(settings.erasure_journal, vault) if settings.erasure_journal else None)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = _wall_clock,
    systems: Systems | None = None,
    post: Post | None = None,
) -> APIFlask:
    """Plug the portal together. This is the only place that sees every floor.

    What is not given is read from the environment. Raises BadSettings, BadSystems or RouteWithoutAudience.
    """
    settings = settings or read_settings()
    if systems is None:
        systems = read_systems(settings.ils_systems, environ=os.environ) if settings.ils_systems else Systems({})
    app = _Portal(
        __name__,
        # ASCII, since generators make names of programs and packages of it.
        title="Lanekort",
        version="1",
        template_folder="web/templates",
        json_errors=False,
        docs_path=None,
        spec_path=None,
    )
    app.config.update(_configuration(settings, clock))
    app.json = BoundedJson(app)
    app.session_interface = CookiePerDoor()
    app.url_map.converters["id"] = RowId
    app.url_map.converters["card"] = CardNumberInAddress
    app.extensions["journal_watch"] = JournalWatch()
    app.extensions["eid"] = Provider(settings.eid) if settings.eid else None
    app.extensions["ils"] = systems
    app.extensions["post"] = post or _post(settings)
    app.extensions["push"] = _push(settings)
    app.extensions["public_client"] = make_public_client()
    app.extensions["wallets"] = Wallets(google=settings.google_wallet, apple=settings.apple_wallet)
    app.wsgi_app = ScanAtOnce(app, https_only=settings.secure_cookies)  # type: ignore[method-assign]
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]

    app.before_request(begin_reading)
    app.teardown_request(end_reading)
    log_requests(app)
    if settings.secure_cookies:
        app.before_request(refuse_password_in_clear)
    for check in (refuse_if_too_busy, allow_files, refuse_bad_text, refuse_while_behind, check_audience):
        app.before_request(check)
    send_headers(app, https=settings.secure_cookies, camera_at=DESK_PATH)
    serve_static_files(app)
    refuse_malformed_bodies(app)
    answer_errors(app)
    answer_unavailable(app)
    # Runs before what is above, so that its answer gets their headers, too.
    app.after_request(acknowledge_nothing_unwritten)

    db.init_app(app)
    # What is added last runs first: before Flask-SQLAlchemy's own.
    app.teardown_appcontext(close_session)
    with app.app_context():
        open_register(settings)
    migrate.init_app(app, db)
    csrf.init_app(app)
    login_manager.init_app(app)
    for equip in (speak_languages, lay_out, give_words, give_field_words, add_commands):
        equip(app)

    for door in (health, metrics, portal, card, family, desk, api, v1):
        app.register_blueprint(door)
    if settings.demo:
        app.register_blueprint(demo)
    csrf.exempt(v1)
    use_problem_json(app)
    require_audiences(app)
    if settings.metrics_token and SHARED_FOLDER in os.environ:
        # One of gunicorn's processes, and any of them may be asked.
        watch_process(app)
    return app
