package exchange

import "github.com/drieluik/drieluik/auth"

// Meters count what the use cases do. None learns of a person or a resource. They are called by many
// requests at once.
type Meters struct {
	// Decided is told of each decision of policy.
	Decided func(auth.Decision)
	// Leaked is told when a decision refuses what a filter let through: a fault of this server.
	Leaked func()
	// Compiled is told whether the policy of a child was known, or had to be compiled.
	Compiled func(known bool)
}

// whole returns m without gaps.
func (m Meters) whole() Meters {
	if m.Decided == nil {
		m.Decided = func(auth.Decision) {}
	}
	if m.Leaked == nil {
		m.Leaked = func() {}
	}
	if m.Compiled == nil {
		m.Compiled = func(bool) {}
	}
	return m
}
