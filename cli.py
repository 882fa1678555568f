"""The command line from a checkout: `python cli.py analyze resnet50`."""

import sys

if __name__ == "__main__":
    try:
        from archspec.__main__ import main
    except ModuleNotFoundError as error:
        sys.exit(f"archspec needs {error.name}: python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e .")
    sys.exit(main())
