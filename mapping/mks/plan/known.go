package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// checkStoredPlan holds the rules of mks.md 3.5 that need what is stored. It also decides whether the plan
// becomes a draft (7.6).
func checkStoredPlan(m *tofhir.Mapper) error {
	in := m.Content()
	basis, err := findPlanBasis(m)
	if err != nil {
		return err
	}
	checkPlanBasis(m, basis)
	outcomes, err := storedOutcomes(m)
	if err != nil {
		return err
	}
	for _, a := range in.At("acties").Items() {
		checkExecutors(m, a)
		checkOutcome(m, a, outcomes)
	}
	if err := checkCoordinator(m, in); err != nil {
		return err
	}
	if err := checkSignatures(m, in.At("handtekeningen")); err != nil {
		return err
	}
	checkLoad(m, in)
	return nil
}

// checkOutcome holds ZP-17.
func checkOutcome(m *tofhir.Mapper, a form.Value, all []outcome) {
	at := a.At("wet")
	if !at.Present() {
		at = a.At("onderdeel")
	}
	if at.Sound() && a.At("onderdeel").AbsentOrSound() && outcomeFor(all, a).IsZero() {
		m.Tell("MKS-ZP-17", at)
	}
}

// ExecutorFits says whom each uitvoerder-soort may name (MKS-ZP-04): the kind of reference and, for
// people around the child, the betrokkene-soort. Read only.
var ExecutorFits = map[string]struct {
	Kind  string
	Roles []string
}{
	"kind":         {"kind", nil},
	"ouder":        {"bet", []string{"ouder", "voogd", "pleegouder"}},
	"professional": {"med", nil},
	"organisatie":  {"org", nil},
	"vrijwilliger": {"bet", []string{"vrijwilliger"}},
	"mantelzorger": {"bet", []string{"mantelzorger", "overig"}},
}

// checkExecutors holds ZP-04, and ZP-08 for professionals. A reference that is not resolved is
// reported as such and skipped here.
func checkExecutors(m *tofhir.Mapper, a form.Value) {
	for _, e := range a.At("uitvoerders").Items() {
		if !e.SoundAll("soort", "ref") {
			continue
		}
		kind, t := e.At("soort").Str(), m.Target(e.At("ref"))
		if t.Kind == "" {
			continue
		}
		fit := ExecutorFits[kind]
		if t.Kind != fit.Kind || fit.Roles != nil && !slices.Contains(fit.Roles, t.Role) {
			m.Tell("MKS-ZP-04", e)
			continue
		}
		if a.At("voorbehouden").Yes() && kind == "professional" && !t.Big {
			m.Tell("MKS-ZP-08", e)
		}
	}
}

// checkCoordinator holds ZP-11 and the half of ZP-13 that needs the team. Without a stored team
// there is no current zorgcoordinator to compare with, and the rules are skipped.
func checkCoordinator(m *tofhir.Mapper, in form.Value) error {
	team, err := Kindteam(m)
	if err != nil || team == nil || m.Head.Status == "ingetrokken" {
		return err
	}
	current := coordinators(tofhir.Found(team))
	author, via := in.At("opgesteldDoor"), in.At("wijziging").At("via")
	if author.Sound() && !slices.Contains(current, m.Target(author).Ref.String()) {
		m.Tell("MKS-ZP-11", author)
	}
	if via.Sound() && !slices.Contains(current, m.Target(via).Ref.String()) {
		m.Tell("MKS-ZP-13", via)
	}
	return nil
}

// Kindteam returns the stored CareTeam of the child by this source, or nil.
func Kindteam(m *tofhir.Mapper) (*mapping.Found, error) {
	if !m.Child.Stored {
		return nil, nil
	}
	team, err := m.Known.Read(KindteamRef(m))
	if err != nil {
		return nil, fmt.Errorf("mks.kindteam: %w", err)
	}
	return team, nil
}

// KindteamRef is the CareTeam of the child by this source, stored or not.
func KindteamRef(m *tofhir.Mapper) fhir.Ref {
	return fhir.Ref{Type: "CareTeam", ID: mapping.ID("CareTeam/" + m.Head.Source() + "/" + m.Head.LocalID)}
}

// coordinators returns the literal references of the current zorgcoordinators: members without tot.
func coordinators(team fhir.Node) []string {
	var out []string
	for p := range team.All("participant") {
		if tofhir.CodeIn(p, "role", "teamrol") == "zorgcoordinator" && !p.At("period", "end").Exists() {
			out = append(out, p.At("member", "reference").Text())
		}
	}
	return out
}

// planBasis is what the plan rests on.
type planBasis struct {
	refs     []fhir.Ref      // anchors of opBasisVan; zero: not stored
	needs    map[string]need // of their scans, by behoefte id
	scanned  bool            // a scan is among them
	complete bool            // all are stored
}

// need is one behoefte of a scan in opBasisVan.
type need struct {
	ref    fhir.Ref // its Condition; zero when there is none (niveau 0 or 9)
	id     fhir.Identifier
	domain string // mks-domein
}

// basisTypes are the record types that a plan can rest on, with their anchors.
var basisTypes = []struct {
	name   string
	anchor fhir.Type
}{{"hulpbehoeftescan", "QuestionnaireResponse"}, {"verwijsboom", "QuestionnaireResponse"}, {"overdracht", "Composition"}}

