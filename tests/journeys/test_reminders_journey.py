"""Påminnelser: chosen on the phone, and a notification that comes to it, with nothing in it for anybody else."""

import json
from pathlib import Path

from flask import current_app
from playwright.sync_api import Page, expect

from app.work.pushing import send_one_push
from tests.doors.reminding import Browser, post_to
from tests.journeys.people import Visitor
from tests.journeys.server import RunningPortal
from tests.push_service import PushService, serve_push

# A browser of the tests has no push service of its own maker: it is given one, and keys.
_SUBSCRIBES = """
PushManager.prototype.subscribe = async function ({ userVisibleOnly, applicationServerKey }) {
  if (!userVisibleOnly || applicationServerKey.length !== 65) throw new Error("not as browsers want it");
  localStorage.setItem("subscribed", "yes");
  return subscription;
};
const { endpoint, ...keys } = %s;
const subscription = {
  toJSON: () => ({ endpoint, keys }),
  unsubscribe: async () => localStorage.removeItem("subscribed"),
};
PushManager.prototype.getSubscription = async () => (localStorage.getItem("subscribed") ? subscription : null);
"""


def pushes(portal: RunningPortal, service: PushService, folder: Path) -> None:
    """Do what the worker does, with a push service on this machine."""
    with portal.inside():
        current_app.extensions["push"] = post_to(service, folder)
        while send_one_push():
            pass


def delivers(page: Page, portal: RunningPortal, text: str) -> None:
    """Hand a decrypted notification to the phone's service worker, as the browser does."""
    found: list[str] = []
    devtools = page.context.new_cdp_session(page)
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(each["registrationId"] for each in told["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    for _ in range(100):
        if found:
            break
        page.wait_for_timeout(100)
    pushed = {"origin": portal.url, "registrationId": found[-1], "data": text}
    devtools.send("ServiceWorker.deliverPushMessage", pushed)


def shown(page: Page) -> list[dict[str, str]]:
    """Return the notifications that the phone shows, which takes a moment."""
    ask = """navigator.serviceWorker.ready.then((worker) => worker.getNotifications())
        .then((all) => all.map(({ title, body, tag }) => ({ title, body, tag })))"""
    for _ in range(100):
        if notifications := page.evaluate(ask):
            return list(notifications)
        page.wait_for_timeout(100)
    return []


def gives_another_address(page: Page, portal: RunningPortal, fields: dict[str, str]) -> None:
    """Have the browser's push service give it another address, and wait until its worker has sent that in.

    A script cannot let an event last; the rest is the worker's own doing.
    """
    script = """async (fields) => {
        const { endpoint, ...keys } = fields;
        const subscription = { toJSON: () => ({ endpoint, keys }), unsubscribe: async () => true };
        Object.defineProperty(registration.pushManager, "subscribe", { value: async () => subscription });
        const event = new Event("pushsubscriptionchange");
        await new Promise((done, failed) => {
            event.waitUntil = (work) => work.then(done, failed);
            dispatchEvent(event);
        });
    }"""
    (worker,) = page.context.service_workers
    worker.evaluate(script, fields)


def test_a_browser_that_got_another_address_is_reached_in_the_language_of_its_reader(
    phone: Visitor, portal: RunningPortal, tmp_path: Path
) -> None:
    page = phone.page
    with serve_push(tmp_path) as service:
        first, second = Browser(f"{service.address}/sent/first"), Browser(f"{service.address}/sent/second")
        page.add_init_script(_SUBSCRIBES % json.dumps(first.fields()))
        page.context.grant_permissions(["notifications"], origin=portal.url)
        # The page is read in another language than the browser's own.
        page.goto("/?lang=nb")
        phone.signs_in()
        page.goto("/my/reminders?lang=nn")
        page.get_by_role("button", name="Slå på varsel her").click()
        expect(page.get_by_role("status").first).to_contain_text("Varsel er slått på her")
        with page.expect_response("**/notifications/renew") as renewed:
            page.goto("/my/reminders?lang=sv")
        assert renewed.value.ok
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        gives_another_address(page, portal, second.fields())
        page.get_by_role("button", name="Send meg eitt på prøve").or_(
            page.locator("form[action$='/try'] button")
        ).click()
        pushes(portal, service, tmp_path)
        (got,) = service.received
        assert got.path == "/sent/second"
        delivers(page, portal, second.read(got.body).decode())
        (notification,) = shown(page)
        assert notification["body"] == "Aviseringarna fungerar. Så här ser de ut."
        page.locator("form[action$='/off'] button").click()
        expect(page.get_by_role("status").first).to_contain_text("Aviseringar är avstängda")


def test_a_notification_comes_to_the_phone_and_says_nothing_to_anybody_else(
    phone: Visitor, portal: RunningPortal, tmp_path: Path
) -> None:
    page = phone.page
    with serve_push(tmp_path) as service:
        browser = Browser(f"{service.address}/sent/kari")
        page.add_init_script(_SUBSCRIBES % json.dumps(browser.fields()))
        page.context.grant_permissions(["notifications"], origin=portal.url)
        # The browser itself asks for the worker, and in a language of its own unless one was chosen.
        page.goto("/?lang=nb")
        phone.signs_in()
        page.goto("/my/settings")
        page.get_by_role("link", name="Velg påminnelser").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Påminnelser")
        page.get_by_role("button", name="Slå på varsler her").click()
        expect(page.get_by_role("status").first).to_contain_text("Varsler er slått på her")
        expect(page.get_by_role("button", name="Slå på varsler her")).to_be_hidden()
        page.get_by_label("Noe skal snart leveres").select_option(label="Varsel på telefonen")
        page.get_by_role("button", name="Lagre").click()
        expect(page.locator("h1 + p")).to_have_text(
            "Du får beskjed som varsel på telefonen 3 dager før fristen. Ikke mellom klokka 21 og 8."
        )
        page.get_by_role("button", name="Send et prøvevarsel").click()
        expect(page.get_by_role("status").first).to_contain_text("Et varsel er på vei")
        pushes(portal, service, tmp_path)
        (got,) = service.received
        assert got.path == "/sent/kari"
        delivers(page, portal, browser.read(got.body).decode())
        (notification,) = shown(page)
        assert notification == {"title": "Lånekort", "body": "Varslene virker. Slik ser de ut.", "tag": "trial"}
        for word in (b"varsel", b"trial", b"kind"):
            assert word not in got.body
        page.get_by_role("button", name="Slå av").click()
        expect(page.get_by_role("button", name="Slå på varsler her")).to_be_visible()
