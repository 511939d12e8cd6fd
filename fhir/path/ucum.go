package path

// order compares two quantities; false when their units have no common dimension.
func (m Measure) order(n Measure) (int, bool) {
	n, ok := n.in(m)
	if !ok {
		return 0, false
	}
	return m.Value.compare(n.Value), true
}

func (m Measure) equivalent(n Measure) bool {
	n, ok := n.in(m)
	if !ok {
		return false
	}
	scale := min(m.Value.trim().scale, n.Value.trim().scale)
	return m.Value.round(scale).compare(n.Value.round(scale)) == 0
}

func (m Measure) in(n Measure) (Measure, bool) { return m, m.Unit == n.Unit }

func combined(m, n Measure, divide bool) (Measure, Measure, bool) { return m, n, false }
