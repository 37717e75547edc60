"""How quick is the suite? Told in ratios of runs made side by side, so that the figures hold on any machine."""
