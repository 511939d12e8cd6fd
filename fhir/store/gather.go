package store

import (
	"sync"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// gatherer lends room for lists whose length is known only at their end. It is safe for concurrent use.
type gatherer[T any] struct{ rooms sync.Pool }

var (
	gatherStored gatherer[exchange.Stored]
	gatherFacts  gatherer[auth.ResourceFacts]
)

// maxRoom bounds the elements of a room that is kept, of 0.6 to 0.7 kB.
const maxRoom = 256

// all returns what fill appends to a list, in one that is no longer than it: some are kept, others wait for each other.
func (g *gatherer[T]) all(fill func([]T) ([]T, error)) ([]T, error) {
	room, ok := g.rooms.Get().(*[]T)
	if !ok {
		room = new([]T)
	}
	list, err := fill((*room)[:0])
	var out []T
	if len(list) > 0 && err == nil {
		out = make([]T, len(list))
		copy(out, list)
	}
	clear(list)
	if *room = list; cap(list) <= maxRoom {
		g.rooms.Put(room)
	}
	return out, err
}
