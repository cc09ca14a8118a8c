"""A browser that drills drive: pages and forms over HTTPS, at a port of this machine and under the portal's name."""

import ssl
from typing import Any

import httpx
from bs4 import BeautifulSoup, Tag


class Refused(Exception):
    """Somebody was not let in, or a page was not the one that was to come."""


class Browser:
    """A browser at portals of one name, which trusts one certificate (the path of a PEM file) and no other."""

    def __init__(self, name: str, certificate: str, *, port: int = 443) -> None:
        trusting = ssl.create_default_context(cafile=certificate)
        self.port = port
        self._name = name
        self._client = httpx.Client(verify=trusting, headers={"Host": name}, timeout=30)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Send a request to the portal at `port`, with the cookies there are. Redirects are not followed."""
        url = f"https://127.0.0.1:{self.port}{path}"
        return self._client.request(method, url, extensions={"sni_hostname": self._name}, **more)

    def page(self, path: str) -> BeautifulSoup:
        """Return a page. Raises Refused where it leads elsewhere."""
        answer = self.ask("GET", path)
        expect(answer, 200, path)
        return BeautifulSoup(answer.text, "html.parser")

    def send(self, path: str, *, page: str = "", **typed: str) -> httpx.Response:
        """Fill in the form on a page, which is the address itself unless another is named, and send it."""
        return self.send_form(self.page(page or path), path, **typed)

    def send_form(self, page: BeautifulSoup, path: str, **typed: str) -> httpx.Response:
        """Send the form of a page that leads to `path`, with what it holds and what is typed."""
        form = page.find("form", action=path) or page.find("form", method="post")
        if not isinstance(form, Tag):
            raise Refused(f"no form leads to {path}")
        fields = {
            str(field["name"]): str(field.get("value", ""))
            for field in form.find_all("input")
            if field.get("name") and (field.get("type") != "checkbox" or field.has_attr("checked"))
        }
        for choice in form.find_all("select"):
            chosen = choice.find("option", selected=True) or choice.find("option")
            fields[str(choice["name"])] = str(chosen["value"]) if isinstance(chosen, Tag) else ""
        return self.ask("POST", path, data=fields | typed, headers={"Referer": f"https://{self._name}{path}"})

    def code(self) -> str:
        """Return the 24 digits that the card page of whoever is signed in shows now."""
        return str(self.ask("GET", "/card/codes.json").json()["codes"][0]["digits"]).replace(" ", "")


def expect(answer: httpx.Response, status: int, what: str) -> None:
    """Raise Refused, with the words of the page, where an answer has another status."""
    if answer.status_code != status:
        words = " ".join(BeautifulSoup(answer.text, "html.parser").get_text(" ").split())
        raise Refused(f"{what}: {answer.status_code} {answer.headers.get('Location', '')} {words[:300]}")
