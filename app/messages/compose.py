"""The words of each message, in the patron's language."""

from dataclasses import dataclass

from flask_babel import gettext as _


@dataclass(frozen=True, slots=True)
class Words:
    """A message's subject and text."""

    subject: str
    body: str


def compose(*, kind: str, name: str, about: str | None) -> Words:
    """Return the words of a message of this kind to somebody by this name, about another one."""
    greeting = _("Hello %(name)s", name=name)
    signature = _("Greetings from Lånekort. No library card message ever asks for your PIN.")
    subject, sentences = _words(kind, about or "")
    return Words(subject=subject, body="\n\n".join([greeting, *sentences, signature]))


def _words(kind: str, about: str) -> tuple[str, list[str]]:
    match kind:
        case "family-advice-to-child":
            return _("Who may see your loans"), [
                _("You are older than 12, and your loans are your own business. We advise ending the family folder."),
                _("Nothing changes by itself. Under My page, Settings you can withdraw the permission."),
            ]
        case "family-advice-to-guardian":
            return _("The family folder after the 12th year"), [
                _(
                    "%(name)s is older than 12. Out of respect for young people's privacy we advise you to "
                    "switch off the view of their loans.",
                    name=about,
                ),
                _("Nothing changes by itself. Under My page, Settings you can switch it off."),
            ]
        case unknown:
            raise ValueError(f"no words for {unknown}")
