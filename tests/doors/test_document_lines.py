"""The lines of docs/libraries.md and docs/wallets.md work as they stand there, one after the other."""

import os
import subprocess
from pathlib import Path

import pytest

from drills.installing.documents import HOME, blocks
from tests.journeys.server import running_portal

pytestmark = pytest.mark.usefixtures("programs")


@pytest.mark.timeout(3600)
def test_a_technician_can_follow_the_page_with_curl(tmp_path: Path) -> None:
    script = "\n".join(block.text for block in blocks((HOME / "docs" / "libraries.md").read_text(encoding="utf-8")))
    assert script.count("curl ") > 8
    # Any code will do: what the door answers to one that is wrong is an answer too.
    script = script.replace("<24 digits>", "921000100001000000000000")
    (tmp_path / ".curlrc").write_text("fail-with-body\nmax-time = 300\n")
    folder = tmp_path / "demo"
    folder.mkdir()
    with running_portal(folder) as portal:
        begun = script.replace("http://localhost:8000", portal.url)
        assert begun != script
        done = subprocess.run(
            ["sh", "-eux"],
            input=begun,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
            env=os.environ | {"CURL_HOME": str(tmp_path), "HOME": str(tmp_path)},
        )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-1500:]
    assert '"card_number":"N000100001"' in done.stdout.replace(" ", "")


def test_what_apple_gives_becomes_the_files_that_the_settings_name(tmp_path: Path) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=pass", "-keyout", "made.key", "-out", "made.pem"
    )
    openssl(
        "pkcs12",
        "-export",
        "-legacy",
        "-inkey",
        "made.key",
        "-in",
        "made.pem",
        "-passout",
        "pass:1",
        "-out",
        "pass.p12",
    )
    lines = "".join(block.text for block in blocks((HOME / "docs" / "wallets.md").read_text(encoding="utf-8")))
    converting = [line for line in lines.splitlines() if line.startswith("openssl ")]
    assert len(converting) == 2
    # What openssl asks for: the password of the export, and for the key one of its own, twice.
    for line, typed in zip(converting, ("1\n", "1\nsecret\nsecret\n"), strict=True):
        command = ["sh", "-c", line]
        subprocess.run(
            command, cwd=tmp_path, input=typed, text=True, check=True, capture_output=True, start_new_session=True
        )
    openssl("x509", "-in", "certificate.pem", "-noout")
    openssl("rsa", "-in", "key.pem", "-passin", "pass:secret", "-noout")
