package exchange

import (
	"context"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// Taken is one page of what an operator takes out of the store.
type Taken struct {
	Lines [][]byte // complete resources, each without a line break
	Next  string   // cursor of the next page, "" at the end
}

// TakeOut returns the current resources of a type from a cursor on, at most max, for the operator: no
// decision is asked, and who calls it has to say so in the log (Note). The log itself is not a type here.
func (s *Service) TakeOut(ctx context.Context, t fhir.Type, cursor string, max int) (Taken, error) {
	const op = "exchange.TakeOut"
	var out Taken
	err := s.store.View(ctx, func(v Snapshot) error {
		page, err := v.Search(search.Plan{Type: t, Count: max, Cursor: cursor}, auth.Filter{Directory: true})
		if err != nil {
			return err
		}
		out.Next = page.Next
		for _, st := range page.Matches {
			out.Lines = append(out.Lines, oneLine(fhir.Serve(st.Body, st.MetaAt, st.Ref.Version, st.Updated)))
		}
		return nil
	})
	return out, fhir.Wrap(op, err)
}
