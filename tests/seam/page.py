"""docs/your-own-domain.md: the files that it writes, and the session that it shows."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-domain.md").read_text(encoding="utf-8")
FILES = {
    block.splitlines()[0].removeprefix("# "): block for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)
}
SESSION = re.search(r"^```pycon\n(.*?)^```", PAGE, re.M | re.S)
