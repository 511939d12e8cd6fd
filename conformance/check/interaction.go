package check

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// broken is a body that no server can store: what is asked with it changes nothing.
const broken = "{"

// interaction is how one interaction code of R4 is asked without changing anything: for an id that
// is not there, or with a body that no server can read.
type interaction struct {
	code   string
	method string
	path   string // {type} and {id} are filled in
	media  string
	body   string
	served []int // statuses that show that it is served
}

const fhirJSON = "application/fhir+json"

var typeInteractions = []interaction{
	{code: "read", path: "/{type}/{id}", served: []int{404}},
	{code: "vread", path: "/{type}/{id}/_history/1", served: []int{404}},
	{code: "update", method: http.MethodPut, path: "/{type}/{id}", media: fhirJSON, body: broken, served: []int{400, 404, 412, 422}},
	{code: "patch", method: http.MethodPatch, path: "/{type}/{id}", media: "application/json-patch+json", body: broken, served: []int{400, 404, 412, 422}},
	{code: "delete", method: http.MethodDelete, path: "/{type}/{id}", served: []int{200, 204, 404}},
	{code: "history-instance", path: "/{type}/{id}/_history", served: []int{404}},
	{code: "history-type", path: "/{type}/_history?_count=1", served: []int{200}},
	{code: "create", method: http.MethodPost, path: "/{type}", media: fhirJSON, body: broken, served: []int{400, 422}},
	{code: "search-type", path: "/{type}?_count=1", served: []int{200}},
}

var systemInteractions = []interaction{
	{code: "transaction", method: http.MethodPost, path: "", media: fhirJSON, body: `{"resourceType":"Bundle","type":"transaction"}`, served: []int{200, 400, 422}},
	{code: "batch", method: http.MethodPost, path: "", media: fhirJSON, body: `{"resourceType":"Bundle","type":"batch"}`, served: []int{200, 400, 422}},
	{code: "search-system", path: "?_type=Patient&_count=1", served: []int{200}},
	{code: "history-system", path: "/_history?_count=1", served: []int{200}},
}

// call fills the path in.
func (i interaction) call(s *session, kind string) call {
	path := strings.NewReplacer("{type}", kind, "{id}", s.wire.missing()).Replace(i.path)
	return call{method: i.method, path: "/fhir" + path, token: s.token, media: i.media, body: i.body}
}

// interactions asks every interaction of every type, declared or not.
func (s *session) interactions(ctx context.Context) {
	for _, i := range systemInteractions {
		s.honest(ctx, i, "", s.caps.system(i.code))
	}
	types := s.caps.types()
	if len(s.opt.Types) > 0 {
		types = s.sample()
	}
	each(types, func(d declared) {
		for _, i := range typeInteractions {
			s.honest(ctx, i, d.Type, d.does(i.code))
		}
	})
}

// honest judges one interaction by what is declared. A 403 says that this client may not; whether
// another may, it cannot tell.
func (s *session) honest(ctx context.Context, i interaction, kind string, declared bool) {
	c := i.call(s, kind)
	r, err := s.wire.send(ctx, c)
	if err != nil || r.status == http.StatusForbidden {
		return
	}
	switch {
	case !declared:
		s.ledger.judge(ruleUndeclared, r.refused(), c.String(), "%s is not declared, and it answered %d", i.code, r.status)
	case r.refused():
		s.ledger.fail(ruleServed, c.String(), "%s is declared, and it answered %d: this server does not do it", i.code, r.status)
	default:
		s.ledger.judge(ruleServed, slices.Contains(i.served, r.status), c.String(), "%s is declared, and it answered %d", i.code, r.status)
	}
}

// conditional asks the conditional interactions that can be asked without changing anything: the
// body is unreadable, so that only the refusal of the condition can be told.
func (s *session) conditional(ctx context.Context) {
	each(s.sample(), func(d declared) {
		if d.does("create") {
			c := call{
				method: http.MethodPost, path: "/fhir/" + d.Type, token: s.token, media: fhirJSON, body: broken,
				header: map[string]string{"If-None-Exist": "_id=" + s.wire.missing()},
			}
			r, err := s.wire.send(ctx, c)
			if err == nil && r.status != http.StatusForbidden && (d.ConditionalCreate || r.refused()) {
				s.ledger.judge(ruleConditional, d.ConditionalCreate != r.refused(), c.String()+" with If-None-Exist",
					"conditionalCreate is %v, and it answered %d", d.ConditionalCreate, r.status)
			}
		}
		s.conditionalURL(ctx, d, call{method: http.MethodPut, media: fhirJSON}, "update", d.ConditionalUpdate)
		if d.does("patch") { // R4 declares conditional patch by patch and conditionalUpdate
			s.conditionalURL(ctx, d, call{method: http.MethodPatch, media: "application/json-patch+json"}, "patch", d.ConditionalUpdate)
		}
	})
}

