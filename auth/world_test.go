package auth_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/search"
)

// world is a small store in memory: resources with their facts, and compiled children.
type world struct {
	now       time.Time
	settings  auth.Settings
	trees     map[fhir.Ref]*fhir.Resource
	rows      map[fhir.Ref]auth.ResourceFacts
	compiled  map[string]*auth.Child
	directory *auth.Directory
}

// newWorld builds the world of one vector.
func newWorld(t *testing.T, file caseFile, c accessCase) *world {
	t.Helper()
	w := &world{
		now: c.Now, trees: map[fhir.Ref]*fhir.Resource{},
		settings: auth.Settings{Jurisdiction: strings.ToLower(c.Country), ParentRead1215: c.Policy.ParentRead, Policies: policiesOf(t, c.Tables)},
	}
	for _, ref := range c.Use {
		r := parse(t, file.Base[ref])
		w.trees[r.Ref()] = r
	}
	for _, text := range c.With {
		r := parse(t, text)
		w.trees[r.Ref()] = r
	}
	owners := map[string]string{}
	for _, m := range []map[string]string{file.Owner, c.Owner} {
		for ref, org := range m {
			owners[ref] = org
		}
	}
	w.index(t, owners, c.Filed)
	return w
}

// index computes facts, children and directory.
func (w *world) index(t testing.TB, owners map[string]string, filed map[string]time.Time) {
	t.Helper()
	w.rows = map[fhir.Ref]auth.ResourceFacts{}
	w.compiled = map[string]*auth.Child{}
	var people []*fhir.Resource
	for ref, r := range w.trees {
		f := w.factsOf(t, r)
		f.Custodian, f.Author = refOf(owners[ref.String()]), refOf(owners[ref.String()])
		if ref.Type == "Patient" && f.Custodian.IsZero() {
			f.Custodian = refOf("Organization/unnamed") // a vector that names no owner means no stub
		}
		f.Updated, _ = time.Parse(time.RFC3339, r.Root().At("meta", "lastUpdated").Text())
		f.FiledAt = f.Updated
		if at, ok := filed[ref.String()]; ok {
			f.FiledAt = at
		}
		if ref.Type == "DetectedIssue" {
			for _, x := range f.Refs {
				f.Parties = append(f.Parties, refOf(owners[x.String()]))
			}
		}
		w.rows[ref] = f
		people = append(people, r)
	}
	w.directory = auth.NewDirectory(people)
}

func parse(t testing.TB, text json.RawMessage) *fhir.Resource {
	t.Helper()
	r, issues := fhir.Parse(text, fhir.Limits{})
	if r == nil {
		t.Fatalf("parse %.80s: %v", text, issues)
	}
	return r
}

// factsOf computes facts with the references of this world.
func (w *world) factsOf(t testing.TB, r *fhir.Resource) auth.ResourceFacts {
	t.Helper()
	key := string(r.Bytes())
	rows, ok := indexed.Load(key)
	if !ok {
		fresh, err := search.Index(r, "https://fhir.example/fhir")
		if err != nil {
			t.Fatal(err)
		}
		rows, _ = indexed.LoadOrStore(key, fresh)
	}
	return auth.FactsOf(r, rows.([]search.Row), w.patientsOf)
}

// indexed keeps index rows by resource text: properties build the same resources over and over.
var indexed sync.Map

// patientsOf resolves a reference that stands for patients.
func (w *world) patientsOf(ref fhir.Ref) []fhir.Ref {
	if ref.Type == "Patient" {
		return []fhir.Ref{ref}
	}
	r, ok := w.trees[ref]
	if !ok {
		return nil
	}
	return auth.FactsOf(r, nil, nil).Patients
}

