package rest

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

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

// target is what a search is asked of: a type, several types, or what is in a compartment.
type target struct {
	path   string // below the base
	types  []fhir.Type
	within fhir.Ref // compartment
	every  bool     // of a compartment: all types that are granted
}

// kind is the type searched, "" for several.
func (t target) kind() fhir.Type {
	if len(t.types) == 1 && !t.every {
		return t.types[0]
	}
	return ""
}

// search serves GET /Type, POST /Type/_search and the links to further pages.
func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	t, err := typeOf(r)
	if err != nil {
		return err
	}
	return s.searchIn(w, r, target{path: string(t), types: []fhir.Type{t}})
}

// searchSystem serves GET / and POST /_search, over the types that _type names.
func (s *Server) searchSystem(w http.ResponseWriter, r *http.Request) error {
	return s.searchIn(w, r, target{})
}

// searchCompartment serves GET /Type/id/Type and /Type/id/*, and POST to _search below them.
func (s *Server) searchCompartment(w http.ResponseWriter, r *http.Request) error {
	owner, err := refOf(r)
	if err != nil {
		return err
	}
	all := search.CompartmentTypes(owner.Type)
	member := cmp.Or(chi.URLParam(r, "member"), everyType)
	to := target{path: owner.String() + "/" + member, types: all, within: owner, every: member == everyType}
	if !to.every {
		to.types = []fhir.Type{fhir.Type(member)}
	}
	if !slices.Contains(all, to.types[0]) {
		return s.unknownPath(w, r)
	}
	return s.searchIn(w, r, to)
}

// everyType stands in a path for all types of a compartment.
const everyType = "*"

func (s *Server) searchIn(w http.ResponseWriter, r *http.Request, to target) error {
	c, err := s.caller(r, auth.SearchType, to.kind())
	if err != nil {
		return err
	}
	ask, err := s.asked(r, to, c.Principal)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.SearchType, to.kind(), err)
	}
	tabled := wantsTable(r) && to.kind() == "AuditEvent"
	if tabled && !ask.query.Has("_count") {
		ask.plan.Count = csvRows
	}
	out, err := s.Exchange.Search(r.Context(), c, ask.plan, ask.query)
	if err != nil {
		return err
	}
	if tabled {
		next, err := s.nextLink(to, c.Principal, ask, out)
		if err != nil {
			return err
		}
		if next != "" {
			next += "&_format=csv"
		}
		return s.table(w, next, out)
	}
	return s.searchset(w, to, c.Principal, ask, out)
}

// asked is a search as it was read.
type asked struct {
	query  url.Values // as it is carried out
	plan   search.Plan
	issues []fhir.Issue // what was left out
}

// asked reads a search and where it goes on.
func (s *Server) asked(r *http.Request, to target, p auth.Principal) (asked, error) {
	const op = "rest.asked"
	query, cursor, err := s.query(r, to, p)
	if err != nil {
		return asked{}, err
	}
	conditions := maps.Clone(query)
	types, err := typesOf(to, conditions)
	if err != nil {
		return asked{}, err
	}
	o := search.Options{Base: s.Base, Count: defaultCount, MaxCount: maxCount, Terms: s.Terms.Search(), Lenient: prefers(r, "handling=lenient")}
	var plan search.Plan
	var issues []fhir.Issue
	if to.kind() != "" {
		plan, issues = search.Parse(types[0], conditions, o)
	} else {
		plan, issues = search.ParseAll(types, conditions, o)
	}
	if fhir.HasErrors(issues) {
		return asked{}, &fhir.Error{Kind: fhir.BadRequest, Op: op, Issues: issues}
	}
	for _, name := range plan.Ignored {
		query.Del(name)
	}
	if query.Has("_count") { // the links tell what is done, not what was wished
		query.Set("_count", strconv.Itoa(plan.Count))
	}
	plan.Cursor, plan.Within, plan.Granted = cursor, to.within, to.every && !query.Has(typeParam)
	return asked{query, within(plan), issues}, nil
}

// typeParam names the types of a search of the whole system, or of a compartment.
const typeParam = "_type"

