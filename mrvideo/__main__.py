"""`python -m mrvideo` is `mrvideo`."""

from mrvideo.cli.app import main

if __name__ == "__main__":
    main()
