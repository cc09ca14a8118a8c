"""No lost updates: who changes a patron says which one they saw (`If-Match`, RFC 9110 § 13.1.1, RFC 6585 § 3)."""

import re

from apiflask import Schema
from apiflask.fields import String
from flask import request

from app.rules.errors import RuleBroken

# A compressing proxy weakens an entity tag (nginx, Cloudflare), or writes the encoding into it (Apache, Jetty).
_BY_PROXIES = re.compile(r'(?:W/)?"([^"]*?)(?:(?:--?|;)(?:br|deflate|gzip|zstd))?"')
_ETAG = {"example": '"0f3a5c7e91b24d68"'}


class MatchMissing(RuleBroken):
    """The request does not say which patron was seen; `*` would be any."""

    code = "if-match-missing"


class ChangedMeanwhile(RuleBroken):
    """The patron is not as they were seen any more."""


class MatchIn(Schema):
    """The patron that was seen."""

    if_match = String(data_key="If-Match", metadata=_ETAG | {"description": "the `ETag` of the patron as you saw them"})


class FetchIn(MatchIn):
    """The patron that was seen, to be fetched only if still the same, or only if changed."""

    if_none_match = String(
        data_key="If-None-Match", metadata=_ETAG | {"description": "the `ETag` of the patron as you have them"}
    )


def restore_etags() -> None:
    """Give the entity tags of the request back the form in which they were answered."""
    for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
        if name in request.environ:
            request.environ[name] = _BY_PROXIES.sub(r'"\1"', request.environ[name])


def require_match() -> None:
    """Raise MatchMissing where the request names no entity tag."""
    if request.headers.get("If-Match") is None or request.if_match.star_tag:
        raise MatchMissing


def match_if_asked(etag: str) -> None:
    """Do as `match` does where the request names an entity tag at all."""
    if request.headers.get("If-Match") is not None:
        match(etag)


def match(etag: str) -> None:
    """Raise ChangedMeanwhile where the request names another entity tag than this one of now."""
    if not request.if_match.contains(etag):
        raise ChangedMeanwhile
