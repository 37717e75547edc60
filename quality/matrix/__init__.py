"""The detection matrix (`make matrix`): every fault and outage against every check, in labs with all systems."""