func (s *session) conditionalURL(ctx context.Context, d declared, c call, code string, declared bool) {
	c.path, c.token, c.body = "/fhir/"+d.Type+"?_id="+s.wire.missing(), s.token, broken
	r, err := s.wire.send(ctx, c)
	if err != nil || r.status == http.StatusForbidden {
		return
	}
	declared = declared && (d.does(code) || code == "patch")
	if declared {
		s.ledger.judge(ruleConditional, !r.refused() && r.status >= 400 && r.status < 500, c.String(), "conditionalUpdate is declared, and %s answered %d", code, r.status)
		return
	}
	s.ledger.judge(ruleConditional, r.refused(), c.String(), "conditionalUpdate is not declared, and %s answered %d", code, r.status)
}

// commonTypes are R4 types that a server may leave out.
var commonTypes = []string{"Account", "Appointment", "Basic", "Claim", "Device", "Group", "List", "Medication", "Slot", "Subscription"}

// unknown asks for types, paths and methods that do not stand in the statement.
func (s *session) unknown(ctx context.Context) {
	kinds := []string{"Unobtainium", "patient", "Patientt"}
	for _, kind := range commonTypes {
		if _, ok := s.caps.of(kind); !ok {
			kinds = append(kinds, kind)
		}
	}
	for _, kind := range kinds {
		for _, path := range []string{"/" + kind, "/" + kind + "/" + s.wire.missing()} {
			if r, err := s.get(ctx, path); err == nil {
				s.ledger.judge(ruleUnknownType, r.status == http.StatusNotFound && r.refused(), "GET /fhir"+path, "answered %d", r.status)
			}
		}
	}
	for _, path := range []string{"/Patient/a/b", "/metadata/x", "/Patient/" + s.wire.missing() + "/_history/1/x", "/_nothing"} {
		if r, err := s.get(ctx, path); err == nil {
			s.ledger.judge(ruleUnknownPath, r.status >= 400 && r.status < 500, "GET /fhir"+path, "answered %d", r.status)
		}
	}
	for _, c := range []call{
		{method: http.MethodDelete, path: "/fhir/metadata"}, {method: http.MethodPost, path: "/fhir/metadata", media: fhirJSON, body: broken},
		{method: "PROPFIND", path: "/fhir/Patient"}, {method: http.MethodPost, path: "/fhir/Patient/" + s.wire.missing(), media: fhirJSON, body: broken},
	} {
		c.token = s.token
		if r, err := s.wire.send(ctx, c); err == nil {
			allow := r.header.Get("Allow")
			s.ledger.judge(ruleMethod, r.status == http.StatusMethodNotAllowed && !slices.Contains(strings.Split(allow, ", "), c.method), c.String(),
				"answered %d", r.status)
		}
	}
}

// negotiation asks for other formats and sends others (interface.md 2).
func (s *session) negotiation(ctx context.Context) {
	const path = "/fhir/metadata"
	for _, c := range []struct {
		query, accept string
		status        int
	}{
		{"", "application/fhir+xml", 406}, {"", "application/fhir+json; fhirVersion=3.0", 406}, {"?_format=xml", "", 406},
		{"", "text/turtle", 406}, {"", "application/fhir+json", 200}, {"", "application/json", 200}, {"", "*/*", 200}, {"?_format=json", "", 200},
		{"", "application/fhir+xml, application/fhir+json;q=0.5", 200},
	} {
		if r, err := s.wire.send(ctx, call{path: path + c.query, header: map[string]string{"Accept": c.accept}}); err == nil {
			s.ledger.judge(ruleNotAcceptable, r.status == c.status, "GET "+path+c.query+" with Accept: "+c.accept, "answered %d, not %d", r.status, c.status)
		}
	}
	if s.opt.ClientID != "" {
		return // asked with a token in operations
	}
	s.ledger.skip(ruleUnsupported, hasClient(s))
}

// otherFormats sends bodies that are no FHIR JSON.
func (s *session) otherFormats(ctx context.Context) {
	for _, media := range []string{"application/fhir+xml", "text/plain", "application/fhir+json; fhirVersion=3.0", ""} {
		c := call{method: http.MethodPost, path: "/fhir/CarePlan", token: s.token, media: media, body: broken}
		if r, err := s.wire.send(ctx, c); err == nil && r.status != http.StatusForbidden {
			s.ledger.judge(ruleUnsupported, r.status == http.StatusUnsupportedMediaType, c.String()+" with Content-Type: "+media, "answered %d", r.status)
		}
	}
}
