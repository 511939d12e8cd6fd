package rest

import (
	"net/http"
	"strconv"
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
	return writeJSON(w, http.StatusOK, out.Body)
}

// create serves POST /Type.
func (s *Server) create(w http.ResponseWriter, r *http.Request) error {
	t, err := typeOf(r)
	if err != nil {
		return err
	}
	c, err := s.caller(r, auth.Create, t)
	if err != nil {
		return err
	}
	if err := s.Exchange.AdmitWrite(r.Context(), c, auth.Create, t); err != nil {
		return err
	}
	ch, err := creation(r, t)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Create, t, err)
	}
	out, err := s.Exchange.Write(r.Context(), c, ch)
	if err != nil {
		return err
	}
	w.Header().Set("Location", s.Base+"/"+out.Ref.String())
	return s.written(w, r, http.StatusCreated, out)
}

// creation reads the body of a create.
func creation(r *http.Request, t fhir.Type) (exchange.Change, error) {
	if r.Header.Get("If-None-Exist") != "" {
		return exchange.Change{}, notYet("If-None-Exist")
	}
	res, err := resource(r, t)
	if err != nil {
		return exchange.Change{}, err
	}
	// An id in the body of a create is the client's wish alone; R4 lets the server choose.
	if res, err = res.Edit(fhir.Edit{Path: []string{"id"}}); err != nil {
		return exchange.Change{}, fhir.Wrap("rest.creation", err)
	}
	return exchange.Change{Interaction: auth.Create, Resource: res}, nil
}

// update serves PUT /Type/id.
func (s *Server) update(w http.ResponseWriter, r *http.Request) error {
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	c, err := s.caller(r, auth.Update, ref.Type)
	if err != nil {
		return err
	}
	if err := s.Exchange.AdmitWrite(r.Context(), c, auth.Update, ref.Type); err != nil {
		return err
	}
	ch, err := replacement(r, ref)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Update, ref.Type, err)
	}
	out, err := s.Exchange.Write(r.Context(), c, ch)
	if err != nil {
		return err
	}
	return s.written(w, r, http.StatusOK, out)
}

// replacement reads the body and the condition of an update.
func replacement(r *http.Request, ref fhir.Ref) (exchange.Change, error) {
	const op = "rest.replacement"
	res, err := resource(r, ref.Type)
	if err != nil {
		return exchange.Change{}, err
	}
	if res.ID() != ref.ID {
		e := fhir.Errorf(fhir.BadRequest, op, "invalid", "id-differs", "The id in the body must be the id in the URL.")
		e.Issues[0].Expression = string(ref.Type) + ".id"
		return exchange.Change{}, e
	}
	match, err := ifMatch(r.Header.Get("If-Match"))
	return exchange.Change{Interaction: auth.Update, Resource: res, IfMatch: match}, err
}

// resource parses the body as one resource of type t.
func resource(r *http.Request, t fhir.Type) (*fhir.Resource, error) {
	const op = "rest.resource"
	b, err := body(r, "application/fhir+json", "application/json")
	if err != nil {
		return nil, err
	}
	res, issues := fhir.Parse(b, fhir.Limits{Bytes: len(b)})
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

// ifMatch reads a weak ETag of a version; 0 without the header. The ETag of a reduced resource
// never matches (access.md 3.4).
func ifMatch(header string) (int, error) {
	if header == "" {
		return 0, nil
	}
	text, ok := strings.CutPrefix(header, `W/"`)
	if !ok {
		text, ok = strings.CutPrefix(header, `"`)
	}
	text, end := strings.CutSuffix(text, `"`)
	v, err := strconv.Atoi(text)
	if !ok || !end || err != nil || v < 1 {
		return 0, fhir.Errorf(fhir.Precondition, "rest.ifMatch", "conflict", "if-match",
			`Send the ETag of the version that you read, such as W/"3".`)
	}
	return v, nil
}

// versionHeaders sets ETag and Last-Modified.
func versionHeaders(w http.ResponseWriter, out exchange.Served) {
	v := strconv.Itoa(out.Ref.Version)
	if out.Reduced {
		v += "-r"
	}
	w.Header().Set("ETag", `W/"`+v+`"`)
	w.Header().Set("Last-Modified", out.Updated.UTC().Format(http.TimeFormat))
}

// written answers a write as Prefer: return asks.
func (s *Server) written(w http.ResponseWriter, r *http.Request, status int, out exchange.Served) error {
	versionHeaders(w, out)
	switch preferred(r) {
	case "minimal":
		w.WriteHeader(status)
		return nil
	case "OperationOutcome":
		return writeOutcome(w, status, nil)
	}
	return writeJSON(w, status, out.Body)
}

func preferred(r *http.Request) string {
	for _, h := range r.Header.Values("Prefer") {
		for p := range strings.FieldsFuncSeq(h, func(c rune) bool { return c == ',' || c == ';' || c == ' ' }) {
			if v, ok := strings.CutPrefix(p, "return="); ok {
				return v
			}
		}
	}
	return ""
}

func notYet(what string) error {
	return fhir.Errorf(fhir.BadRequest, "rest", "not-supported", "not-yet", "%s is not supported; /metadata lists what is.", what)
}
