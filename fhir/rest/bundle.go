package rest

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Bounds of a Bundle.
const (
	maxEntries = 1000     // entries of a batch or a transaction
	maxAnswer  = 32 << 20 // bytes that its answer may grow to before further entries are refused
)

// bundle serves POST / with a batch or a transaction. Its entries go the same ways as single requests.
func (s *Server) bundle(routes http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.caller(r, auth.Create, "Bundle")
		if err != nil {
			return err
		}
		c.Operation = "transaction"
		b, err := bundleOf(r)
		if err != nil {
			return s.Exchange.Reject(r.Context(), c, auth.Create, "Bundle", err)
		}
		d := &dispatch{routes: routes, base: s.Base, request: withSender(r, sender{principal: c.Principal})}
		if b.Root().Member("type").Text() == "batch" {
			return s.batch(w, d, b)
		}
		return s.transaction(w, d, c, b)
	}
}

// bundleOf reads the body of a batch or transaction.
func bundleOf(r *http.Request) (*fhir.Resource, error) {
	const op = "rest.bundle"
	b, err := resource(r, "Bundle")
	if err != nil {
		return nil, err
	}
	if t := b.Root().Member("type").Text(); t != "transaction" && t != "batch" {
		e := fhir.Errorf(fhir.BadRequest, op, "not-supported", "bundle-type", "Send a Bundle of type batch or transaction.")
		e.Issues[0].Expression = "Bundle.type"
		return nil, e
	}
	if n := b.Root().Member("entry").Len(); n > maxEntries {
		return nil, fhir.Errorf(fhir.TooLarge, op, "too-long", "bundle-entries", "Send at most %d entries at once.", maxEntries)
	}
	return b, nil
}

// batch answers each entry as the single request that it is, one after the other.
func (s *Server) batch(w http.ResponseWriter, d *dispatch, b *fhir.Resource) error {
	out := bundle{ResourceType: "Bundle", Type: "batch-response"}
	i := 0
	for entry := range b.Root().All("entry") {
		out.Entry = append(out.Entry, d.run(readEntry(entry, i)).entry(s.Base))
		i++
	}
	return writeBundle(w, http.StatusOK, out)
}

// transaction makes the writes of a Bundle as one unit, all or none, and then answers its reads. A
// read that would be refused refuses the whole, before anything is written.
func (s *Server) transaction(w http.ResponseWriter, d *dispatch, c exchange.Call, b *fhir.Resource) error {
	tr, err := s.readTransaction(b)
	if err != nil {
		return s.Exchange.Reject(d.request.Context(), c, auth.Create, "Bundle", err)
	}
	for _, i := range tr.reads {
		en := tr.entries[i]
		if tr.written[tr.target(en)] {
			continue
		}
		if a := d.trial(en).run(en); a.status >= http.StatusBadRequest {
			return a.pass(w)
		}
	}
	out := bundle{ResourceType: "Bundle", Type: "transaction-response", Entry: make([]bundleEntry, len(tr.entries))}
	if len(tr.changes) > 0 || len(tr.reads) == 0 {
		done, err := s.Exchange.Transact(d.request.Context(), c, tr.changes)
		if err != nil {
			return err
		}
		for i, one := range done {
			out.Entry[tr.writes[i]] = changeEntry(one, preferred(d.request))
			foundHeaders(w, d.request, one)
		}
	}
	for _, i := range tr.reads {
		a := d.run(tr.entries[i])
		if a.status >= http.StatusInternalServerError && len(tr.changes) == 0 { // nothing was written that would have to be told of
			return a.pass(w)
		}
		out.Entry[i] = a.entry(s.Base)
	}
	return writeBundle(w, http.StatusOK, out)
}

// changeEntry renders what became of a change of a transaction, as Prefer: return asks.
func changeEntry(out exchange.Done, prefer string) bundleEntry {
	e := bundleEntry{Response: &bundleResponse{Status: statusLine(statusOf(out, prefer))}}
	if !out.Ref.IsZero() {
		e.Response.ETag, e.Response.LastModified = etag(out.Served), out.Updated.UTC().Format(instantForm)
	}
	if out.Effect != exchange.Deleted {
		e.Response.Location = out.Ref.String()
	}
	switch prefer {
	case "representation":
		e.Resource = out.Body
	case "OperationOutcome":
		if b, err := exchange.JSON(exchange.NewOutcome(out.Issues)); err == nil {
			e.Response.Outcome = b
		}
	}
	return e
}

// routeTo gives a request of an entry a routing of its own, below /fhir.
func routeTo(path string) *chi.Context {
	c := chi.NewRouteContext()
	c.RoutePath = path
	return c
}
