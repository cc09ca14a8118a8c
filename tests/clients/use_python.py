"""What a library's programmer writes with openapi-python-client."""

import json
import sys

from client import AuthenticatedClient
from client.api.libraries_and_kiosks import correct_patron, fetch_patron, scan_card
from client.models import CorrectionIn, ScanIn, ScanOutAccepted, ScanOutRefused

url, authorization, code = sys.argv[1:]
api = AuthenticatedClient(base_url=url, prefix="Basic", token=authorization.removeprefix("Basic "))
number = "N000100001"

accepted = scan_card.sync(client=api, body=ScanIn(payload=code))
refused = scan_card.sync(client=api, body=ScanIn(payload="921000000000000000000000"))
assert isinstance(accepted, ScanOutAccepted)
assert isinstance(refused, ScanOutRefused)
missing = api.get_httpx_client().patch(f"/api/v1/patrons/{number}", json={"place": "Moss"})
nobody = api.get_httpx_client().post("/api/v1/deaths", json={})
seen = fetch_patron.sync_detailed(number, client=api).headers["ETag"]
corrected = correct_patron.sync(number, client=api, if_match=seen, body=CorrectionIn(place="Moss", phone=None))
stale = correct_patron.sync(number, client=api, if_match=seen, body=CorrectionIn())
used = {
    "accepted": accepted.patron.name,
    "refused": refused.reason,
    "missing": missing.status_code,
    "nobody": nobody.status_code,
    "corrected": [corrected.place, corrected.phone],
    "stale": stale.code,
}
sys.stdout.write(json.dumps(used))
