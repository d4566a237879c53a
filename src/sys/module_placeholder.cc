namespace sandpit {}
