"""The specification of Rondpoint, as tests; `tests.lab` holds the real parts they run on."""
