package exchange

import (
	"slices"
	"sync"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// Bounds on asking for ids (access.md 5, create-on-update): who may create under an id of its own learns
// from a 404 that the id is taken, and may learn that this often.
const (
	maxGuesses  = 20
	guessPeriod = time.Hour
)

// guesses counts, by client, the taken ids that it was told of. It is safe for concurrent use.
type guesses struct {
	mu sync.Mutex
	at map[string][]time.Time
}

// over reports whether a client has been told as often as it may be.
func (g *guesses) over(client string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at[client] = slices.DeleteFunc(g.at[client], func(t time.Time) bool { return now.Sub(t) >= guessPeriod })
	return len(g.at[client]) >= maxGuesses
}

func (g *guesses) note(client string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.at[client]) < maxGuesses {
		g.at[client] = append(g.at[client], now)
	}
}

// guessed answers an update under an id that is taken and hidden, or free, by a client that has asked for
// too many that are taken; nil when it has not. Both get one answer, so that it tells nothing more.
func (b *batch) guessed(st *step) error {
	client := b.event.call.Principal.Client
	if !b.w.s.guesses.over(client, b.w.now) {
		return nil
	}
	b.event.refused(auth.Decision{HTTP: 429, Step: "permit", Reason: "id-guesses"}, st.prior)
	b.event.alert = true
	return fhir.Errorf(fhir.TooMany, "exchange.Write", "throttled", "id-guesses",
		"Too many updates named ids that are taken; let the server choose ids with POST, or come back in an hour.")
}

// takenID notes that a client which may choose ids is told that one is taken.
func (b *batch) takenID(st *step) (refused, err error) {
	p := b.event.call.Principal
	if st.Interaction != auth.Update || !st.chosen || !slices.Contains(auth.Levels(p.Role), "system") {
		return nil, nil
	}
	may, err := b.w.decide(p, auth.Action{Interaction: auth.Create, Type: st.Type}, nil)
	if err != nil || !may.Permit {
		return nil, err
	}
	if refused := b.guessed(st); refused != nil {
		return refused, nil
	}
	b.w.s.guesses.note(p.Client, b.w.now)
	return nil, nil
}
