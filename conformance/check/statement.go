package check

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

// statement is what is looked at in a CapabilityStatement.
type statement struct {
	ResourceType, Status, Kind, FHIRVersion string
	Format                                  []string
	Rest                                    []rest
}

type rest struct {
	Mode     string
	Security struct {
		Service []struct {
			Coding []struct{ System, Code string }
		}
		Extension []struct {
			URL       string
			Extension []struct{ URL, ValueURI string }
		}
	}
	Resource    []declared
	Interaction []struct{ Code string }
	Operation   []struct{ Name, Definition string }
}

// declared is what the statement says of one type.
type declared struct {
	Type              string
	Interaction       []struct{ Code string }
	ConditionalCreate bool
	ConditionalRead   string
	ConditionalUpdate bool
	ConditionalDelete string
	UpdateCreate      bool
	SearchInclude     []string
	SearchRevInclude  []string
	SearchParam       []struct{ Name, Type string }
	Operation         []struct{ Name string }
}

func (d declared) does(code string) bool {
	return slices.ContainsFunc(d.Interaction, func(i struct{ Code string }) bool { return i.Code == code })
}

func (d declared) takes(param string) bool {
	return slices.ContainsFunc(d.SearchParam, func(p struct{ Name, Type string }) bool { return p.Name == param })
}

func (s *statement) system(code string) bool {
	return slices.ContainsFunc(s.Rest[0].Interaction, func(i struct{ Code string }) bool { return i.Code == code })
}

func (s *statement) types() []declared { return s.Rest[0].Resource }

func (s *statement) of(kind string) (declared, bool) {
	i := slices.IndexFunc(s.types(), func(d declared) bool { return d.Type == kind })
	if i < 0 {
		return declared{}, false
	}
	return s.types()[i], true
}

// sampleTypes are gone through when nobody names others: those that transfers are made of, the
// directory, and some that hardly anybody uses.
var sampleTypes = []string{
	"Patient", "CarePlan", "Composition", "Task", "Consent", "Observation", "RelatedPerson", "Encounter",
	"QuestionnaireResponse", "Questionnaire", "Organization", "Provenance", "AuditEvent", "MedicationRequest", "Location",
}

// sample returns the declared types whose parameters and data are gone through.
func (s *session) sample() []declared {
	if s.opt.AllTypes {
		return s.caps.types()
	}
	names := s.opt.Types
	if len(names) == 0 {
		names = sampleTypes
	}
	var out []declared
	for _, name := range names {
		if d, ok := s.caps.of(name); ok {
			out = append(out, d)
		}
	}
	return out
}

// statementRead reads and judges /fhir/metadata.
func (s *session) statementRead(ctx context.Context) {
	const on = "GET /fhir/metadata"
	r, err := s.wire.send(ctx, call{path: "/fhir/metadata", header: map[string]string{"Accept": "application/fhir+json"}})
	if err != nil {
		s.ledger.fail(ruleStatement, on, "no answer; is there a server at this URL?")
		return
	}
	var c statement
	if !s.ledger.judge(ruleStatement, r.status == http.StatusOK && json.Unmarshal(r.body, &c) == nil, on, "answered %d or no JSON", r.status) {
		return
	}
	whole := c.ResourceType == "CapabilityStatement" && c.FHIRVersion == "4.0.1" && c.Kind == "instance" && len(c.Rest) == 1
	if !s.ledger.judge(ruleStatement, whole && c.Rest[0].Mode == "server" && len(c.Rest[0].Resource) > 0, on,
		"it is no CapabilityStatement of one R4 server with resources") {
		return
	}
	s.ledger.judge(ruleStatement, slices.Contains(c.Format, "application/fhir+json") || slices.Contains(c.Format, "json"), on, "it does not list JSON")
	s.ledger.judge(ruleStatement, distinct(c.Rest[0].Resource), on, "it lists a type, an interaction or a parameter twice")
	s.caps = &c
	for _, t := range s.opt.Types {
		if _, ok := c.of(t); !ok {
			s.ledger.fail(ruleStatement, on, "it does not list %s, which --type names", t)
		}
	}
}

// distinct reports whether nothing is listed twice.
func distinct(types []declared) bool {
	seen := map[string]bool{}
	first := func(key string) bool {
		defer func() { seen[key] = true }()
		return !seen[key]
	}
	for _, d := range types {
		ok := first(d.Type)
		for _, i := range d.Interaction {
			ok = first(d.Type+" does "+i.Code) && ok
		}
		for _, p := range d.SearchParam {
			ok = first(d.Type+" takes "+p.Name) && ok
		}
		if !ok {
			return false
		}
	}
	return true
}
