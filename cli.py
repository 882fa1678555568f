"""The command line from a checkout: `python cli.py analyze resnet50`."""

import sys

from archspec.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
