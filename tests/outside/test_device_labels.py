"""Devices are called by names that their owners know."""

import pytest

from app.web.sign_in.device_label import device_label

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        (f"{IPHONE} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "Chrome, iPhone"),
        (f"{IPHONE} FxiOS/132.0 Mobile/15E148 Safari/605.1.15", "Firefox, iPhone"),
        (f"{IPHONE} Version/18.0 EdgiOS/131.0.2903.68 Mobile/15E148 Safari/605.1.15", "Edge, iPhone"),
        (f"{IPHONE} Version/18.1 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15", "DuckDuckGo, iPhone"),
        (f"{IPAD} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1", "Chrome, iPad"),
        (f"{IPAD} FxiOS/132.0 Mobile/15E148 Safari/605.1.15", "Firefox, iPad"),
        (f"{MAC} CriOS/131 Version/11.1.1 Safari/605.1.15", "Chrome, iPad"),
        (f"{MAC} FxiOS/132.0 Safari/605.1.15", "Firefox, iPad"),
        (f"{MAC} Mobile/15E148", "iPad"),
        (f"{MAC} Version/18.1 Safari/605.1.15", "Safari, Mac/iPad"),
        (f"{MAC} Chrome/131.0.0.0 Safari/537.36", "Chrome, Mac"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox, Mac"),
        (f"{ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        (f"{ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/131.0.0.0", "Edge, Android"),
        (f"{ANDROID} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36", "Samsung Internet, Android"),
        (f"{ANDROID} Chrome/131.0.0.0 Mobile Safari/537.36 OPR/86.0.0.0", "Opera, Android"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0", "Firefox, Android"),
        (f"{WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", "Edge, Windows"),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
            "Chrome, ChromeOS",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox, Linux"),
        ("curl/8.9.1", "?"),
        ("", "?"),
    ],
)
def test_a_device_is_called_by_its_browser_and_system(agent, label):
    assert device_label(agent) == label
