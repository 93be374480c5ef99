"""The web face: one Flask application over one running site.

Hides languages, headers, protection against forged and oversized requests, and error pages from the
blueprints, of which there is one per audience.
"""

from __future__ import annotations

import hmac
import re
import time
from datetime import timedelta
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    make_response,
    render_template,
    request,
    send_from_directory,
)
from flask import url_for as flask_url_for
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from controller import i18n
from controller.hall.model import Refused, Text
from controller.live import NoAnswer, NotRunning
from controller.people import NotAllowed
from controller.settings import from_environment
from controller.site import Site
from controller.store import StoreFailed
from controller.store.seal import BadSeal
from web import problems
from web.feed import Feed
from web.help import help_key
from web.shared import Shared
from web.visit import VISITOR_COOKIE, csrf_token, new_key, recognise, set_cookie, the_site, wants_json

BLUEPRINTS = (
    *("auth", "second_factor", "home", "citizen", "clerk", "manager", "jumps", "estimates", "advising"),
    *("staffing", "trials", "copies", "frontdesk", "reconciling", "technician", "examining", "people"),
    *("setup", "versions", "first_hour", "feed", "api", "health", "audit", "bulletins", "loads"),
    *("guides", "catalogue", "privacy", "notices", "roster", "oidc", "rating", "followups"),
    *("cycle", "leader", "search", "calendar", "booking", "appointments", "booked_days"),
    *("centres", "units", "messages", "gateway", "substitutes", "telling", "feedback", "published"),
    *("public", "opening", "from_home", "standings", "item_lists", "clean_ups", "residency"),
    *("conduct", "conduct_kinds", "own_conduct", "displays", "quiet"),
)
COOKIELESS = (  # blueprints whose requests act with no cookie
    *("citizen", "booking", "telling", "rating", "api", "gateway"),
)
THEMES = ("light", "dark", "contrast")
MAX_REQUEST_BYTES = 64 * 1024  # enough for nearly every form
MAX_OTHERS = {  # a file of a hall with 300 windows, a form with all of them, take a tenth of it
    "versions.upload": 4 * 1024 * 1024,
    "clean_ups.bring_in": 4 * 1024 * 1024,
    "catalogue.bring_in": 4 * 1024 * 1024,
    "roster.change_day": 1024 * 1024,
    "first_hour.take_step": 1024 * 1024,
}
YEAR_S = 365 * 24 * 3600
STRICT = (  # headers of every answer that brings no others
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
)
RANGE = re.compile(r"(?<=\d)-(?=\d)")
PAGES = Path(__file__).parent.parent / "firmware" / "pages"


def serve_app() -> Flask:
    """What the server runs: opens the site its settings name, and serves it."""
    return create_app(Site.open(from_environment()))


def create_app(site: Site) -> Flask:
    """The application serving `site`; each module of BLUEPRINTS brings its `blueprint`."""
    app = Flask(__name__)
    app.extensions["site"] = site
    app.extensions["feed"] = Feed(site.halls, site.settings.http_threads)
    app.extensions["live_board"] = Shared()
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_REQUEST_BYTES
    app.jinja_env.filters["whole_minutes"] = _whole_minutes
    app.jinja_env.filters["percent"] = lambda part: f"{part:.0%}"
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if site.settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.before_request(_choose_language)
    app.before_request(recognise)
    app.before_request(_refuse_forged)
    app.after_request(_add_headers)
    app.after_request(_measure)
    app.context_processor(_words_of_templates)
    _register_errors(app)
    app.add_url_rule("/static-pages/<path:name>", endpoint="page_file", view_func=_page_file)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"web.{name}").blueprint)
    return app


# --- how long it takes (S2.39)


def _begin() -> None:
    g.began_s = time.monotonic()
    most = MAX_OTHERS.get(request.endpoint or "", MAX_REQUEST_BYTES)
    request.max_content_length = request.max_form_memory_size = most


