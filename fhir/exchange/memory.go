package exchange

import (
	"maps"
	"slices"
	"sync"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// memory keeps compiled policy between requests. What it holds serves only while the epoch that a
// request reads in its own snapshot is the one at which it was compiled (access.md 6.3): there is
// no time to live, and a withdrawal acts on the next request of every process.
type memory struct {
	mu       sync.Mutex
	size     int // children at most
	children map[string]kept
	turn     uint64 // grows with each use, to find the child that was used longest ago
	people   people

	terms map[fhir.Ref]keptTerm // of the Consents of grants

	heads map[headsKey]keptHeads
	rows  int // of all heads
}

// headsKey names the resources of one type in a compartment.
type headsKey struct {
	compartment string
	kind        fhir.Type
}

// keptHeads are their facts as they were after so many writes in the compartment.
type keptHeads struct {
	writes int64
	facts  []auth.ResourceFacts
}

// rows is what it counts for: one that holds nothing takes its place too.
func (h keptHeads) rows() int { return len(h.facts) + 1 }

// maxHeads bounds the facts that are kept, about 2 kB each; when there are more, all are let go.
const maxHeads = 4000

// kept is the compiled policy of one child.
type kept struct {
	epoch int64
	child *auth.Child
	used  uint64
}

// people are the organisations and staff that policy asked for so far, at one epoch of the directory.
type people struct {
	epoch     int64
	resources map[fhir.Ref]*fhir.Resource // nil: there is none
	compiled  *auth.Directory
}

func newMemory(size int) *memory {
	return &memory{size: size, children: map[string]kept{}, heads: map[headsKey]keptHeads{}, terms: map[fhir.Ref]keptTerm{}}
}

// factsOf returns the facts of a type in a compartment that has had so many writes; false when they are
// not kept. They must not be changed.
func (m *memory) factsOf(k headsKey, writes int64) ([]auth.ResourceFacts, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, ok := m.heads[k]
	return kept.facts, ok && kept.writes == writes
}

// keepFacts remembers the facts of a type in a compartment. Older ones give way, newer ones stay.
func (m *memory) keepFacts(k headsKey, h keptHeads) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.heads[k]
	if ok && old.writes > h.writes || len(h.facts) > maxHeads/2 {
		return
	}
	if ok {
		m.rows -= old.rows()
	}
	if m.rows += h.rows(); m.rows > maxHeads {
		clear(m.heads)
		m.rows = h.rows()
	}
	m.heads[k] = h
}

// child returns the policy of a child as compiled at an epoch, nil when it is not kept.
func (m *memory) child(id string, epoch int64) *auth.Child {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.children[id]
	if !ok || k.epoch != epoch {
		return nil
	}
	m.turn++
	k.used = m.turn
	m.children[id] = k
	return k.child
}

// term returns the term of a grant's Consent as it was at some epoch; false when it is not kept.
func (m *memory) term(consent fhir.Ref) (keptTerm, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.terms[consent]
	return t, ok
}

func (m *memory) keepTerm(consent fhir.Ref, t keptTerm) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.terms) >= m.size {
		clear(m.terms)
	}
	m.terms[consent] = t
}

// keep remembers the policy of a child. An older one of the same child gives way, a newer one stays.
func (m *memory) keep(id string, epoch int64, c *auth.Child) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.children[id]; ok && k.epoch > epoch {
		return
	}
	if len(m.children) >= m.size {
		m.forget()
	}
	m.turn++
	m.children[id] = kept{epoch: epoch, child: c, used: m.turn}
}

// forget drops the half that was used longest ago.
func (m *memory) forget() {
	used := make([]uint64, 0, len(m.children))
	for _, k := range m.children {
		used = append(used, k.used)
	}
	slices.Sort(used)
	middle := used[len(used)/2]
	maps.DeleteFunc(m.children, func(_ string, k kept) bool { return k.used <= middle })
}

// directory returns who is known at an epoch of the directory.
func (m *memory) directory(epoch int64) people {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.people.epoch != epoch {
		return people{epoch: epoch}
	}
	return m.people
}

// know remembers who was looked up, unless the directory has moved on.
func (m *memory) know(p people) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.epoch >= m.people.epoch && len(p.resources) <= m.size {
		m.people = p
	}
}

// with returns p with more looked up, as a new value: what others hold does not change.
func (p people) with(more map[fhir.Ref]*fhir.Resource) people {
	all := maps.Clone(p.resources)
	if all == nil {
		all = map[fhir.Ref]*fhir.Resource{}
	}
	maps.Copy(all, more)
	return people{epoch: p.epoch, resources: all, compiled: auth.NewDirectory(slices.Collect(maps.Values(all)))}
}
