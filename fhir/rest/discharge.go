package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/workflow"
)

// dischargeCheck serves GET and POST /Task/id/$discharge-check.
func (s *Server) dischargeCheck(w http.ResponseWriter, r *http.Request) error {
	ref, c, _, err := s.reporting(w, r, "Task", "discharge-check")
	if err != nil {
		return err
	}
	gate, err := s.Exchange.DischargeCheck(r.Context(), c, ref)
	if err != nil {
		return err
	}
	out := parameters{ResourceType: "Parameters", Parameter: []parameter{{Name: "open", Bool: &gate.Open}}}
	for _, check := range gate.Checks {
		parts := []parameter{{Name: "id", Code: check.ID}}
		if !check.Unseen {
			parts = append(parts, parameter{Name: "ok", Bool: &check.OK})
		}
		parts = append(parts, said("text", check.Said()), said("who", check.Who))
		out.Parameter = append(out.Parameter, parameter{Name: "check", Part: parts})
	}
	return writeParameters(w, out)
}

// said is a parameter with words, in each language in which there are some.
func said(name string, w workflow.Words) parameter {
	return parameter{Name: name, String: w.EN, Translated: exchange.Translated(w.In())}
}

// completeness serves GET and POST /Patient/id/$completeness.
func (s *Server) completeness(w http.ResponseWriter, r *http.Request) error {
	ref, c, query, err := s.reporting(w, r, "Patient", "completeness", "task")
	if err != nil {
		return err
	}
	task, err := s.taskParam(query)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, err)
	}
	report, err := s.Exchange.Completeness(r.Context(), c, ref, task, query)
	if err != nil {
		return err
	}
	out := parameters{ResourceType: "Parameters"}
	for _, d := range report {
		parts := []parameter{{Name: "domein", Code: d.Code}}
		for _, what := range d.Present {
			parts = append(parts, said("present", what))
		}
		for _, m := range d.Missing {
			parts = append(parts, parameter{Name: "missing", Part: []parameter{said("what", m.What), said("who", m.Who)}})
		}
		if d.Hidden > 0 {
			parts = append(parts, parameter{Name: "hidden", Int: &d.Hidden})
		}
		out.Parameter = append(out.Parameter, parameter{Name: "domain", Part: parts})
	}
	return writeParameters(w, out)
}

// actions serves GET and POST /Patient/id/$actions.
func (s *Server) actions(w http.ResponseWriter, r *http.Request) error {
	ref, c, _, err := s.reporting(w, r, "Patient", "actions")
	if err != nil {
		return err
	}
	doers, err := s.Exchange.Actions(r.Context(), c, ref)
	if err != nil {
		return err
	}
	out := parameters{ResourceType: "Parameters"}
	for _, d := range doers {
		parts := []parameter{{Name: "who", Reference: &paramReference{d.Who.String()}}}
		parts = append(parts, filled(parameter{Name: "soort", Code: d.Kind})...)
		parts = append(parts, counted(d.PerWeek, d.AsNeeded)...)
		for _, a := range d.Actions {
			of := []parameter{{Name: "plan", Reference: &paramReference{a.Plan.String()}}, {Name: "what", String: a.What}}
			parts = append(parts, parameter{Name: "action", Part: append(of, counted(a.PerWeek, 0)...)})
		}
		out.Parameter = append(out.Parameter, parameter{Name: "performer", Part: parts})
	}
	return writeParameters(w, out)
}

// counted are the counts that are not zero: times a week, and actions that are done when needed.
func counted(perWeek float64, asNeeded int) []parameter {
	var out []parameter
	if perWeek > 0 {
		out = append(out, parameter{Name: "perWeek", Decimal: perWeek})
	}
	if asNeeded > 0 {
		out = append(out, parameter{Name: "asNeeded", Int: &asNeeded})
	}
	return out
}

// taskParam reads the transfer Task that is asked about: an id, or a reference. Zero for none.
func (s *Server) taskParam(query url.Values) (fhir.Ref, error) {
	if !query.Has("task") {
		return fhir.Ref{}, nil
	}
	text := strings.TrimPrefix(query.Get("task"), s.Base+"/")
	if !strings.Contains(text, "/") {
		text = "Task/" + text
	}
	ref, ok := fhir.ParseRef(text)
	if !ok || ref.Type != "Task" || ref.Version != 0 || len(query["task"]) > 1 {
		return ref, fhir.Errorf(fhir.BadRequest, "rest.taskParam", "value", "operation-parameter", "Give one task: a reference such as Task/x.")
	}
	return ref, nil
}

// reporting reads a request for an operation on one resource that only looks, with the parameters of
// the URL or of the body.
func (s *Server) reporting(w http.ResponseWriter, r *http.Request, t fhir.Type, name string, params ...string) (fhir.Ref, exchange.Call, url.Values, error) {
	c, ref, err := s.operation(w, r, t, name)
	if err != nil {
		return ref, c, nil, err
	}
	query, err := inputs(r, params)
	if err != nil {
		err = s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, err)
	}
	return ref, c, query, err
}

// inputs reads the parameters of an operation, of the URL or of a body, which may be left out.
func inputs(r *http.Request, params []string) (url.Values, error) {
	const op = "rest.inputs"
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fhir.Errorf(fhir.BadRequest, op, "invalid", "query-form", "The query is not properly percent-encoded.")
	}
	for _, name := range formats {
		query.Del(name)
	}
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		given, err := resource(r, "Parameters")
		if err != nil {
			return nil, err
		}
		if _, ok := addParameters(query, given); !ok {
			return nil, fhir.Errorf(fhir.BadRequest, op, "not-supported", "operation-parameter", "%s", paramsText(params))
		}
	}
	for name := range query {
		if !slices.Contains(params, name) {
			return nil, fhir.Errorf(fhir.BadRequest, op, "not-supported", "operation-parameter", "%s", paramsText(params))
		}
	}
	return query, nil
}

func paramsText(params []string) string {
	if len(params) == 0 {
		return "This operation takes no parameters."
	}
	return "This operation takes " + strings.Join(params, ", ") + "."
}

func writeParameters(w http.ResponseWriter, out parameters) error {
	body, err := exchange.JSON(out)
	if err != nil {
		return fhir.Wrap("rest.parameters", err)
	}
	return writeJSON(w, http.StatusOK, body)
}
