package exchange

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// afreshKey is where it is kept by which rules of coordination the children were looked at.
const afreshKey = "coordination/rules"

// afreshPage is how many children one Tick has looked at again: with a Tick every few seconds that takes a small
// part of one core, and 100,000 children a few hours.
const afreshPage = 25

// afresh is how far the children are looked at again, by rules that changed.
type afresh struct {
	Rules string `json:"rules"` // their version
	After string `json:"after"` // cursor of the next page of children
	Done  bool   `json:"done"`
}

// afresh makes the next children due whom the rules of coordination judged when they were others (coordination.md 10).
// It goes on where it was, also after a restart; of several processes one does it.
func (s *Service) afresh(ctx context.Context) error {
	const op = "exchange.afresh"
	if s.coordination == nil || s.afreshed.Load() {
		return nil
	}
	var u Unit
	var next afresh
	err := s.store.View(ctx, func(v Snapshot) error {
		old, err := settingOf(v, afreshKey)
		if err != nil {
			return err
		}
		if old.Value != nil {
			if err := json.Unmarshal(old.Value, &next); err != nil {
				return err
			}
		}
		if version := s.coordination.Version(); next.Rules != version {
			next = afresh{Rules: version}
		}
		if next.Done {
			return nil
		}
		if err := next.page(v, &u); err != nil {
			return err
		}
		value, err := json.Marshal(next)
		u.Settings = []Setting{{Key: afreshKey, Value: value}}
		u.Relied = []Reliance{{Setting: &old}}
		return err
	})
	if err == nil && u.Settings != nil {
		_, err = s.store.Commit(ctx, u)
	}
	if moved(err) { // another process did it
		return nil
	}
	if err == nil && next.Done {
		s.afreshed.Store(true)
	}
	return fhir.Wrap(op, err)
}

// page makes a page of children due, and says where the next one begins.
func (a *afresh) page(v Snapshot, u *Unit) error {
	plan, issues := search.Parse("Patient", url.Values{}, search.Options{Count: afreshPage})
	if fhir.HasErrors(issues) {
		return &fhir.Error{Kind: fhir.Internal, Op: "exchange.afresh", Issues: issues}
	}
	plan.Cursor = a.After
	page, err := v.Search(plan, auth.Filter{Directory: true})
	if err != nil {
		return err
	}
	for _, st := range page.Matches {
		u.Due = append(u.Due, Due{Compartment: st.Ref.ID})
	}
	a.After, a.Done = page.Next, page.Next == ""
	return nil
}
