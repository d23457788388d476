"""The tests, a mirror of `src/stationmaster` folder by folder; `tests.walks` crosses the layers."""