// findPlanBasis looks up the records of opBasisVan and the needs of their scans.
func findPlanBasis(m *tofhir.Mapper) (planBasis, error) {
	b := planBasis{needs: map[string]need{}, complete: true}
	for _, v := range m.Content().At("opBasisVan").Items() {
		name, hit, err := storedRecord(m, v.Str())
		if err != nil {
			return b, err
		}
		if hit == nil {
			b.refs, b.complete = append(b.refs, fhir.Ref{}), false
			continue
		}
		b.refs = append(b.refs, hit.Resource.Ref())
		if name != "hulpbehoeftescan" {
			continue
		}
		b.scanned = true
		if err := readNeeds(m, v.Str(), hit, b.needs); err != nil {
			return b, err
		}
	}
	return b, nil
}

// checkPlanBasis holds REF-04 for opBasisVan and, when all that the plan rests on is stored, REF-05
// for the needs of its problems.
func checkPlanBasis(m *tofhir.Mapper, b planBasis) {
	for i, v := range m.Content().At("opBasisVan").Items() {
		if v.Sound() && b.refs[i].IsZero() {
			m.Warn("MKS-REF-04", v)
		}
	}
	if !b.complete || !b.scanned {
		return
	}
	for _, p := range m.Content().At("problemen").Items() {
		for _, v := range p.At("behoeften").Items() {
			if _, ok := b.needs[v.Str()]; v.Sound() && !ok {
				m.Fail("MKS-REF-05", v)
			}
		}
	}
}

// storedRecord finds the anchor of "recordId/versie" of this source and child, and its record type.
func storedRecord(m *tofhir.Mapper, name string) (string, *mapping.Found, error) {
	id, text, ok := strings.Cut(name, "/")
	version, err := strconv.Atoi(text)
	if !ok || err != nil {
		return "", nil, nil
	}
	for _, t := range basisTypes {
		key := m.Head.Source() + "/" + t.name + "/" + id
		versions, err := m.Known.Stored(key)
		if err != nil {
			return "", nil, fmt.Errorf("mks.storedRecord: %w", err)
		}
		if !slices.Contains(versions, version) {
			continue
		}
		for _, suffix := range []string{"", "/concept"} {
			hit, err := m.Known.Read(fhir.Ref{Type: t.anchor, ID: mapping.ID(string(t.anchor) + "/" + key + suffix)})
			if err != nil {
				return "", nil, fmt.Errorf("mks.storedRecord: %w", err)
			}
			if hit != nil && tofhir.Found(hit).At("subject", "reference").Text() == m.Child.Ref.String() {
				return t.name, hit, nil
			}
		}
	}
	return "", nil, nil
}

// scanDomains are the domain parts of the scan's linkIds (mks.md 6.1). Read only.
var scanDomains = map[string]string{"med": "medisch", "vei": "veiligheid", "soc": "sociaal", "ont": "ontwikkeling"}

// readNeeds adds the needs of a stored scan. An id that an earlier scan of opBasisVan has stays its.
func readNeeds(m *tofhir.Mapper, name string, scan *mapping.Found, needs map[string]need) error {
	record, _, _ := strings.Cut(name, "/")
	path := "QuestionnaireResponse/" + m.Head.Source() + "/hulpbehoeftescan/" + record
	if mapping.ID(path) != scan.Resource.ID() {
		path += "/concept"
	}
	for item := range tofhir.Found(scan).All("item", "item", "item") {
		link := strings.Split(item.Member("linkId").Text(), ".")
		id := item.At("answer", "valueString").Text()
		if len(link) != 4 || link[3] != "id" || id == "" {
			continue
		}
		if _, ok := needs[id]; ok {
			continue
		}
		n := need{id: fhir.Identifier{System: m.Head.Base() + "/behoefte", Value: record + "#" + id}, domain: scanDomains[link[1]]}
		ref := fhir.Ref{Type: "Condition", ID: mapping.ID(path + "/" + id)}
		hit, err := m.Known.Read(ref)
		if err != nil {
			return fmt.Errorf("mks.readNeeds: %w", err)
		}
		if hit != nil {
			n.ref = ref
		}
		needs[id] = n
	}
	return nil
}

// outcome is a stored outcome of a verwijsboom of this source.
type outcome struct {
	name string // wet/onderdeel
	ref  fhir.Ref
}

// storedOutcomes returns the outcomes in force of the child's verwijsbomen.
func storedOutcomes(m *tofhir.Mapper) ([]outcome, error) {
	if m.Child.Found == nil {
		return nil, nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "ServiceRequest")
	if err != nil {
		return nil, fmt.Errorf("mks.outcomes: %w", err)
	}
	var out []outcome
	for _, hit := range hits {
		n := tofhir.Found(hit)
		if s := n.Member("status").Text(); s == "revoked" || s == "entered-in-error" {
			continue
		}
		for id := range n.All("identifier") {
			_, name, ok := strings.Cut(id.Member("value").Text(), "#")
			if ok && id.Member("system").Text() == m.Head.Base()+"/uitkomst" {
				out = append(out, outcome{name: name, ref: hit.Resource.Ref()})
			}
		}
	}
	return out, nil
}

// wanted returns the outcome that an action names as "wet/onderdeel", one of them possibly empty;
// "" when it names none.
func wanted(a form.Value) string {
	law, part := a.At("wet").Str(), a.At("onderdeel").Str()
	if law == "" && part == "" {
		return ""
	}
	return law + "/" + part
}

// outcomeFor returns the first outcome with the law and part of care of an action, or a zero Ref.
func outcomeFor(all []outcome, a form.Value) fhir.Ref {
	want := wanted(a)
	if want == "" {
		return fhir.Ref{}
	}
	for _, o := range all {
		if o.name == want || want[0] == '/' && strings.HasSuffix(o.name, want) ||
			strings.HasSuffix(want, "/") && strings.HasPrefix(o.name, want) {
			return o.ref
		}
	}
	return fhir.Ref{}
}
