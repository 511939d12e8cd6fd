package rest

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// Page sizes of a search.
const (
	defaultCount = 50
	maxCount     = 500
)

// pageParam carries a sealed position of a search.
const pageParam = "_page"

// search serves GET /Type, POST /Type/_search and the links to further pages.
func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	t, err := typeOf(r)
	if err != nil {
		return err
	}
	c, err := s.caller(r, auth.SearchType, t)
	if err != nil {
		return err
	}
	query, plan, err := s.plan(r, t, c.Principal)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.SearchType, t, err)
	}
	out, err := s.Exchange.Search(r.Context(), c, plan, query)
	if err != nil {
		return err
	}
	return s.searchset(w, t, c.Principal, query, out)
}

// plan reads a search and where it goes on.
func (s *Server) plan(r *http.Request, t fhir.Type, p auth.Principal) (url.Values, search.Plan, error) {
	query, cursor, err := s.query(r, t, p)
	if err != nil {
		return nil, search.Plan{}, err
	}
	plan, issues := search.Parse(t, query, search.Options{Base: s.Base, Count: defaultCount, MaxCount: maxCount})
	if fhir.HasErrors(issues) {
		return nil, search.Plan{}, &fhir.Error{Kind: fhir.BadRequest, Op: "rest.plan", Issues: issues}
	}
	plan.Cursor = cursor
	return query, plan, nil
}

// query reads the parameters of a search: from the URL and the form, or from a sealed page link.
func (s *Server) query(r *http.Request, t fhir.Type, p auth.Principal) (url.Values, string, error) {
	const op = "rest.query"
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, "", fhir.Errorf(fhir.BadRequest, op, "invalid", "query-form", "The query is not properly percent-encoded.")
	}
	if r.Method == http.MethodPost {
		form, err := form(r)
		if err != nil {
			return nil, "", err
		}
		for k, v := range form {
			query[k] = append(query[k], v...)
		}
	}
	if query.Get(pageParam) == "" {
		return query, "", nil
	}
	page, err := s.pages.open(query.Get(pageParam))
	if err != nil || page.Type != string(t) || page.Holder != holder(p) {
		return nil, "", &fhir.Error{Kind: fhir.Forbidden, Op: op, Reason: "link-foreign", Issues: []fhir.Issue{{
			Severity: fhir.SeverityError, Code: "forbidden", Diagnostics: "link-foreign",
			Text: "This page link is not yours or was changed; start the search again.",
		}}}
	}
	query, err = url.ParseQuery(page.Query)
	return query, page.Cursor, fhir.Wrap(op, err)
}

// form reads a form body without the URL's own parameters.
func form(r *http.Request) (url.Values, error) {
	b, err := body(r, "application/x-www-form-urlencoded")
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, fhir.Errorf(fhir.BadRequest, "rest.form", "invalid", "query-form", "The form is not properly percent-encoded.")
	}
	return values, nil
}

// holder is whom a page link is bound to: the grant, or the client that has none.
func holder(p auth.Principal) string {
	if p.Grant != "" {
		return "grant:" + p.Grant
	}
	return "client:" + p.Client
}

type bundle struct {
	ResourceType string            `json:"resourceType"`
	Identifier   *bundleIdentifier `json:"identifier,omitempty"`
	Type         string            `json:"type"`
	Timestamp    string            `json:"timestamp,omitempty"`
	Total        *int              `json:"total,omitempty"`
	Link         []bundleLink      `json:"link,omitempty"`
	Entry        []bundleEntry     `json:"entry,omitempty"`
}

type bundleIdentifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type bundleEntry struct {
	FullURL  string          `json:"fullUrl,omitempty"`
	Resource json.RawMessage `json:"resource,omitempty"`
	Search   *bundleSearch   `json:"search,omitempty"`
	Request  *bundleRequest  `json:"request,omitempty"`
	Response *bundleResponse `json:"response,omitempty"`
}

type bundleRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

type bundleSearch struct {
	Mode string `json:"mode"`
}

type bundleResponse struct {
	Status       string `json:"status"`
	Location     string `json:"location,omitempty"`
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`

	Outcome json.RawMessage `json:"outcome,omitempty"`
}

func (s *Server) searchset(w http.ResponseWriter, t fhir.Type, p auth.Principal, query url.Values, out exchange.Results) error {
	b := bundle{ResourceType: "Bundle", Type: "searchset"}
	if out.Total >= 0 {
		b.Total = &out.Total
	}
	base := s.Base + "/" + string(t)
	b.Link = []bundleLink{{Relation: "self", URL: selfLink(base, query)}}
	if out.Next != "" {
		token, err := s.pages.seal(page{Type: string(t), Query: query.Encode(), Cursor: out.Next, Holder: holder(p)})
		if err != nil {
			return fhir.Wrap("rest.searchset", err)
		}
		b.Link = append(b.Link, bundleLink{Relation: "next", URL: base + "?" + pageParam + "=" + token})
	}
	for _, m := range out.Matches {
		b.Entry = append(b.Entry, bundleEntry{
			FullURL: s.Base + "/" + m.Ref.Current().String(), Resource: m.Body, Search: &bundleSearch{Mode: "match"},
		})
	}
	return writeBundle(w, http.StatusOK, b)
}

func selfLink(base string, query url.Values) string {
	if len(query) == 0 {
		return base
	}
	return base + "?" + query.Encode()
}

func writeBundle(w http.ResponseWriter, status int, b bundle) error {
	out, err := exchange.JSON(b)
	if err != nil {
		return fhir.Wrap("rest.bundle", err)
	}
	return writeJSON(w, status, out)
}
