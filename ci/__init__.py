"""Where does a run start? The entry points for pipelines, schedulers and people."""
