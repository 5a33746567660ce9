"""What Tidemark needs and costs at 10, 1,000 and 100,000 commands per second: the tables of docs/capacity.md.

python -m bench.capacity --measure      measure bench/capacity/figures.json anew, then write the page
python -m bench.capacity                write the page's tables from the measured figures
python -m bench.capacity --set transfers=0.5 --set warm=0.3      print them for another load or other prices
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.capacity.figures import PATH, Figures
from bench.capacity.page import filled
from bench.capacity.settings import Assumptions
from bench.capacity.tables import tables

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true", help="measure anew first")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings")
    options = parser.parse_args()
    if options.measure:
        from bench.capacity.measure import measure  # the whole product, which nobody needs to write tables

        measure().save(PATH)
    made = tables(Figures.load(), Assumptions().changed(options.settings))
    if options.settings:
        for name, table in made.items():
            print(f"{name}\n\n{table}\n")
    else:
        PAGE.write_text(filled(PAGE.read_text(), made))
        print(f"{PAGE.name}: {len(made)} tables written")


if __name__ == "__main__":
    main()
