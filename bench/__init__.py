"""Measure how fast the suite is, in ratios of runs made side by side, so that the figures hold on any machine."""
