"""What deploy/ tells operators to copy: units, the proxy, how long logs are kept, and, in the long form, the image."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.people import fill_register
from drills.deploy.hiding import try_hiding
from drills.deploy.image import try_image
from drills.deploy.passing_on import try_pages, try_passing_on, try_static_files
from drills.deploy.portal import Portal, Upstream
from drills.deploy.proxy import HOME, Proxy
from drills.deploy.strain import try_restart, try_slow_clients, try_too_many
from drills.deploy.units import try_log_keeping, try_units
from drills.figures import Figures
from tests.postgres import create_database, running_postgres


def drill(figures: Figures, *, short: bool) -> None:
    """Try all of it. The short form has SQLite for the register, shorter strains and no image."""
    try_units(figures)
    try_log_keeping(figures)
    with TemporaryDirectory(prefix="lanekort-deploy-") as name:
        # nginx's workers are another user's.
        folder = Path(name)
        folder.chmod(0o711)
        if short:
            _try_proxy(figures, folder, f"sqlite:///{folder / 'register.sqlite'}", short=True)
        else:
            with running_postgres() as server:
                _try_proxy(figures, folder, create_database(server, "drill"), short=False)
    if not short:
        with TemporaryDirectory(prefix="lanekort-image-") as name:
            folder = Path(name)
            folder.chmod(0o711)
            try_image(figures, folder)


def _try_proxy(figures: Figures, folder: Path, database_url: str, *, short: bool) -> None:
    fill_register(database_url, people=1000 if short else 8000)
    portal, upstream, proxy = Portal(database_url, folder, workers=1 if short else 2), Upstream(), Proxy(folder)
    portal.start()
    try:
        portal.wait_until_ready()
        proxy.lead_to(portal.port)
        for main in proxy.main_files():
            fault = proxy.check(main)
            place = main.relative_to(HOME) if main.is_relative_to(HOME) else main
            figures.promise(f"nginx -t with {place}", fault or "well", holds=not fault, promised="well")
        with proxy.running(), upstream.running():
            try_static_files(figures, proxy, portal)
            try_pages(figures, proxy, portal)
            try_slow_clients(figures, proxy, seconds=3 if short else 15)
            try_restart(figures, proxy, portal, times=1 if short else 10)
            try_hiding(figures, proxy, portal, upstream)
            try_passing_on(figures, proxy, upstream)
            try_too_many(figures, proxy, upstream)
    finally:
        portal.close()
