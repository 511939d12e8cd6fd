package rest

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// everything serves GET /Patient/id/$everything, and the links to further pages.
func (s *Server) everything(w http.ResponseWriter, r *http.Request) error {
	c, ref, err := s.operation(w, r, "Patient", "everything")
	if err != nil {
		return err
	}
	path := ref.String() + "/$everything"
	query, cursor, err := s.pastQuery(r, c.Principal, path)
	ask := exchange.Whole{Patient: ref, Count: defaultCount, Cursor: cursor, Query: query}
	if err == nil {
		err = readParams(query, &ask, wholeParams, "everything-parameter",
			"$everything takes _type (types), _since (an instant), start and end (dates) and _count (a number from 1), each once.")
	}
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, err)
	}
	out, err := s.Exchange.Everything(r.Context(), c, ask)
	if err != nil {
		return err
	}
	b := bundle{ResourceType: "Bundle", Type: "searchset", Total: &out.Total}
	if b.Link, err = s.pageLinks(c.Principal, path, query, out.Next); err != nil {
		return err
	}
	for i, one := range out.Resources {
		mode := "match"
		if out.Included[i] {
			mode = "include"
		}
		b.Entry = append(b.Entry, bundleEntry{
			FullURL: s.Base + "/" + one.Ref.Current().String(), Resource: one.Body, Search: &bundleSearch{Mode: mode},
		})
	}
	return writeBundle(w, http.StatusOK, b)
}

// operation is who asks for a reading operation that only one type has, and of which resource.
func (s *Server) operation(w http.ResponseWriter, r *http.Request, t fhir.Type, name string) (exchange.Call, fhir.Ref, error) {
	ref, err := refOf(r)
	if err == nil && ref.Type != t {
		err = s.unknownPath(w, r)
	}
	if err != nil {
		return exchange.Call{}, ref, err
	}
	c, err := s.caller(r, auth.Read, ref.Type)
	c.Operation = name
	return c, ref, err
}

// wholeParams are the parameters of $everything; each reports whether it could read its value.
var wholeParams = map[string]func(ask *exchange.Whole, value string) bool{
	"_count": func(ask *exchange.Whole, value string) bool { return countParam(&ask.Count, value) },
	"_since": func(ask *exchange.Whole, value string) bool {
		span, ok := instants(value)
		ask.Since = span[0]
		return ok
	},
	"start": func(ask *exchange.Whole, value string) bool {
		span, ok := instants(value)
		ask.Care[0] = span[0]
		return ok
	},
	"end": func(ask *exchange.Whole, value string) bool {
		span, ok := instants(value)
		ask.Care[1] = span[1]
		return ok
	},
	"_type": func(ask *exchange.Whole, value string) bool {
		for name := range strings.SplitSeq(value, ",") {
			t, ok := fhir.ParseType(name)
			if !ok {
				return false
			}
			ask.Types = append(ask.Types, t)
		}
		return true
	},
}

// readParams reads the parameters of a request that takes no others, each at most once.
func readParams[T any](query url.Values, ask *T, known map[string]func(*T, string) bool, rule, text string) error {
	for name, values := range query {
		if read, ok := known[name]; !ok || len(values) != 1 || !read(ask, values[0]) {
			return fhir.Errorf(fhir.BadRequest, "rest.params", "invalid", rule, "%s", text)
		}
	}
	return nil
}

// document serves GET /Composition/id/$document.
func (s *Server) document(w http.ResponseWriter, r *http.Request) error {
	c, ref, err := s.operation(w, r, "Composition", "document")
	if err != nil {
		return err
	}
	if err := documentParams(r); err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, err)
	}
	out, err := s.Exchange.Document(r.Context(), c, ref)
	if err != nil {
		return err
	}
	b := bundle{
		ResourceType: "Bundle", Type: "document", Timestamp: out.At.UTC().Format(time.RFC3339),
		Identifier: &bundleIdentifier{System: fhir.Canonical + "/sid/document", Value: out.ID},
	}
	for _, one := range out.Resources {
		b.Entry = append(b.Entry, bundleEntry{FullURL: s.Base + "/" + one.Ref.Current().String(), Resource: one.Body})
	}
	return writeBundle(w, http.StatusOK, b)
}

// documentParams refuses to store a document: what is shown hangs on who asks.
func documentParams(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	for _, name := range formats {
		query.Del(name)
	}
	if query.Get("persist") == "false" {
		query.Del("persist")
	}
	if err != nil || len(query) > 0 {
		return fhir.Errorf(fhir.BadRequest, "rest.document", "not-supported", "document-parameter",
			"$document takes no parameters: the document is made for you and is not stored.")
	}
	return nil
}
