package main

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"sync"
)

// lanes send the records of one child through one worker, in order, and children beside one another. A child has
// several names: a number, and a local id in each system.
type lanes struct {
	workers []chan importRecord
	of      map[string]*lane
	open    sync.WaitGroup // records on their way
}

func newLanes(n int) *lanes {
	l := &lanes{workers: make([]chan importRecord, n), of: map[string]*lane{}}
	for i := range l.workers {
		l.workers[i] = make(chan importRecord, 4)
	}
	return l
}

// send puts a record into the lane of its child. It reports whether the import goes on.
func (l *lanes) send(ctx context.Context, rec importRecord) bool {
	l.open.Add(1)
	select {
	case l.workers[l.lane(rec.lanes)] <- rec:
		return true
	case <-ctx.Done():
		l.open.Done()
		return false
	}
}

// lane is what is known to be one child, and the worker of it. One that turned out to be the same child as another
// is joined to that.
type lane struct {
	worker int
	joined *lane
}

func (l *lane) root() *lane {
	for l != nil && l.joined != nil {
		l = l.joined
	}
	return l
}

// lane finds the worker of names that belong together. When they were thought to be two children, what is on its way
// is waited for, and all names of both go one way from then on.
func (l *lanes) lane(names []string) int {
	var to *lane
	for _, name := range names {
		switch at := l.of[name].root(); {
		case at == nil || at == to:
		case to == nil:
			to = at
		default:
			if at.worker != to.worker {
				l.open.Done() // but for this record
				l.open.Wait()
				l.open.Add(1)
			}
			at.joined = to
		}
	}
	if to == nil {
		h := fnv.New32a()
		_, _ = h.Write([]byte(names[0])) // never fails
		to = &lane{worker: int(h.Sum32() % uint32(len(l.workers)))}
	}
	for _, name := range names {
		l.of[name] = to
	}
	return to.worker
}

func (l *lanes) close() {
	for _, w := range l.workers {
		close(w)
	}
}

// childNames are the names of the child in a source document or a Bundle, of others the place where they stand.
func childNames(doc []byte, place string) []string {
	var head struct {
		Bronsysteem struct{ URA, Applicatie string }
		Kind        struct{ LokaalID, BSN string }
		Entry       []struct {
			Resource struct {
				ResourceType string
				Identifier   []struct{ System, Value string }
			}
		}
	}
	if json.Unmarshal(doc, &head) != nil {
		return []string{place}
	}
	var out []string
	if head.Kind.LokaalID != "" {
		out = append(out, head.Bronsysteem.URA+"\x00"+head.Bronsysteem.Applicatie+"\x00"+head.Kind.LokaalID)
	}
	if head.Kind.BSN != "" {
		out = append(out, bsnSystem+"\x00"+head.Kind.BSN)
	}
	for _, e := range head.Entry {
		if e.Resource.ResourceType != "Patient" {
			continue
		}
		for _, id := range e.Resource.Identifier {
			out = append(out, id.System+"\x00"+id.Value)
		}
	}
	if len(out) == 0 {
		return []string{place}
	}
	return out
}

// bsnSystem is that of the number by which a child is known to several systems.
const bsnSystem = "http://fhir.nl/fhir/NamingSystem/bsn"
