package rest

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/conformance/terminology"
	"github.com/drieluik/drieluik/fhir"
)

// terminologyRoutes adds the operations on code systems, value sets and concept maps.
func (s *Server) terminologyRoutes(r chi.Router) {
	for _, o := range terminology.Operations() {
		paths := []string{"/" + string(o.Type) + "/$" + o.Name}
		if o.Instance {
			paths = append(paths, "/"+string(o.Type)+"/{id:[^_$/][^/]*}/$"+o.Name)
		}
		for _, path := range paths {
			r.Get(path, s.handle(s.terminology(o)))
			r.Post(path, s.handle(s.terminology(o)))
		}
	}
}

// terminology serves one operation: any live token may ask, and no patient's data is touched.
func (s *Server) terminology(o terminology.Operation) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.caller(r, auth.Read, o.Type)
		if err != nil {
			return err
		}
		c.Operation = o.Name
		in, query, err := terminologyInput(r)
		if err != nil {
			return s.Exchange.Reject(r.Context(), c, auth.Read, o.Type, err)
		}
		out, err := s.Terms.Do(o, terminology.Request{
			Input: in, ID: chi.URLParam(r, "id"), Language: wantedLanguage(r), Now: time.Now(),
		})
		if err != nil {
			return s.Exchange.Reject(r.Context(), c, auth.Read, o.Type, err)
		}
		if err := s.Exchange.Answered(r.Context(), c, auth.Read, o.Type, query); err != nil {
			return err
		}
		return writeJSON(w, http.StatusOK, out)
	}
}

// terminologyInput reads parameters from the URL and, for a POST, from Parameters or a form.
func terminologyInput(r *http.Request) (terminology.Input, url.Values, error) {
	const op = "rest.terminologyInput"
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return terminology.Input{}, nil, fhir.Errorf(fhir.BadRequest, op, "invalid", "query-form", "The query is not properly percent-encoded.")
	}
	query.Del("_format") // see negotiate
	in := terminology.FromQuery(query)
	if r.Method != http.MethodPost {
		return in, query, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		form, err := form(r)
		if err != nil {
			return in, query, err
		}
		return in.With(terminology.FromQuery(form)), query, nil
	}
	res, err := resource(r, "Parameters")
	if err != nil {
		return in, query, err
	}
	given, issues := terminology.FromParameters(res)
	if fhir.HasErrors(issues) {
		return in, query, &fhir.Error{Kind: fhir.BadRequest, Op: op, Issues: issues}
	}
	return in.With(given), query, nil
}

// wantedLanguage is the first language of Accept-Language, or "".
func wantedLanguage(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	first, _, _ = strings.Cut(first, ";")
	return strings.Trim(first, " *")
}