// typesOf returns the types to search, and takes _type out of the conditions.
func typesOf(to target, conditions url.Values) ([]fhir.Type, error) {
	if to.kind() != "" {
		return to.types, nil
	}
	var out []fhir.Type
	for _, list := range conditions[typeParam] {
		for name := range strings.SplitSeq(list, ",") {
			t, ok := fhir.ParseType(name)
			if !ok || to.every && !slices.Contains(to.types, t) {
				return nil, fault("_type", "not-supported", "SEARCH-TYPE-UNKNOWN", "_type needs R4 resource types, and in a compartment such as can be in it.")
			}
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	if out == nil && !to.every {
		return nil, fault("_type", "required", "SEARCH-TYPE-REQUIRED", "Name the types to search, such as _type=CarePlan,Goal.")
	}
	conditions.Del(typeParam)
	if out == nil {
		out = to.types
	}
	return out, nil
}

// fault is an error about one parameter.
func fault(param, code, rule, text string) error {
	e := fhir.Errorf(fhir.BadRequest, "rest.asked", code, rule, "%s", text)
	e.Issues[0].Expression = "http." + param
	return e
}

// within adds to each type of the plan that it is in the compartment.
func within(plan search.Plan) search.Plan {
	if plan.Within.IsZero() {
		return plan
	}
	for i, part := range plan.Parts {
		if c, ok := search.Compartment(plan.Within, part.Type); ok {
			plan.Parts[i].Where = append(part.Where, c)
		}
	}
	if c, ok := search.Compartment(plan.Within, plan.Type); ok {
		plan.Where = append(plan.Where, c)
	}
	return plan
}

// query reads the parameters of a search: from the URL and the form, or from a sealed page link.
func (s *Server) query(r *http.Request, to target, p auth.Principal) (url.Values, string, error) {
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
	if err != nil || page.Path != to.path || page.Holder != holder(p) {
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

// selection reads _summary and _elements of a read.
func selection(r *http.Request, t fhir.Type) (fhir.Selection, error) {
	sel, issues := search.ParseSelection(t, r.URL.Query())
	if fhir.HasErrors(issues) {
		return sel, &fhir.Error{Kind: fhir.BadRequest, Op: "rest.selection", Issues: issues}
	}
	return sel, nil
}

// prefers reports whether the client asks for something in a Prefer header.
func prefers(r *http.Request, what string) bool {
	for _, h := range r.Header.Values("Prefer") {
		for p := range strings.FieldsFuncSeq(h, func(c rune) bool { return c == ',' || c == ';' || c == ' ' }) {
			if p == what {
				return true
			}
		}
	}
	return false
}

// holder is whom a page link is bound to: the grant, or the client that has none.
func holder(p auth.Principal) string {
	if p.Grant != "" {
		return "grant:" + p.Grant
	}
	return "client:" + p.Client
}

func (s *Server) searchset(w http.ResponseWriter, to target, p auth.Principal, ask asked, out exchange.Results) error {
	const op = "rest.searchset"
	b := bundle{ResourceType: "Bundle", Type: "searchset"}
	if out.Total >= 0 {
		b.Total = &out.Total
	}
	base := strings.TrimSuffix(s.Base+"/"+to.path, "/")
	self := selfLink(base, ask.query)
	b.Link = []bundleLink{{Relation: "self", URL: self}}
	if out.Next != "" || ask.plan.Cursor != "" {
		b.Link = append(b.Link, bundleLink{Relation: "first", URL: self})
	}
	next, err := s.nextLink(to, p, ask, out)
	if err != nil {
		return fhir.Wrap(op, err)
	}
	if next != "" {
		b.Link = append(b.Link, bundleLink{Relation: "next", URL: next})
	}
	b.Entry = append(s.found(out.Matches, "match"), s.found(out.Included, "include")...)
	if out.Cut {
		ask.issues = append(ask.issues, cutIncludes)
	}
	if len(ask.issues) > 0 {
		text, err := exchange.JSON(exchange.NewOutcome(ask.issues))
		if err != nil {
			return fhir.Wrap(op, err)
		}
		b.Entry = append(b.Entry, bundleEntry{Resource: text, Search: &bundleSearch{Mode: "outcome"}})
	}
	return writeBundle(w, http.StatusOK, b)
}

// nextLink leads to the next page, "" at the end.
func (s *Server) nextLink(to target, p auth.Principal, ask asked, out exchange.Results) (string, error) {
	if out.Next == "" {
		return "", nil
	}
	token, err := s.pages.seal(page{Path: to.path, Query: ask.query.Encode(), Cursor: out.Next, Holder: holder(p)})
	if err != nil {
		return "", fhir.Wrap("rest.nextLink", err)
	}
	return strings.TrimSuffix(s.Base+"/"+to.path, "/") + "?" + pageParam + "=" + token, nil
}

// cutIncludes tells that a page does not include all that was asked for.
var cutIncludes = fhir.Issue{
	Severity: fhir.SeverityWarning, Code: "too-costly", Diagnostics: "SEARCH-INCLUDE-CUT",
	Text: "One page includes at most 1000 resources, and follows :iterate at most 5 times; read the others by their references.",
}

// found renders resources as entries.
func (s *Server) found(list []exchange.Served, mode string) []bundleEntry {
	var out []bundleEntry
	for _, m := range list {
		out = append(out, bundleEntry{
			FullURL: s.Base + "/" + m.Ref.Current().String(), Resource: m.Body, Search: &bundleSearch{Mode: mode},
		})
	}
	return out
}

func selfLink(base string, query url.Values) string {
	if len(query) == 0 {
		return base
	}
	return base + "?" + query.Encode()
}
