package rest

import (
	"net/http"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// read serves read and vread.
func (s *Server) read(w http.ResponseWriter, r *http.Request) error {
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	i := auth.Read
	if ref.Version > 0 {
		i = auth.VRead
	}
	c, err := s.caller(r, i, ref.Type)
	if err != nil {
		return err
	}
	sel, err := selection(r, ref.Type)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, i, ref.Type, err)
	}
	out, err := s.Exchange.Read(r.Context(), c, ref)
	if err != nil {
		return err
	}
	if out, err = out.Select(sel); err != nil {
		return err
	}
	versionHeaders(w, out)
	if stands(r, out) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Location", s.Base+"/"+out.Ref.String())
	return writeJSON(w, http.StatusOK, out.Body)
}

// create serves POST /Type.
func (s *Server) create(w http.ResponseWriter, r *http.Request) error {
	t, err := typeOf(r)
	if err != nil {
		return err
	}
	return s.write(w, r, exchange.Change{Interaction: auth.Create, Type: t}, s.creation)
}

// update serves PUT /Type/id, and PUT /Type?condition.
func (s *Server) update(w http.ResponseWriter, r *http.Request) error {
	return s.writeTo(w, r, auth.Update, s.replacement)
}

// remove serves DELETE /Type/id, and DELETE /Type?condition.
func (s *Server) remove(w http.ResponseWriter, r *http.Request) error {
	return s.writeTo(w, r, auth.Delete, s.addressed)
}

// writeTo makes a change of what the path or the condition in the query names.
func (s *Server) writeTo(w http.ResponseWriter, r *http.Request, i auth.Interaction, read reading) error {
	t, err := typeOf(r)
	if err != nil {
		return err
	}
	ch := exchange.Change{Interaction: i, Type: t}
	if chiID(r) != "" {
		ref, err := refOf(r)
		if err != nil {
			return err
		}
		ch.ID = ref.ID
	}
	return s.write(w, r, ch, read)
}

// reading completes a change by what the request says, headers and body.
type reading func(r *http.Request, ch *exchange.Change) error

// write makes one change: admitted before its body is read.
func (s *Server) write(w http.ResponseWriter, r *http.Request, ch exchange.Change, read reading) error {
	c, err := s.caller(r, ch.Interaction, ch.Type)
	if err != nil {
		return err
	}
	if err := s.Exchange.AdmitWrite(r.Context(), c, ch.Interaction, ch.Type); err != nil {
		return err
	}
	if err := read(r, &ch); err != nil {
		return s.Exchange.Reject(r.Context(), c, ch.Interaction, ch.Type, err)
	}
	out, err := s.Exchange.Write(r.Context(), c, ch)
	if err != nil {
		return err
	}
	return s.written(w, r, out)
}

// creation reads the body and the condition of a create.
func (s *Server) creation(r *http.Request, ch *exchange.Change) error {
	var err error
	if query := r.Header.Get("If-None-Exist"); query != "" {
		_, after, found := strings.Cut(query, "?")
		if !found {
			after = query
		}
		if ch.Where, err = s.condition(ch.Type, after); err != nil {
			return err
		}
	}
	if ch.Resource, err = resource(r, ch.Type); err != nil {
		return err
	}
	// An id in the body of a create is the client's wish alone; R4 lets the server choose.
	ch.Resource, err = ch.Resource.Edit(fhir.Edit{Path: []string{"id"}})
	return fhir.Wrap("rest.creation", err)
}

// replacement reads the body and the condition of an update.
func (s *Server) replacement(r *http.Request, ch *exchange.Change) error {
	if r.Header.Get("If-None-Match") != "" { // it would mean: only when there is none
		return fhir.Errorf(fhir.BadRequest, "rest.replacement", "not-supported", "if-none-match",
			"An update does not take If-None-Match; create with If-None-Exist, or update with If-Match.")
	}
	if err := s.addressed(r, ch); err != nil {
		return err
	}
	res, err := resource(r, ch.Type)
	if err != nil {
		return err
	}
	if ch.Where == nil && res.ID() != ch.ID {
		return idDiffers(ch.Type)
	}
	ch.Resource = res
	return nil
}

func idDiffers(t fhir.Type) error {
	e := fhir.Errorf(fhir.BadRequest, "rest.replacement", "invalid", "id-differs", "The id in the body must be the id in the URL.")
	e.Issues[0].Expression = string(t) + ".id"
	return e
}

// addressed reads what a change of a stored resource is about: its version, or the condition in the query.
func (s *Server) addressed(r *http.Request, ch *exchange.Change) error {
	var err error
	if ch.IfMatch, err = ifMatch(r.Header.Get("If-Match")); err != nil || ch.ID != "" {
		return err
	}
	ch.Where, err = s.condition(ch.Type, r.URL.RawQuery)
	return err
}

// resource parses the body as one resource of type t.
func resource(r *http.Request, t fhir.Type) (*fhir.Resource, error) {
	const op = "rest.resource"
	b, err := body(r, "application/fhir+json", "application/json")
	if err != nil {
		return nil, err
	}
	res, issues := fhir.ParseOwned(b, fhir.Limits{Bytes: len(b)})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Malformed, Op: op, Issues: issues}
	}
	if res.Type() != t {
		e := fhir.Errorf(fhir.BadRequest, op, "invalid", "type-differs", "The resourceType in the body must be the type in the URL.")
		e.Issues[0].Expression = "resourceType"
		return nil, e
	}
	return res, nil
}

// statuses are what each effect of a change answers.
var statuses = map[exchange.Effect]int{
	exchange.Kept: http.StatusOK, exchange.Created: http.StatusCreated,
	exchange.Updated: http.StatusOK, exchange.Deleted: http.StatusNoContent, exchange.Withdrawn: http.StatusNoContent,
}

// statusOf is what a change answers; one that brings something back is no empty answer.
func statusOf(out exchange.Done, prefer string) int {
	status := statuses[out.Effect]
	if status == http.StatusNoContent && (prefer == "OperationOutcome" || prefer == "representation" && len(out.Body) > 0) {
		return http.StatusOK
	}
	return status
}

// written answers a write as Prefer: return asks. Content that the caller may not read stays out.
func (s *Server) written(w http.ResponseWriter, r *http.Request, out exchange.Done) error {
	prefer := preferred(r)
	status := statusOf(out, prefer)
	if !out.Ref.IsZero() {
		versionHeaders(w, out.Served)
	}
	if out.Effect != exchange.Deleted {
		w.Header().Set("Location", s.Base+"/"+out.Ref.String())
	}
	foundHeaders(w, r, out)
	switch {
	case prefer == "OperationOutcome":
		return writeOutcome(w, status, out.Issues)
	case prefer == "minimal", len(out.Body) == 0, status == http.StatusNoContent:
		w.WriteHeader(status)
		return nil
	}
	w.Header().Set("Content-Location", s.Base+"/"+out.Ref.String())
	return writeJSON(w, status, out.Body)
}
