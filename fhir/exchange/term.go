package exchange

import (
	"context"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// term is when the Consent of a grant holds. The zero term never does.
type term struct {
	active     bool
	start, end time.Time
}

// keptTerm is a term as it was at an epoch of its child.
type keptTerm struct {
	term
	child string
	epoch int64
}

// termOf reads the term of a Consent. Its period is written by GrantConsent, in full instants.
func termOf(n fhir.Node) term {
	start, err := time.Parse(time.RFC3339, n.At("provision", "period", "start").Text())
	if err != nil {
		return term{}
	}
	end, err := time.Parse(time.RFC3339, n.At("provision", "period", "end").Text())
	if err != nil {
		return term{}
	}
	return term{active: n.Member("status").Text() == "active", start: start, end: end}
}

// covers reports whether the Consent is active and its period covers an instant.
func (t term) covers(now time.Time) bool {
	return t.active && !now.Before(t.start) && now.Before(t.end)
}

// ConsentLive reports whether a Consent is active and in its period.
func (s *Service) ConsentLive(ctx context.Context, consent fhir.Ref) (bool, error) {
	live := false
	err := s.store.View(ctx, func(v Snapshot) error {
		t, err := s.term(v, consent.Current())
		live = t.covers(s.now())
		return err
	})
	return live, fhir.Wrap("exchange.ConsentLive", err)
}

// term returns the term of a Consent, read once per epoch of its child; zero when there is no such
// Consent.
func (s *Service) term(v Snapshot, consent fhir.Ref) (term, error) {
	if kept, ok := s.memory.term(consent); ok {
		now, err := v.State(kept.child)
		if err != nil || now.Epoch == kept.epoch {
			return kept.term, err
		}
	}
	st, err := v.Read(consent)
	if missing(err) {
		return term{}, nil
	}
	if err != nil {
		return term{}, err
	}
	r, err := tree(st)
	if err != nil {
		return term{}, err
	}
	t := termOf(r.Root())
	if len(st.Facts.Patients) != 1 {
		return t, nil
	}
	child := st.Facts.Patients[0].ID
	now, err := v.State(child)
	if err == nil {
		s.memory.keepTerm(apart(consent), keptTerm{t, child, now.Epoch})
	}
	return t, err
}
