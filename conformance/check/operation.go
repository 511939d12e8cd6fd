package check

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// operations asks every declared operation, and some that are not. No body can be read, so that
// nothing runs.
func (s *session) operations(ctx context.Context) {
	s.otherFormats(ctx)
	var everywhere []string // a system-level entry may stand for any level
	for _, o := range s.caps.Rest[0].Operation {
		everywhere = append(everywhere, o.Name)
		s.operation(ctx, o.Name, s.places(o.Name))
	}
	for _, d := range s.caps.types() {
		for _, o := range d.Operation {
			s.operation(ctx, o.Name, []string{"/" + d.Type, "/" + d.Type + "/" + s.wire.missing()})
		}
	}
	for _, name := range []string{"drieluik-no-such", "everything", "expand", "export", "submit"} {
		for place, known := range map[string]bool{"": false, "/Patient": s.listed("Patient", name), "/Patient/" + s.wire.missing(): s.listed("Patient", name)} {
			if !known && !slices.Contains(everywhere, name) {
				s.noOperation(ctx, place+"/$"+name)
			}
		}
	}
}

func (s *session) listed(kind, name string) bool {
	d, ok := s.caps.of(kind)
	return ok && slices.ContainsFunc(d.Operation, func(o struct{ Name string }) bool { return strings.TrimPrefix(o.Name, "$") == name })
}

// places are where an operation of the system level may stand: there, or at a type that the name
// of the operation is known for.
func (s *session) places(name string) []string {
	out := []string{""}
	for _, kind := range []string{"Patient", "Composition", "Questionnaire", "QuestionnaireResponse", "ConceptMap", "ValueSet", "CodeSystem", "CareTeam", "Task", "Group", "Subscription"} {
		out = append(out, "/"+kind, "/"+kind+"/"+s.wire.missing())
	}
	return out
}

// operation judges a declared operation: at one of its places one of the methods is taken.
func (s *session) operation(ctx context.Context, name string, places []string) {
	name = "/$" + strings.TrimPrefix(name, "$")
	last := 0
	for _, place := range places {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			c := call{method: method, path: "/fhir" + place + name, token: s.token}
			if method == http.MethodPost {
				c.media, c.body = fhirJSON, broken
			}
			r, err := s.wire.send(ctx, c)
			if err != nil {
				return
			}
			// 415 speaks of the body alone, though its code is not-supported
			if r.status == http.StatusUnsupportedMediaType || !r.refused() {
				s.ledger.judge(ruleOperation, r.status < 500, c.String(), "answered %d", r.status)
				return
			}
			last = r.status
		}
	}
	s.ledger.fail(ruleOperation, "POST /fhir"+places[0]+name, "it is declared, and it answered %d: this server does not do it", last)
}

func (s *session) noOperation(ctx context.Context, path string) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		c := call{method: method, path: "/fhir" + path, token: s.token}
		if method == http.MethodPost {
			c.media, c.body = fhirJSON, broken
		}
		if r, err := s.wire.send(ctx, c); err == nil && r.status != http.StatusForbidden {
			s.ledger.judge(ruleUnknownOperation, r.refused() && r.status != http.StatusUnsupportedMediaType, c.String(), "it is not declared, and it answered %d", r.status)
		}
	}
}
