"""The gateway that is measured: `python -m bench.kiosk_gateway DATABASE_URL PORT PORT_OF_THE_SYSTEM`."""

import asyncio
import sys

from app.sip2.gateway import run_until_stopped
from app.sip2.settings import GatewaySettings, LibraryGateway
from bench.people import LIBRARY_ID, make_portal

if __name__ == "__main__":
    library = LibraryGateway(
        library_id=LIBRARY_ID,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        ils_host="127.0.0.1",
        ils_port=int(sys.argv[3]),
    )
    asyncio.run(run_until_stopped(make_portal(sys.argv[1]), GatewaySettings(libraries=(library,), connections=2000)))
