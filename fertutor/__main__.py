"""``python -m fertutor``, the form that torchrun starts."""

from .cli import main

raise SystemExit(main())
