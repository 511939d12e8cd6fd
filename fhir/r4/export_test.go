package r4

// Load reads the whole table again, for the benchmark.
func Load() { load(table) }
