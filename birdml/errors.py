"""The one exception that a user sees."""


class UserError(Exception):
    """What a user did wrong, in one line: what is wrong, where, and what to do.

    Entry points print it without a traceback and exit with code 2.
    """
