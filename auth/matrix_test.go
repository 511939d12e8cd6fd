package auth_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// The matrix of scopes: every level, set of letters, type and condition against every interaction with
// every type. What is expected comes from reading the text of the scopes once more, below, and from
// nothing of this package.

const (
	matrixCategory = "http://terminology.hl7.org/CodeSystem/observation-category"
	matrixOwner    = "Organization/keeper"
)

var matrixTypes = []string{"Patient", "CarePlan", "Observation", "Goal", "ServiceRequest", "Encounter"}

// matrixLetters are the letters that an interaction needs (SMART-603).
var matrixLetters = map[auth.Interaction]string{
	auth.Read: "r", auth.VRead: "r", auth.HistoryInstance: "r", auth.Include: "r", auth.Notify: "r", auth.Export: "r",
	auth.SearchType: "s", auth.HistoryType: "s", auth.Create: "c", auth.Update: "u", auth.Patch: "u", auth.Delete: "d",
}

// asked is one cell: what is done to a resource of a type about a child, in one of two categories.
type asked struct {
	do       auth.Interaction
	kind     string
	child    string // kim is the child of the token
	category string // vital-signs or laboratory
}

// expected is the status that a list of scopes of one level leads to: 0 for permitted. A create says 403
// of what the sender itself sent, everything else hides what it refuses.
func expected(list, level string, a asked) int {
	if a.kind == "Patient" && a.do == auth.Delete {
		return 405
	}
	counted, passing, reaching := false, false, false
	for token := range strings.FieldsSeq(list) {
		head, condition, _ := strings.Cut(token, "?")
		of, rest, _ := strings.Cut(head, "/")
		kind, letters, _ := strings.Cut(rest, ".")
		if word, v1 := map[string]string{"read": "rs", "write": "cud", "*": "cruds"}[letters]; v1 {
			letters = word
		}
		if of != level || kind != a.kind && kind != "*" || !strings.Contains(letters, matrixLetters[a.do]) {
			continue
		}
		counted = true
		if condition == "" || strings.HasSuffix(condition, a.category) {
			passing = true
			reaching = reaching || level != "patient" || a.child == "kim"
		}
	}
	switch {
	case !counted, a.do == auth.Create && !reaching:
		return 403
	case !passing, !reaching:
		return 404
	}
	return 0
}

// matrixFacts are the facts of every resource of the matrix, by kind, child and category. The category
// stands in the element, where the type has it, and in a tag.
func matrixFacts(t *testing.T) map[asked]auth.ResourceFacts {
	t.Helper()
	w, out := &world{}, map[asked]auth.ResourceFacts{}
	for _, kind := range matrixTypes {
		about := `"subject":{"reference":"Patient/%[2]s"},"category":[{"coding":[%[3]s]}]`
		switch kind {
		case "Patient":
			about = `"active":true`
		case "Encounter":
			about = `"subject":{"reference":"Patient/%[2]s"}`
		}
		for _, child := range []string{"kim", "sam"} {
			for _, category := range []string{"vital-signs", "laboratory"} {
				coding := fmt.Sprintf(`{"system":%q,"code":%q}`, matrixCategory, category)
				about := strings.NewReplacer("%[2]s", child, "%[3]s", coding).Replace(about)
				body := fmt.Sprintf(`{"resourceType":%q,"id":%q,"meta":{"tag":[%s]},%s}`, kind, child, coding, about)
				f := w.factsOf(t, parse(t, []byte(body)))
				f.Custodian, f.Author = refOf(matrixOwner), refOf(matrixOwner)
				out[asked{kind: kind, child: child, category: category}] = f
			}
		}
	}
	return out
}

