"""One module a command, each with ``add_arguments(parser)`` and ``run(args)``.

What is said to the user goes to stdout, progress and errors to stderr; ``--json`` prints one JSON
value and nothing else on stdout. A module's heavy imports belong inside ``run``.
"""
