"""``python -m cli`` is ``kb``."""

from cli import main

main()
