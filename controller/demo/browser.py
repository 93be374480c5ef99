"""A browser as small as the crowd needs: cookies, pages, and the forms on them sent as a person would.

Hides HTML and HTTP. It knows no address but the one it is given and those that pages name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, Request, build_opener

TIMEOUT_S = 10.0


class PageFault(Exception):
    """The page cannot be had, or is not the one that was expected."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it stands on the page, with the values it comes with and what its lists offer."""

    action: str
    values: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was opened. url: where it was found in the end."""

    url: str
    status: int
    text: str
    forms: tuple[Form, ...]

    def form(self, *endings: str) -> Form | None:
        """The first form whose address ends so."""
        return next((form for form in self.forms if form.action.endswith(endings)), None)


class Browser:
    """One person's browser."""

    def __init__(self) -> None:
        # No proxy of the environment: the hall is on this machine.
        jar = HTTPCookieProcessor(CookieJar())
        self._opener: OpenerDirector = build_opener(ProxyHandler({}), jar)

    def open(self, url: str) -> Page:
        """The page at `url`. Raises PageFault when there is no answer; an error page is a page."""
        if not url.startswith(("http://", "https://")):
            raise PageFault(f"{url!r} is no web address")
        return self._fetch(Request(url, headers=_HEADERS))  # noqa: S310 - only web addresses come here

    def send(self, page: Page, form: Form, **values: str) -> Page:
        """Fill in and send a form of the page. Raises PageFault."""
        data = urlencode({**form.values, **values}).encode()
        headers = {**_HEADERS, "Origin": _origin(page.url), "Referer": page.url}
        if not form.action.startswith(_origin(page.url) + "/"):
            raise PageFault(f"{page.url}: its form would be sent to {form.action}")
        request = Request(form.action, data=data, headers=headers, method="POST")  # noqa: S310 - as above
        return self._fetch(request)

    def _fetch(self, request: Request) -> Page:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return _page(answer.geturl(), answer.status, answer.read())
        except HTTPError as error:
            with error:
                return _page(error.geturl() or request.full_url, error.code, error.read())
        except (URLError, OSError, TimeoutError) as error:
            raise PageFault(f"{request.full_url}: {error}") from error


_HEADERS = {"User-Agent": "servicehall demo crowd", "Accept": "text/html"}


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _page(url: str, status: int, body: bytes) -> Page:
    text = body.decode("utf-8", "replace")
    reader = _FormReader(url)
    reader.feed(text)
    return Page(url, status, text, tuple(reader.forms))


@dataclass
class _Open:
    action: str
    values: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)


class _FormReader(HTMLParser):
    """Collects the forms of a page: hidden and text fields, chosen options, checked boxes."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._url = url
        self._open: _Open | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self._url, given.get("action", "")) if given.get("action") else self._url
            self._open = _Open(action)
        elif self._open is None:
            return
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select:
            self._option(self._open, given.get("value", ""), "selected" in given)
        elif tag in ("input", "textarea"):
            self._field(given)

    def _option(self, form: _Open, value: str, is_selected: bool) -> None:
        form.choices.setdefault(self._select, []).append(value)
        if is_selected or self._select not in form.values:
            form.values[self._select] = value

    def _field(self, given: Mapping[str, str]) -> None:
        name, kind = given.get("name"), given.get("type", "text")
        is_unset = kind in ("checkbox", "radio") and "checked" not in given
        if self._open is not None and name and kind not in ("submit", "button") and not is_unset:
            self._open.values[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "form" and self._open is not None:
            self.forms.append(Form(self._open.action, self._open.values, self._open.choices))
            self._open = None