def _measure(response: Response) -> Response:
    """A key of the window console, until its answer is made."""
    live = the_site().halls.get((request.view_args or {}).get("hall", ""))
    if request.endpoint == "clerk.do" and live is not None and "began_s" in g:
        live.timings.action.observe(time.monotonic() - g.began_s)
    return response


# --- language and look


def _choose_language() -> None:
    """?lang= and ?theme= are kept in cookies; else the cookie's; else Chinese, light."""
    g.lang = _choice("lang", i18n.LANGUAGES, i18n.DEFAULT)
    g.theme = _choice("theme", THEMES, THEMES[0])


def _choice(name: str, known: tuple[str, ...], default: str) -> str:
    for given in (request.args, request.cookies):
        if name in given and given[name] in known:  # asking for what is missing costs an exception
            return given[name]
    return default


def _with(**changes: str) -> str:
    """The address of this page with other arguments; of the answer to a form, the page the form was on."""
    path, arguments = request.path, request.args.to_dict()
    if request.method == "POST":
        came_from = urlsplit(request.referrer or "")
        path, arguments = unquote(came_from.path), dict(parse_qsl(came_from.query))
    place = quote(path.lstrip("/"))  # "//elsewhere" would lead to another site, and so would "/\\elsewhere"
    return f"/{place}?{urlencode({**arguments, **changes})}"


def _words_of_templates() -> dict[str, object]:
    lang = g.lang
    zone = the_site().settings.zone
    return {
        "lang": lang,
        "theme": g.theme,
        "site": the_site(),
        "person": g.get("person"),
        "csrf": csrf_token,
        "new_key": new_key,
        "here": _with,
        "help_key": help_key(),
        "url_for": _url_for,
        "_": lambda key, **facts: i18n.t(lang, key, **facts),
        "ngettext": lambda one, many, n, **facts: i18n.tn(lang, one, many, n, **facts),
        "matter": lambda code: name.zh if (name := the_site().matters.name_of(code)) else code,
        "word": lambda kind, value: i18n.label(lang, kind, value),
        "text": lambda value: _unbroken(i18n.in_language(lang, value)) if isinstance(value, Text) else value,
        "hm": lambda moment: "" if moment is None else moment.astimezone(zone).strftime("%H:%M"),
        "day_hm": lambda moment: "" if moment is None else moment.astimezone(zone).strftime("%m-%d %H:%M"),
        "hms": lambda moment: "" if moment is None else moment.astimezone(zone).strftime("%H:%M:%S"),
    }


def _unbroken(text: str) -> str:
    """The text with word joiners that keep a range of numbers, such as 1-4, on one line."""
    return RANGE.sub("-\u2060", text)


def _url_for(endpoint: str, **values: object) -> str:
    """url_for, with the version in the address of a static file, so that it can be kept for a year."""
    if endpoint == "static" and current_app.static_folder:
        file = Path(current_app.static_folder) / str(values["filename"])
        values["v"] = f"{file.stat().st_mtime_ns:x}"[-10:] if file.is_file() else "0"
    return flask_url_for(endpoint, **values)  # type: ignore[arg-type]


def _whole_minutes(length: timedelta | float) -> int:
    """Of a length of time, or of seconds."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    return int(seconds // 60)


# --- forged requests


def _refuse_forged() -> None:
    """A POST comes from a page of ours, and one that acts with a cookie carries that cookie's token.

    Citizens' addresses (the slip's token in the path, a kiosk's key) act with no cookie, so nothing of
    theirs can be borrowed; for them the origin is enough.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or request.routing_exception is not None:
        return
    if not _is_same_origin():
        abort(HTTPStatus.FORBIDDEN, "other_origin")
    if request.blueprint in COOKIELESS:
        return
    given = request.form.get("csrf") or request.headers.get("X-CSRF") or ""
    if not hmac.compare_digest(given.encode(), csrf_token().encode()):
        abort(HTTPStatus.FORBIDDEN, "form_expired")


