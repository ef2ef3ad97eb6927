"""Tables about the command line: the commands, and one's options, as its parser has them."""

import argparse
from collections.abc import Iterator

from docs.building.markdown import table
from misure_onnx.cli import COMMANDS


def command_list(_: str = "") -> str:
    """Every command and what it says of itself."""
    return table(
        ("command", "does"), [(f"[`misure {name}`](#misure-{name})", made.HELP) for name, made in COMMANDS.items()]
    )


def options(command: str) -> str:
    """A command's arguments and options; `command` may name a command below it, as in `reliability train`."""
    first, _, second = command.partition(" ")
    parser = argparse.ArgumentParser(prog="misure")
    COMMANDS[first].configure(parser)
    if second:
        parser = _below(parser)[second]
    rows = [(f"`{_spelt(action)}`", _said(action)) for action in _actions(parser)]
    return table(("option", "means"), rows)


def _below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next(action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    yield from (a for a in parser._actions if not isinstance(a, argparse._HelpAction) and a.help != argparse.SUPPRESS)


def _spelt(action: argparse.Action) -> str:
    """As in a command: the long name and what follows it."""
    if not action.option_strings:
        return str(action.metavar or action.dest)
    name = next((option for option in action.option_strings if option.startswith("--")), action.option_strings[0])
    if action.nargs == 0:
        return name
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    return f"{name} {action.metavar or choices}"


def _said(action: argparse.Action) -> str:
    """The help, and the default where the help does not speak of it."""
    said = " ".join((action.help or "").replace("%%", "%").split())
    silent = action.default in (None, False, [], (), argparse.SUPPRESS) or not action.option_strings
    return (
        said if silent or "default" in said or f"({action.default})" in said else f"{said} (default: {action.default})"
    )