// patients returns every child of the world in id order.
func (w *world) patients() []fhir.Ref {
	var out []fhir.Ref
	for ref := range w.rows {
		if ref.Type == "Patient" {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, func(a, b fhir.Ref) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// children compiles the policy of the patients, each once.
func (w *world) children(patients []fhir.Ref) []*auth.Child {
	var out []*auth.Child
	for _, ref := range patients {
		if ref.IsZero() || slices.ContainsFunc(out, func(c *auth.Child) bool { return c.Patient.ID == ref.ID }) {
			continue
		}
		if w.compiled[ref.ID] == nil {
			w.compiled[ref.ID] = auth.NewChild(w.material(ref))
		}
		out = append(out, w.compiled[ref.ID])
	}
	slices.SortFunc(out, func(a, b *auth.Child) int { return strings.Compare(a.Patient.ID, b.Patient.ID) })
	return out
}

func (w *world) material(patient fhir.Ref) auth.Material {
	m := auth.Material{Compartment: patient.ID, Epoch: 1}
	for ref, f := range w.rows {
		if slices.Contains(auth.FactTypes[:], ref.Type) && slices.Contains(f.Patients, patient) {
			m.Resources = append(m.Resources, auth.Stored{Resource: w.trees[ref], Facts: f})
		}
	}
	return m
}

// facts gathers what Decide needs.
func (w *world) facts(p auth.Principal, r *auth.ResourceFacts) auth.Facts {
	f := auth.Facts{Now: w.now, Settings: w.settings, Resource: r, Directory: w.directory, Lookup: w.lookup}
	patients := []fhir.Ref{p.Patient}
	if r != nil {
		patients = append(patients, r.Patients...)
		f.Referrers = w.referrers(r.Ref, p.Patient)
	}
	f.Children = w.children(patients)
	return f
}

func (w *world) lookup(ref fhir.Ref) (auth.ResourceFacts, bool) {
	f, ok := w.rows[ref.Current()]
	return f, ok
}

func (w *world) referrers(ref, patient fhir.Ref) []auth.ResourceFacts {
	var out []auth.ResourceFacts
	for _, f := range w.rows {
		if slices.Contains(f.Refs, ref.Current()) && slices.Contains(f.Patients, patient) {
			out = append(out, f)
		}
	}
	return out
}

// heads returns the facts of the child's resources of a type, or of every type.
func (w *world) heads(c *auth.Child, t fhir.Type, every bool) []auth.ResourceFacts {
	var out []auth.ResourceFacts
	for _, f := range w.rows {
		if (every || f.Ref.Type == t) && slices.ContainsFunc(f.Patients, func(p fhir.Ref) bool { return p.ID == c.Patient.ID }) {
			out = append(out, f)
		}
	}
	return out
}

// admits applies a Filter to a row as a store does.
func admits(f auth.Filter, r auth.ResourceFacts) bool {
	if f.None || !inScopes(f.Scopes, r) {
		return false
	}
	if !f.Patient.IsZero() && (len(r.Patients) != 1 || r.Patients[0].ID != f.Patient.ID) && !auth.IsDirectory(r.Ref.Type) {
		return false
	}
	if f.Directory || !f.Organization.IsZero() && (r.Custodian == f.Organization || r.Author == f.Organization) {
		return true
	}
	home := "_directory"
	if len(r.Patients) > 0 {
		home = r.Patients[0].ID
	}
	return slices.Contains(f.Visible[home], r.Ref.ID)
}

func inScopes(scopes [][]search.Clause, r auth.ResourceFacts) bool {
	return scopes == nil || slices.ContainsFunc(scopes, func(all []search.Clause) bool {
		return !slices.ContainsFunc(all, func(c search.Clause) bool { return !holds(c, r) })
	})
}

func holds(c search.Clause, r auth.ResourceFacts) bool {
	return slices.ContainsFunc(r.Granular, func(row search.Row) bool {
		return row.Param == c.Param && slices.ContainsFunc(c.Values, func(v search.Value) bool {
			return v.Value == row.Value && (v.AnySystem || v.System == row.System)
		})
	})
}