// matrixPrincipal is who may bring scopes of a level.
func matrixPrincipal(t *testing.T, level, list string) auth.Principal {
	t.Helper()
	scopes, err := auth.ParseScopes(list)
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	p := auth.Principal{
		State: auth.TokenActive, Role: auth.Professional, Client: "c", Organization: refOf(matrixOwner),
		FHIRUser: fhir.Ref{Type: "Practitioner", ID: "p"}, Scopes: scopes, Purpose: "TREAT",
	}
	switch level {
	case "system":
		p.Role, p.FHIRUser = auth.System, fhir.Ref{}
	case "patient":
		p.Patient = fhir.Ref{Type: "Patient", ID: "kim"}
	}
	return p
}

// decided is the status of a cell, 0 for permitted.
func decided(p auth.Principal, a asked, facts auth.ResourceFacts) int {
	f := auth.Facts{Now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Resource: &facts}
	act := auth.Action{Interaction: a.do, Type: fhir.Type(a.kind)}
	switch a.do {
	case auth.Create:
		act.Body, f.Resource = &facts, nil
	case auth.Update, auth.Patch:
		act.Body = &facts
	}
	d := auth.Decide(p, act, f)
	if d.Permit {
		return 0
	}
	return d.HTTP
}

// letterSets are the 31 sets of SMART 2 letters and the three words of SMART 1.
func letterSets() []string {
	out := []string{"read", "write", "*"}
	for set := 1; set < 32; set++ {
		text := ""
		for i, letter := range "cruds" {
			if set&(1<<i) != 0 {
				text += string(letter)
			}
		}
		out = append(out, text)
	}
	return out
}

// matrixConditions are those of each type's granular scopes.
var matrixConditions = map[string][]string{
	"Patient": {"_tag=" + matrixCategory + "|vital-signs"}, "Encounter": {"_tag=vital-signs"},
	"CarePlan": {"category=" + matrixCategory + "|vital-signs"}, "Observation": {"category=vital-signs"},
	"ServiceRequest": {"category=vital-signs"}, "Goal": {"category=vital-signs", "_tag=vital-signs"},
}

// matrixScopes are all scopes of a level.
func matrixScopes(level string) []string {
	var out []string
	for _, kind := range append(slices.Clone(matrixTypes), "*") {
		for i, letters := range letterSets() {
			plain := level + "/" + kind + "." + letters
			out = append(out, plain)
			for _, condition := range matrixConditions[kind] {
				if i >= 3 { // SMART 1 has no conditions
					out = append(out, plain+"?"+condition)
				}
			}
		}
	}
	return out
}

func TestSMART603_TheMatrixOfScopes(t *testing.T) {
	t.Parallel()
	facts := matrixFacts(t)
	cells, open := 0, 0
	try := func(level, list string) {
		p := matrixPrincipal(t, level, list)
		for at, f := range facts {
			for do := range matrixLetters {
				a := at
				a.do = do
				want := expected(list, level, a)
				if got := decided(p, a, f); got != want {
					t.Errorf("%s: %s %s of %s in %s: %d, want %d", list, a.do, a.kind, a.child, a.category, got, want)
				}
				cells++
				if want == 0 {
					open++
				}
			}
		}
	}
	rnd := rand.New(rand.NewPCG(6, 3))
	for _, level := range []string{"patient", "user", "system"} {
		all := matrixScopes(level)
		for _, one := range all {
			try(level, one)
		}
		for range 150 { // lists are unions
			list := ""
			for range 2 + rnd.IntN(3) {
				list += " " + all[rnd.IntN(len(all))]
			}
			try(level, list)
		}
		for _, other := range []string{"patient", "user", "system"} { // a scope of another level is void
			if level != other && (level == "system" || other == "system") {
				p := matrixPrincipal(t, level, other+"/*.cruds")
				for at, f := range facts {
					at.do = auth.Read
					if got := decided(p, at, f); got != 403 {
						t.Errorf("%s scopes of who has %s scopes alone: %d", other, level, got)
					}
				}
			}
		}
	}
	t.Logf("%d cells, %d open", cells, open)
	if cells < 300_000 || open < cells/20 {
		t.Errorf("%d cells, %d open: shows too little", cells, open)
	}
}
