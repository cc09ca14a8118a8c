"""What the operator does for libraries, by a command or on the page: each act stands in the library's own list.

Every function is one transaction, and raises what it names. Whoever gives a `library_id` beside a user name does it at
that library alone.
"""

from datetime import datetime

from app.register.library.webhooks import listen_at, stop_listening
from app.register.patron.libraries import ImportReport, change_setting, import_libraries, read_settings
from app.register.staff.acts import note_operators_act
from app.register.staff.links import invite_by_operator, send_link_by_operator
from app.register.staff.machines import (
    NoSuchMachine,
    connect_machine,
    disconnect_machine,
    list_machines,
    rotate_password,
)
from app.register.staff.staff import NoSuchStaff, dismiss, list_staff
from app.register.store.transaction import writing
from app.rules.errors import RuleBroken
from app.rules.library.settings import LIBRARY_SETTINGS
from app.rules.library.staff import (
    MACHINE_CONNECTED,
    MACHINE_DISCONNECTED,
    MACHINE_ROTATED,
    SETTING_CHANGED,
    STAFF_DISMISSED,
    WEBHOOK_SET,
    WEBHOOK_STOPPED,
    StaffRole,
    is_staff_name,
    is_username,
)
from app.rules.people.contact import Contact, check_contact


class NotAUsername(RuleBroken):
    """A user name has 1 to 60 characters: A to Z, digits, and . _ @ - between them."""


class NotAName(RuleBroken):
    """A name has 1 to 120 characters, on one line."""


class _Tried(Exception):
    """Ends a transaction in which something was only tried."""


def set_library(*, library_id: str, name: str, text: str, now: datetime) -> str:
    """Set one of LIBRARY_SETTINGS, and return what it was. Raises SettingNotValid or NoSuchLibrary."""
    setting = LIBRARY_SETTINGS[name]
    value = setting.read(text)
    with writing():
        before = setting.write(read_settings(library_id=library_id)[name])
        change_setting(library_id=library_id, name=name, value=value)
        note_operators_act(library_id=library_id, kind=SETTING_CHANGED, subject=f"{name}: {text}", now=now)
    return before


def stop_webhook(*, library_id: str, now: datetime) -> None:
    """Send a library's notices nowhere any more. Raises NoSuchLibrary where there is no webhook."""
    with writing():
        stop_listening(library_id=library_id)
        note_operators_act(library_id=library_id, kind=WEBHOOK_STOPPED, subject=library_id, now=now)


def listen_webhook(*, library_id: str, url: str, key: bytes, now: datetime) -> None:
    """Send a library's notices to an address. Raises NoSuchLibrary."""
    with writing():
        listen_at(library_id=library_id, url=url, key=key, now=now)
        note_operators_act(library_id=library_id, kind=WEBHOOK_SET, subject=url, now=now)


def connect(*, library_id: str, username: str, kind: str, password: str, now: datetime) -> None:
    """Let a machine sign in. Raises NoSuchLibrary or UsernameTaken."""
    with writing():
        connect_machine(username=username, library_id=library_id, kind=kind, password=password)
        note_operators_act(library_id=library_id, kind=MACHINE_CONNECTED, subject=username, now=now)


def rotate(*, username: str, now: datetime) -> str:
    """Return a machine's new password. Raises NoSuchMachine."""
    library_id = _library_of_machine(username)
    with writing():
        password = rotate_password(username=username, now=now)
        note_operators_act(library_id=library_id, kind=MACHINE_ROTATED, subject=username, now=now)
    return password


def disconnect(*, username: str, now: datetime, library_id: str | None = None) -> None:
    """End a machine's access at once. Raises NoSuchMachine."""
    found_at = _library_of_machine(username, library_id)
    with writing():
        disconnect_machine(username=username)
        note_operators_act(library_id=found_at, kind=MACHINE_DISCONNECTED, subject=username, now=now)


def invite_staff(
    *, library_id: str, username: str, name: str, email: str, role: str, language: str, now: datetime
) -> None:
    """Queue a link by which somebody sets up their sign-in at a library.

    Raises NotAUsername, NotAName, ContactNotValid, NoSuchLibrary or UsernameTaken.
    """
    check_names(username, name)
    to = check_email(email)
    with writing():
        invite_by_operator(
            library_id=library_id,
            username=username,
            name=name,
            role=StaffRole(role),
            email=to,
            language=language,
            now=now,
        )


def send_staff_link(*, username: str, email: str, language: str, now: datetime, library_id: str | None = None) -> None:
    """Queue a new link for somebody whose papers were seen. Raises ContactNotValid or NoSuchStaff."""
    to = check_email(email)
    _check_staff(username, library_id)
    with writing():
        send_link_by_operator(username=username, email=to, language=language, now=now)


def dismiss_staff(*, username: str, now: datetime, library_id: str | None = None) -> None:
    """End somebody's access and sessions at once. Raises NoSuchStaff."""
    _check_staff(username, library_id)
    with writing():
        note_operators_act(library_id=dismiss(username=username), kind=STAFF_DISMISSED, subject=username, now=now)


def take_list(content: bytes, *, dry_run: bool) -> ImportReport:
    """Add or correct the libraries of a file, or with `dry_run` only see what would become of it.

    Raises NotALibraryList.
    """
    report: ImportReport | None = None
    try:
        with writing():
            report = import_libraries([content])
            if dry_run:
                raise _Tried
    except _Tried:
        pass
    assert report is not None
    return report


def check_names(username: str, name: str) -> None:
    """Raise NotAUsername or NotAName."""
    if not is_username(username):
        raise NotAUsername
    if not is_staff_name(name):
        raise NotAName


def check_email(text: str) -> str:
    """Return an e-mail address as it is written to. Raises ContactNotValid."""
    return check_contact(Contact(email=text, preferred_contact="email")).email or ""


def _library_of_machine(username: str, library_id: str | None = None) -> str:
    found = next((each for each in list_machines(library_id=library_id) if each.username == username), None)
    if found is None:
        raise NoSuchMachine
    return found.library_id


def _check_staff(username: str, library_id: str | None) -> None:
    if username not in {each.username for each in list_staff(library_id=library_id)}:
        raise NoSuchStaff
