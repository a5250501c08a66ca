"""``python -m mf_etl.cli`` is `mf-etl`."""

from mf_etl.cli import main

if __name__ == "__main__":
    main()
