"""Ctrl-C in a command that can go on later."""


class Interrupted(KeyboardInterrupt):
    """An interruption that says what it means for the work that was done."""
