"""Whether a command of a document is one that exists, by the very parsers of the programs that it is for."""

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from io import StringIO

import click
from flask import Flask
from flask_migrate.cli import db
from gunicorn.config import Config

from app.cli import add_commands
from drills.installing.documents import HOME

# Programs of others that documents may call, with the Debian package they are in. Their options are not looked at
# here: what calls them is run by a drill or a test (tests/house/test_commands.py says which).
PACKAGES = {
    "coreutils": "cat chmod chown cp date echo head install ln ls mkdir mktemp mv printf rm sha256sum sleep tail tee",
    "dash": "cd export set test [ true umask wait . command exit read",
    "apt": "apt apt-get",
    "util-linux": "runuser mount",
    "passwd": "adduser useradd groupadd usermod",
    "adduser": "adduser",
    "sed, grep, gawk, diffutils, findutils": "sed grep awk diff find xargs",
    "systemd": "systemctl journalctl systemd-analyze systemd-run systemd-tmpfiles systemd-sysusers timedatectl",
    "openssl": "openssl",
    "curl": "curl",
    "git": "git",
    "tar, gzip": "tar gzip",
    "python3-venv": "python3",
    "npm": "npm",
    "requirements.txt": "pip pybabel",
    "nginx-light": "nginx",
    "certbot": "certbot",
    "postgresql": "psql createdb createuser pg_dump pg_restore pg_basebackup pg_verifybackup vacuumdb",
    "postgresql-common": "pg_lsclusters pg_createcluster pg_ctlcluster pg_dropcluster",
    "pgbackrest": "pgbackrest",
    "patroni, etcd-client, haproxy, pgbouncer": "patroni patronictl etcdctl haproxy pgbouncer",
    "prometheus": "promtool",
    "buildah, podman": "buildah podman",
    "age": "age age-keygen",
    "deploy/pgbackrest": "lanekort-backup",
    "sqlite3": "sqlite3",
    "uuid-runtime": "uuidgen",
}  # fmt: skip
OTHERS = {program for programs in PACKAGES.values() for program in programs.split()}


class _Parsed(Exception):
    """A command line was understood; what it would do is not done."""


def fault(words: Sequence[str], *, whole: bool = True) -> str | None:
    """Return what is wrong with a command, or None. With `whole` false arguments may be missing or stand for others."""
    words = _without_those_before(words)
    if not words:
        return None
    program, arguments = words[0].rpartition("/")[2], [word for word in words[1:] if word != "--help"]
    if program == "lanekort" and arguments[:1] == ["circulation"] and words[-1] == "--help":
        return None
    if words[0] == "./manage":
        return _of_manage(arguments)
    if program == "lanekort" and arguments[:1] == ["circulation"]:
        return _of_module(arguments)
    if program in ("flask", "lanekort"):
        return _of_click(arguments, whole=whole)
    if program == "gunicorn":
        return _of_argparse(lambda: Config().parser().parse_args(), arguments)
    if program in ("python", "python3") and arguments[:1] == ["-m"]:
        return _of_module(arguments[1:])
    return None if program in OTHERS or words[0].startswith(("$", "/usr/")) else f"nobody knows the program {words[0]}"


def _without_those_before(words: Sequence[str]) -> list[str]:
    """Leave out `sudo -u somebody`, `runuser -u somebody --`, and variables for one command."""
    rest = list(words)
    while rest:
        if rest[0] in ("sudo", "runuser"):
            rest = rest[3:] if rest[1:2] == ["-u"] else rest[1:]
            rest = rest[1:] if rest[:1] == ["--"] else rest
        elif rest[0] in ("env", "exec", "nice") or re.fullmatch(r"[A-Z_]+=.*", rest[0], re.DOTALL):
            rest = rest[1:]
        else:
            break
    return rest


def _of_manage(arguments: list[str]) -> str | None:
    known = set(
        re.findall(r"^(\w+)(?: \| [\w-]+)*\)", (HOME / "manage").read_text().split("case $command in")[1], re.M)
    )
    name, *rest = arguments or ["help"]
    if name not in known:
        return f"./manage has no command {name}"
    module = {"run": "demo", "bench": "bench.__main__", "drill": "drills.__main__"}.get(name)
    if module is not None and not any(word.isupper() for word in rest):
        return _of_argparse(import_module(module).main, rest)
    missing = [word for word in rest if word.startswith("tests/") and not (HOME / word.partition("::")[0]).exists()]
    return f"there is no {missing[0]}" if missing else None


def _of_module(words: list[str]) -> str | None:
    if words[:1] == ["circulation"]:
        return _of_argparse(import_module("circulation.cli").main, words[1:])
    return None if words and find_spec(words[0]) else f"there is no module {' '.join(words[:1])}"


def _of_argparse(main: Callable[[], object], words: Iterable[str]) -> str | None:
    """Let a program read these words by its own parser, and stop before it does anything."""
    read, heard = argparse.ArgumentParser.parse_args, StringIO()

    def parse(parser: argparse.ArgumentParser, *_words: object, **_options: object) -> object:
        read(parser, list(words))
        raise _Parsed

    argparse.ArgumentParser.parse_args = parse  # type: ignore[method-assign,assignment]
    try:
        with redirect_stderr(heard), redirect_stdout(heard):
            main()
    except _Parsed:
        return None
    except SystemExit:
        return heard.getvalue().strip().rpartition("\n")[2]
    finally:
        argparse.ArgumentParser.parse_args = read  # type: ignore[method-assign]
    return "it read no command line"


@cache
def _operator() -> click.Group:
    """Return the operator's commands, as `flask` and `lanekort` have them."""
    app = Flask("lanekort")
    add_commands(app)
    named = {"db": db, **app.cli.commands}
    return click.Group(
        "flask", commands=named, params=[click.Option(["--app", "-A"]), click.Option(["--debug"], is_flag=True)]
    )


def _of_click(arguments: list[str], *, whole: bool) -> str | None:
    command: click.Command = _operator()
    try:
        context = command.make_context("flask", arguments) if arguments else None
        while context is not None and isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            if not rest:
                break
            name, found, rest = command.resolve_command(context, rest)
            assert found is not None
            command, context = found, found.make_context(name, rest, parent=context)
    except click.exceptions.NoArgsIsHelpError:
        return None
    except click.BadParameter as error:
        # A file that an operator has is not here.
        return None if not whole or "does not exist" in error.message else error.format_message()
    except click.UsageError as error:
        return error.format_message()
    return None
