"""Where the files under test are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TERRAFORM: Final = ROOT / "infra" / "terraform"
WORKFLOWS: Final = ROOT / ".github" / "workflows"
