"""`python -m stationmaster` is `stationmaster`."""

from stationmaster.cli import main

if __name__ == "__main__":
    main()
