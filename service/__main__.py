"""`python -m service` is the console script."""

from service.cli import main

main()
