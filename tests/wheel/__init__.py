"""Build the two wheels, install them as users do, and run them there."""

import pytest

SLOW = [pytest.mark.slow, pytest.mark.timeout(600)]  # the first test of a run builds and installs
