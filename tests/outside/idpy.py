"""A sign-in service on IdentityPython's OpenID provider (PyPI's idpyoidc), over real HTTP.

The provider reads requests, logs people in with a password, makes codes and tokens, and checks PKCE and the client's
secret. Here are only its settings, the routes and a log-in page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from cryptojwt.key_jar import build_keyjar
from flask import Flask, Response, redirect, request
from idpyoidc.message.oidc import AccessTokenRequest, AuthorizationRequest
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.server.exception import ClientAuthenticationError, FailedAuthentication
from werkzeug.serving import make_server

from app.eid.settings import EidSettings

CLIENT_ID, CLIENT_SECRET, PASSWORD = "lanekort-test", "a secret of the tests alone, of forty letters", "of-the-tests"
ACR = "idporten-loa-high"
_LIVES = {"code": 60, "token": 300, "refresh": 300}
_KEYS = [{"type": "EC", "crv": "P-256", "use": ["sig"]}, {"type": "RSA", "use": ["sig"]}]
_SYMMETRIC = [{"type": "OCT", "use": [use], "kid": use} for use in ("enc", "sig")]


class _Page:
    """The log-in page of a person; the provider gives the signed token that belongs to the request."""

    def render(self, _template: str, *, action: str, token: str, **_labels: object) -> str:
        return (
            f'<form method="post" action="{action}"><input name="username"><input name="password">'
            f'<input type="hidden" name="token" value="{token}"></form>'
        )


class IdpyService:
    """The service. `url` is its issuer, `calls` the paths that were asked for."""

    def __init__(self, port: int, person: dict[str, str], *, redirect_uri: str, algorithm: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.calls: list[str] = []
        self._server = Server(OPConfiguration(self._configure(person)))
        self._context = self._server.context
        self._context.cdb[CLIENT_ID] = {
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [(redirect_uri, {})],
            "response_types_supported": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "allowed_scopes": ["openid", "profile"],
            "id_token_signed_response_alg": algorithm,
        }
        self._context.keyjar.add_symmetric(CLIENT_ID, CLIENT_SECRET)

    def _configure(self, person: dict[str, str]) -> dict[str, Any]:
        endpoint = "idpyoidc.server.oidc"
        methods = ["client_secret_basic", "private_key_jwt"]
        return {
            "issuer": self.url,
            "key_conf": {"key_defs": _KEYS, "uri_path": "jwks"},
            "add_on": {
                "pkce": {
                    "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                    "kwargs": {"essential": True, "code_challenge_methods": {"S256": None}},
                }
            },
            "authentication": {
                "user": {
                    "acr": ACR,
                    "class": "idpyoidc.server.user_authn.user.UserPassJinja2",
                    "kwargs": {
                        "verify_endpoint": "/verify",
                        "template_handler": _Page(),
                        "db": {"class": "builtins.dict", "kwargs": {person["pid"]: PASSWORD}},
                    },
                }
            },
            "endpoint": {
                "provider_config": {
                    "path": ".well-known/openid-configuration",
                    "class": f"{endpoint}.provider_config.ProviderConfiguration",
                    "kwargs": {"client_authn_method": None},
                },
                "authorization": {
                    "path": "authorization",
                    "class": f"{endpoint}.authorization.Authorization",
                    "kwargs": {"client_authn_method": None, "response_types_supported": ["code"]},
                },
                "token": {
                    "path": "token",
                    "class": f"{endpoint}.token.Token",
                    "kwargs": {"client_authn_method": methods},
                },
                "userinfo": {"path": "userinfo", "class": f"{endpoint}.userinfo.UserInfo", "kwargs": {}},
            },
            "token_handler_args": {
                "key_conf": {"key_defs": _SYMMETRIC},
                **{name: {"kwargs": {"lifetime": seconds}} for name, seconds in _LIVES.items()},
                "id_token": {
                    "class": "idpyoidc.server.token.id_token.IDToken",
                    "kwargs": {"base_claims": {"pid": None}},
                },
            },
            "cookie_handler": {
                "class": "idpyoidc.server.cookie_handler.CookieHandler",
                "kwargs": {"keys": {"key_defs": _SYMMETRIC}},
            },
            "session_params": {"encrypter": {"kwargs": {"keys": {"key_defs": _SYMMETRIC}}}},
            "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db": {person["pid"]: person}}},
        }

    def settings(self) -> EidSettings:
        return EidSettings(issuer=self.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, needs_tls=False)

    def change_keys(self) -> None:
        """Sign with new keys from now on, and list those alone."""
        new = build_keyjar(_KEYS)
        for name in ("", self.url):
            for bundle in self._context.keyjar[name]:
                for key in list(bundle.keys()):
                    if key.kty != "oct":
                        bundle.remove(key)
            self._context.keyjar.import_jwks(new.export_jwks(private=True), name)

    def know_client_by(self, public_key: dict[str, Any]) -> None:
        """Take a signature of the client's key in place of its secret (private_key_jwt)."""
        self._context.cdb[CLIENT_ID]["token_endpoint_auth_method"] = "private_key_jwt"
        # By itself it takes the token endpoint alone as the audience; our client names the issuer.
        self._server.endpoint["token"].allowed_targets = [""]
        self._context.keyjar.import_jwks({"keys": [public_key]}, CLIENT_ID)

    def application(self) -> Flask:
        app = Flask(__name__)
        app.before_request(lambda: self.calls.append(request.path))
        app.add_url_rule("/jwks", "keys", lambda: self._context.keyjar.export_jwks())
        for name, endpoint in self._server.endpoint.items():
            app.add_url_rule(
                f"/{endpoint.endpoint_path}", name, lambda name=name: self._answer(name), methods=["GET", "POST"]
            )
        app.add_url_rule("/verify", "verify", self._log_in, methods=["POST"])
        return app

    def _answer(self, name: str) -> Response:
        endpoint = self._server.endpoint[name]
        told = {
            "headers": {key.lower(): value for key, value in request.headers.items()},
            "method": request.method,
            "url": request.url,
            "cookie": [],
        }
        try:
            asked = endpoint.parse_request(request.values.to_dict(), http_info=told)
        except ClientAuthenticationError:
            return Response('{"error": "invalid_client"}', 401, content_type="application/json")
        if "error" in asked:
            return Response(asked.to_json(), 400, content_type="application/json")
        if name == "token":
            asked = AccessTokenRequest(**asked)
        done = endpoint.process_request(asked, http_info=told)
        if "http_response" in done:
            return Response(done["http_response"], content_type="text/html")
        return self._send(name, asked, done)

    def _log_in(self) -> Response:
        method = self._context.authn_broker.get_method_by_id("user")
        try:
            user = method.verify(**request.form.to_dict())
        except FailedAuthentication:
            return Response("", 403)
        held = method.unpack_token(request.form["token"])
        asked = AuthorizationRequest().from_urlencoded(held["query"])
        endpoint = self._server.endpoint["authorization"]
        session = endpoint.create_session(asked, user, held["authn_class_ref"], held["iat"], method)
        return self._send("authorization", asked, endpoint.authz_part2(request=asked, session_id=session))

    def _send(self, name: str, asked: Any, done: dict[str, Any]) -> Response:
        endpoint = self._server.endpoint[name]
        sent = endpoint.do_response(request=asked, **done)
        if sent.get("response_placement", endpoint.response_placement) == "url":
            return redirect(sent["response"])
        return Response(sent["response"], sent.get("response_code", 200), headers=sent["http_headers"])


@contextmanager
def idpy_service(port: int, person: dict[str, str], *, redirect_uri: str, algorithm: str) -> Iterator[IdpyService]:
    """Serve the provider on a port of this machine, for one person."""
    service = IdpyService(port, person, redirect_uri=redirect_uri, algorithm=algorithm)
    server = make_server("127.0.0.1", port, service.application(), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
