"""The one exception for what comes from outside and cannot be used."""


class InputError(ValueError):
    """A file, image, argument or checkpoint that cannot be used.

    The message is one sentence that names the thing and the mend; the command line prints it
    without a traceback and exits with status 1.
    """
