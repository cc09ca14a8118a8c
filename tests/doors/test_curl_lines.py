"""The lines with `curl` in docs/libraries.md work at the demonstration, one after the other, as they stand there."""

import os
import subprocess
from pathlib import Path

import pytest

from drills.documents import HOME, blocks
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