def _is_same_origin() -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    ours = {request.host, urlsplit(the_site().settings.public_url).netloc}
    return urlsplit(origin).netloc in ours


# --- headers


def _add_headers(response: Response) -> Response:
    """The strict defaults of every answer. g.frames: origins a page frames; g.framed: who may frame it."""
    frames = " ".join(g.get("frames", ())) or "'none'"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; "
        f"frame-src {frames}; frame-ancestors {g.get('framed', chr(39) + 'none' + chr(39))}"
    )
    headers = response.headers
    present = {name.lower() for name, _ in headers}
    for name, value in (("Content-Security-Policy", policy), *STRICT):
        if name.lower() not in present:
            headers.add(name, value)
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
    _add_caching(response)
    _keep_choices(response)
    return response


def _add_caching(response: Response) -> None:
    if request.endpoint == "static" and "v" in request.args and response.status_code == HTTPStatus.OK:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    elif request.endpoint not in ("static", "page_file"):
        response.headers.setdefault("Cache-Control", "no-store")


def _keep_choices(response: Response) -> None:
    for name, value in (("lang", g.get("lang")), ("theme", g.get("theme"))):
        if value and name in request.args and request.args[name] == value:
            set_cookie(response, name, value, max_age=YEAR_S)
    if "visitor" in g:
        set_cookie(response, VISITOR_COOKIE, g.visitor)


# --- errors


def _register_errors(app: Flask) -> None:
    app.register_error_handler(HTTPException, _show_http_error)
    app.register_error_handler(Refused, _show_refused)
    app.register_error_handler(StoreFailed, _show_failed)
    app.register_error_handler(BadSeal, _show_unsealed)
    app.register_error_handler(TimeoutError, _show_failed)
    app.register_error_handler(NoAnswer, _show_failed)
    app.register_error_handler(NotRunning, _show_failed)


def _show_http_error(error: HTTPException) -> AnyResponse:
    """The page of an HTTP error in the hall's words; what a view aborted with is the key of its text."""
    if error.response is not None:
        return cast(AnyResponse, error.response)
    status = error.code or 500
    code = str(status)
    if isinstance(error.description, str) and i18n.is_translated("zh", f"error.{error.description}"):
        code = error.description
    if not i18n.is_translated("zh", f"error.{code}"):
        code = "500" if status >= 500 else "400"
    response = error_answer(status, code, *(i18n.t(lang, f"error.{code}") for lang in i18n.LANGUAGES))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers[name] = value
    return response


def _show_refused(error: Refused) -> AnyResponse:
    status = HTTPStatus.FORBIDDEN if isinstance(error, NotAllowed) else HTTPStatus.CONFLICT
    zone = the_site().settings.zone
    return error_answer(status, error.code, *(i18n.refused(lang, error, zone) for lang in i18n.LANGUAGES))


def _show_failed(error: Exception) -> AnyResponse:
    current_app.logger.error("not stored: %s", error)
    texts = (i18n.t(lang, "error.503") for lang in i18n.LANGUAGES)
    return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, "503", *texts)


def _show_unsealed(error: BadSeal) -> AnyResponse:
    current_app.logger.error("%s", error)
    texts = (i18n.t(lang, "error.seal_lost") for lang in i18n.LANGUAGES)
    return error_answer(HTTPStatus.SERVICE_UNAVAILABLE, "seal_lost", *texts)


def error_answer(status: int, code: str, zh: str, en: str) -> AnyResponse:
    """One error, as JSON for programs and as a page for people."""
    if problems.are_wanted():
        return problems.problem(status, code, zh, en)
    if wants_json():
        return make_response(jsonify(error={"code": code, "zh": zh, "en": en}), status)
    first, second = (en, zh) if g.get("lang") == "en" else (zh, en)
    page = render_template("error.html", status=status, code=code, first=first, second=second)
    return make_response(page, status)


# --- shared files


def _page_file(name: str) -> AnyResponse:
    return send_from_directory(PAGES, name, max_age=300)
