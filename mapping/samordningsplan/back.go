package samordningsplan

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// Rules of the way back.
const (
	ruleNoPlan     = "SP-B01" // nothing here is a plan
	ruleNoName     = "SP-B02" // the document has no name for what is referred to
	ruleIncomplete = "SP-B03" // a resource of the plan is missing
	ruleMember     = "SP-B04" // a source-member leads nowhere
	ruleMany       = "SP-B05" // more than is read at once
)

// maxPlans bounds the plans that one call reads.
const maxPlans = 100

// Back rebuilds the document of every plan among the resources: one, or a JSON array in the order of their
// CarePlans. A plan of another maker is read as far as it goes; what it must have and has not is SP-S01.
func (Format) Back(rs []*fhir.Resource, _ mapping.Origin) ([]byte, []fhir.Issue, error) {
	s := rebuild.NewSet(rs, rebuild.Rules{Large: ruleMany, Member: ruleMember})
	var docs [][]byte
	for _, plan := range s.All("CarePlan") {
		if !isPlan(plan) {
			continue
		}
		if len(docs) == maxPlans {
			s.Fail("too-costly", ruleMany, plan, "There are more plans than are read at once; send fewer.")
			break
		}
		if !s.Spend(plan) {
			break
		}
		docs = append(docs, newReader(s, plan).document())
	}
	if len(docs) == 0 && !s.Failed() {
		s.Fail("not-found", ruleNoPlan, fhir.Node{}, "There is no coordinated plan among these resources; send its CarePlan with what belongs to it.")
	}
	text, issues := rebuild.Documents(docs, s.Issues(), func(tree *fhir.Resource) []fhir.Issue {
		return form.Read(tree, dialect, table()).Issues()
	})
	return text, issues, nil
}

// isPlan reports whether a CarePlan is a coordinated plan: one of ours, or of a type that we know.
func isPlan(n fhir.Node) bool {
	return rebuild.Ext(n, "plan-state").Exists() || planTypeOf(n).Exists()
}

func planTypeOf(n fhir.Node) fhir.Node {
	if own := rebuild.CodeIn(n.Member("category"), rebuild.CodeSystem("se-plantyp")); own.Exists() {
		return own
	}
	return rebuild.CodeIn(n.Member("category"), ineraPlanTypes)
}

// reader reads one plan.
type reader struct {
	*rebuild.Set
	plan                      fhir.Node
	own                       bool // it was made from a document of this format
	source, dokument          string
	patient, team, provenance fhir.Node
	parts                     map[fhir.Type]map[string]fhir.Node // what the document made, by type and key
	keys                      map[fhir.Ref]string                // of parts
	actors                    map[fhir.Ref]string                // local id of an aktör by its Organization
}

func newReader(s *rebuild.Set, plan fhir.Node) *reader {
	r := &reader{Set: s, plan: plan, own: rebuild.Ext(plan, "plan-state").Exists(),
		parts: map[fhir.Type]map[string]fhir.Node{}, keys: map[fhir.Ref]string{}, actors: map[fhir.Ref]string{}}
	for id := range plan.All("identifier") {
		if source := sourceOf(id.Member("system").Text()); source != "" && r.source == "" {
			r.source, r.dokument = source, id.Member("value").Text()
		}
	}
	for _, res := range s.Resources() {
		if key := r.keyOf(res.Root()); key != "" && !retired(res.Root()) {
			if r.parts[res.Type()] == nil {
				r.parts[res.Type()] = map[string]fhir.Node{}
			}
			r.parts[res.Type()][key], r.keys[res.Ref()] = res.Root(), key
		}
	}
	for _, e := range rebuild.Extensions(plan, "plan-actor") {
		if ref, ok := fhir.ParseRef(rebuild.Part(e, "actor").Member("reference").Text()); ok {
			r.actors[ref.Current()] = rebuild.Part(e, "id").Text()
		}
	}
	r.patient, r.team, r.provenance = s.Get(plan.Member("subject")), r.part("CareTeam", "team"), r.told()
	return r
}

// sourceOf is the HSA-id of the source system in an identifier system, "" in any other.
func sourceOf(system string) string {
	for _, prefix := range []string{endpoint, alias} {
		if id, ok := strings.CutPrefix(system, prefix); ok {
			return id
		}
	}
	return ""
}

// keyOf is the key of a resource in this document, "" of another's.
func (r *reader) keyOf(n fhir.Node) string {
	for id := range n.All("identifier") {
		key, own := strings.CutPrefix(id.Member("value").Text(), r.dokument+"#")
		if own && r.dokument != "" && sourceOf(id.Member("system").Text()) == r.source {
			return key
		}
	}
	return ""
}

func (r *reader) part(t fhir.Type, key string) fhir.Node { return r.parts[t][key] }

// told is the Provenance of this version, else the last that tells of the plan.
func (r *reader) told() fhir.Node {
	version := rebuild.Ext(r.plan, "source-version").Text()
	key := strings.Join([]string{"samordningsplan", r.source, r.dokument, "Provenance", version}, "/")
	if p := r.Read(fhir.Ref{Type: "Provenance", ID: mapping.UUID(key)}); p.Exists() {
		return p
	}
	var last fhir.Node
	for _, p := range r.All("Provenance") {
		for target := range p.All("target", "reference") {
			if target.Text() == r.plan.Resource().Ref().String() {
				last = p
			}
		}
	}
	return last
}

// listed are the resources of a type that stand for the elements of a list, in its order.
func (r *reader) listed(t fhir.Type, is func(fhir.Node) bool) []fhir.Node {
	var out []fhir.Node
	for _, res := range r.Resources() {
		n := res.Root()
		if res.Type() == t && r.part(t, r.keyOf(n)) == n && (is == nil || is(n)) {
			out = append(out, n)
		}
	}
	inOrder(out, func(n fhir.Node) fhir.Node { return rebuild.Ext(n, "source-index") })
	return out
}

// inOrder sorts by an index that each bears.
func inOrder(all []fhir.Node, at func(fhir.Node) fhir.Node) {
	place := func(n fhir.Node) int {
		i, err := strconv.Atoi(at(n).Text())
		if err != nil {
			return math.MaxInt
		}
		return i
	}
	slices.SortStableFunc(all, func(a, b fhir.Node) int { return cmp.Compare(place(a), place(b)) })
}

// name is how the document names what a Reference refers to: the Patient person, an Organization or its
// service its aktör, anything else by its key.
func (r *reader) name(n fhir.Node) *rebuild.Value {
	ref, ok := fhir.ParseRef(n.Member("reference").Text())
	if !ok {
		return nil
	}
	ref = ref.Current()
	if ref.Type == "Patient" {
		return rebuild.String(thePerson)
	}
	if id := r.actors[ref]; id != "" {
		return rebuild.String(id)
	}
	if key := r.keys[ref]; key != "" {
		return rebuild.String(key)
	}
	r.Warn("not-found", ruleNoName, n, "The document has no name for what is referred to; the member was left out.")
	return nil
}

func (r *reader) names(all []fhir.Node) *rebuild.Value { return rebuild.Each(all, r.name) }

// document is the whole document, in the order of its table.
func (r *reader) document() []byte {
	doc := rebuild.Object(r.members()...)
	if doc == nil {
		doc = rebuild.Empty()
	}
	r.PutBack(doc, r.plan)
	r.PutBack(doc, r.provenance)
	return doc.JSON()
}
