package auth

import "time"

// StateOp is one atomic step on short-lived authorisation state. fhir/store runs it in its writer;
// auth/state builds it. Kinds and semantics: smart.md 3.2.
type StateOp struct {
	Verb    string // put, take, once, count, sweep
	Kind    string // grant at rt rtused code codeused launch par ixn sess jti dpop rate
	Key     string // hex of a SHA-256; for count the bucket
	Value   []byte
	Expires time.Time
	Now     time.Time
	Max     int // sweep: rows at most
}

// StateResult answers a StateOp.
type StateResult struct {
	Value []byte
	OK    bool      // take: was there; once: first
	At    time.Time // once: time of the first
	Count int       // count, sweep
}
