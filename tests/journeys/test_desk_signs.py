"""What each outcome of a scan sounds and looks like. The browser's own sound is listened to, and not replaced."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from app.demo.accounts import DESKS
from tests.doors.visits import CHILD
from tests.journeys.conftest import COMPUTER, Opener
from tests.journeys.people import burst, desk_signs_in, scan
from tests.journeys.server import RunningPortal

ACCEPTED, REFUSED = "2002", "2001"
SHORTEST, LONGEST = 0.05, 0.4  # seconds
LISTEN = """
window.heard = [];
const { start, stop } = AudioScheduledSourceNode.prototype;
AudioScheduledSourceNode.prototype.start = function (at) {
  heard.push({ at, frequency: this.frequency.value, type: this.type, state: this.context.state });
  this.last = heard.at(-1);
  return start.call(this, at);
};
AudioScheduledSourceNode.prototype.stop = function (at) {
  this.last.until = at;
  return stop.call(this, at);
};
window.volumes = [];
window.cut = 0;
const { disconnect } = AudioNode.prototype;
AudioNode.prototype.disconnect = function (...from) {
  cut += 1;
  return disconnect.call(this, ...from);
};
const { connect } = AudioNode.prototype;
AudioNode.prototype.connect = function (to, ...more) {
  if (to instanceof AudioDestinationNode) volumes.push(this.gain.value);
  return connect.call(this, to, ...more);
};
"""
CONTRAST = """line => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colors) => {
    paint.clearRect(0, 0, 1, 1);
    for (const color of colors) { paint.fillStyle = color; paint.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) =>
    element ? [...behind(element.parentElement), getComputedStyle(element).backgroundColor] : ["canvas"];
  return [...line.querySelectorAll(".line-headline, .line-title, .line-advice, .line-code, .line-icon")].map((text) => {
    const ground = behind(text);
    const [one, other] = [light([...ground, getComputedStyle(text).color]), light(ground)].sort((a, b) => b - a);
    return [text.className, Math.round(((one + 0.05) / (other + 0.05)) * 100) / 100];
  });
}"""


@pytest.fixture
def heard_desk(open_page: Opener, portal: RunningPortal) -> Page:
    desk = open_page(viewport=COMPUTER)
    desk.add_init_script(LISTEN)
    desk_signs_in(desk, portal.clock, DESKS[0])
    return desk


def heard(desk: Page) -> list[dict[str, Any]]:
    """The tones since this was last asked."""
    tones: list[dict[str, Any]] = desk.evaluate("heard.splice(0)")
    return tones


def be_silent(desk: Page) -> None:
    """Wait until nothing is heard any more: a milder outcome is not heard beside a worse one."""
    desk.wait_for_timeout(1_000 * LONGEST)


def give_back(desk: Page, *barcodes: str) -> None:
    desk.goto("/desk/returns")
    for barcode in barcodes:
        scan(desk, barcode)


def test_each_outcome_of_a_scanner_has_a_sound_of_its_own(heard_desk: Page) -> None:
    sounds = {}
    for payload in (CHILD[0], ACCEPTED, REFUSED):
        line = scan(heard_desk, payload)
        sign = str(line.get_attribute("data-sign"))
        tones = heard(heard_desk)
        assert {tone["state"] for tone in tones} == {"running"}, "the scanner's own keys let it sound"
        assert SHORTEST < tones[-1]["until"] - tones[0]["at"] < LONGEST
        sounds[sign] = (len(tones), tones[0]["frequency"])
        be_silent(heard_desk)
    assert list(sounds) == ["attention", "accepted", "refused"]
    assert [number for number, _ in sounds.values()] == [2, 1, 3]
    pitches = sorted(pitch for _, pitch in sounds.values())
    assert all(higher >= 2 * lower for lower, higher in pairwise(pitches)), "an octave apart"
    give_back(heard_desk, ACCEPTED)


def test_many_answers_at_once_do_not_sound_together(heard_desk: Page) -> None:
    barcodes = [ACCEPTED, "2003", "2005", REFUSED, "2006", "2007"]
    scan(heard_desk, CHILD[0])
    heard(heard_desk)
    for barcode in barcodes:
        burst(heard_desk, barcode, pause=0)
    expect(heard_desk.locator("#lines .line:not([data-state=waiting])")).to_have_count(1 + len(barcodes))
    tones = heard(heard_desk)
    refused = [tone for tone in tones if tone["type"] == "square"]
    accepted = [tone for tone in tones if tone["type"] == "sine"]
    assert len(refused) == 3, "a refusal is always heard"
    assert 1 <= len(accepted) <= len(barcodes)
    for before, after in pairwise(accepted):
        assert after["at"] >= before["until"]
    begins, ends = refused[0]["at"], refused[-1]["until"]
    if any(tone["until"] > begins and tone["at"] < ends for tone in accepted):
        assert heard_desk.evaluate("cut"), "what was heard, or was about to be, is cut off"
    give_back(heard_desk, *(barcode for barcode in barcodes if barcode != REFUSED))


def test_the_sound_is_set_on_this_computer_and_stays_so_after_signing_out(
    heard_desk: Page, portal: RunningPortal
) -> None:
    button = heard_desk.locator("#run-sound")
    expect(button).to_have_text("Lyd: høy")
    button.click()
    expect(button).to_have_text("Lyd: lav")
    assert len(heard(heard_desk)) == 1, "it lets hear what was chosen"
    button.click()
    expect(button).to_have_text("Lyd: av")
    for anew in (heard_desk.reload, lambda: signs_in_again(heard_desk, portal)):
        anew()
        expect(button).to_have_text("Lyd: av")
        assert scan(heard_desk, REFUSED).get_attribute("data-sign") == "attention"
        assert heard(heard_desk) == []
    button.click()
    expect(button).to_have_text("Lyd: høy")


def signs_in_again(desk: Page, portal: RunningPortal) -> None:
    desk.get_by_role("button", name="Logg ut").click()
    expect(desk).to_have_url("/desk/login")
    desk_signs_in(desk, portal.clock, DESKS[0])


def test_it_is_lower_when_it_is_set_so_and_while_another_window_is_in_front(heard_desk: Page) -> None:
    scan(heard_desk, REFUSED)
    be_silent(heard_desk)
    heard_desk.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    scan(heard_desk, REFUSED)
    be_silent(heard_desk)
    heard_desk.evaluate("delete document.hidden")
    heard_desk.locator("#run-sound").click()
    high, hidden, low = heard_desk.evaluate("volumes")
    assert high > 3 * hidden > 0
    assert high > 3 * low > 0


@pytest.mark.parametrize("colors", ["light", "dark", "forced"])
def test_each_outcome_is_read_from_two_metres(open_page: Opener, portal: RunningPortal, colors: str) -> None:
    scheme = {"forced_colors": "active"} if colors == "forced" else {"color_scheme": colors}
    desk = open_page(viewport=COMPUTER, **scheme)
    desk_signs_in(desk, portal.clock, DESKS[0])
    looks = {}
    for payload in (CHILD[0], ACCEPTED, REFUSED):
        line = scan(desk, payload)
        sign = str(line.get_attribute("data-sign"))
        headline = line.locator(".line-headline")
        assert float(headline.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")) >= 36
        contrasts = dict(line.evaluate(CONTRAST))
        assert min(contrasts.values()) >= 4.5, (sign, contrasts)
        assert contrasts["line-headline"] >= 7, (sign, contrasts)
        looks[sign] = (picture(line), line.evaluate("e => getComputedStyle(e).backgroundColor"))
    assert len({shape for shape, _ in looks.values()}) == 3
    if colors != "forced":
        assert len({color for _, color in looks.values()}) == 3
    give_back(desk, ACCEPTED)


def picture(line: Locator) -> str:
    return str(line.locator(".line-icon svg").evaluate("e => [...e.children].map(part => part.outerHTML).join()"))
