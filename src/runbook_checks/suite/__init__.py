"""The built-in suite as a package, with `checks`, `fixtures` and the folders beside them.

In a clone these folders lie at the top of the repository; in a wheel they lie here.
"""

from pathlib import Path

if not (Path(__file__).parent / "checks").is_dir():
    __path__ = [str(Path(__file__).parents[3])]
