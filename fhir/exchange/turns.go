package exchange

import (
	"context"
	"slices"
	"sync"

	"github.com/drieluik/drieluik/fhir"
)

// turns lets those who write about one child, or begin exports for one client, go one after another where each would
// else find that what it compared with has moved, and run again. It keeps nobody from anything: what stands is
// proven at the commit.
type turns struct {
	mu  sync.Mutex
	all map[string]*turn
}

// turn is that of one child or client. Whoever holds it has the token.
type turn struct {
	token chan struct{}
	users int // that hold it or wait for it
}

// take waits for the turns of children, and returns what gives them back.
func (t *turns) take(ctx context.Context, children []string) (release func(), err error) {
	slices.Sort(children) // all in one order: nobody waits for whom waits for him
	var held []string
	release = func() {
		for _, child := range held {
			t.leave(child, true)
		}
	}
	for _, child := range slices.Compact(children) {
		select {
		case t.join(child).token <- struct{}{}:
			held = append(held, child)
		case <-ctx.Done():
			t.leave(child, false)
			release()
			return nil, ctx.Err()
		}
	}
	return release, nil
}

func (t *turns) join(child string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]*turn{}
	}
	x := t.all[child]
	if x == nil {
		x = &turn{token: make(chan struct{}, 1)}
		t.all[child] = x
	}
	x.users++
	return x
}

func (t *turns) leave(child string, held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.all[child]
	if held {
		<-x.token
	}
	if x.users--; x.users == 0 {
		delete(t.all, child)
	}
}

// compared are the children that changes name, but those of whom it is known that a write about them is compared with
// nothing that others write.
func (s *Service) compared(changes []Change) []string {
	var out []string
	for _, ch := range changes {
		r := ch.Resource
		if !slices.Contains(coordinated, ch.Type) {
			continue
		}
		if r == nil && ch.Text != "" { // of a transaction
			r, _ = fhir.ParseText(ch.Text)
		}
		if r == nil {
			continue
		}
		for _, member := range []string{"subject", "patient"} {
			child, ok := fhir.ParseRef(r.Root().Member(member).Member("reference").Text())
			if k, kept := s.tables.of(child.ID); ok && (!kept || k.relied) {
				out = append(out, child.ID)
			}
		}
	}
	return out
}
