package child

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// kindStored finds what a kind record of another organisation may not change, and names it.
func kindStored(m *tofhir.Mapper) error {
	m.Conflict = map[string]bool{}
	m.Rights = m.IsCustodian()
	if err := m.FindRelation(); err != nil {
		return err
	}
	m.NumberRule()
	bsn := m.Root().At("kind").At("bsn")
	if m.Rights && m.Child.Namesake != nil {
		m.Conflict[bsn.Pointer()] = true
	}
	if m.Child.Found == nil || m.Child.Stub {
		return nil
	}
	if bsn.Sound() && !m.Rights && m.Child.NewNumber {
		contest(m, "MKS-ENV-11", bsn)
	}
	if err := namesakes(m); err != nil {
		return err
	}
	if m.Rights {
		return ownOrder(m)
	}
	for _, find := range []func(*tofhir.Mapper) error{birthConflict, custodyConflict, orderConflict, sealConflicts} {
		if err := find(m); err != nil {
			return fmt.Errorf("mks.kindStored: %w", err)
		}
	}
	return nil
}

// contest keeps a rights-bearing fact with its source and reports it to a sender with a relation.
func contest(m *tofhir.Mapper, rule string, v form.Value) {
	m.Conflict[v.Pointer()] = true
	m.Conflicts = append(m.Conflicts, v)
	if m.Related {
		m.Warn(rule, v)
	}
}

// namesakes tells a related sender of people with the same family name who are not united, since one
// has no BSN (mks.md 2.6).
func namesakes(m *tofhir.Mapper) error {
	hits, err := m.Known.Child(m.Child.Ref, "RelatedPerson")
	if err != nil {
		return fmt.Errorf("mks.namesakes: %w", err)
	}
	for _, v := range m.Content().At("betrokkenen").Items() {
		last := v.At("naam").At("achternaam").Str()
		if !m.Related || last == "" || m.Own[v.At("id").Str()].Stored != nil {
			continue
		}
		for _, hit := range hits {
			family := tofhir.Found(hit).At("name", "_family")
			numbered := v.At("bsn").Present() && hasSystem(tofhir.Found(hit), record.BSNSystem)
			if !numbered && ownName(family) == last {
				m.Say(fhir.SeverityInformation, "MKS-MRG-01", v, "Somebody with the same family name is known already. Without BSN they are not united.",
					fhir.Translations{NL: "Er is al iemand met dezelfde achternaam bekend. Zonder BSN worden zij niet samengevoegd."})
			}
		}
	}
	return nil
}

// ownName returns the own family name of a HumanName's _family.
func ownName(family fhir.Node) string {
	for e := range family.All("extension") {
		if e.Member("url").Text() == tofhir.Hl7Structure+"humanname-own-name" {
			return e.Member("valueString").Text()
		}
	}
	return ""
}

// hasSystem reports whether a resource has an identifier of a system.
func hasSystem(n fhir.Node, system string) bool {
	for id := range n.All("identifier") {
		if id.Member("system").Text() == system {
			return true
		}
	}
	return false
}

// birthConflict holds MKS-KIND-12.
func birthConflict(m *tofhir.Mapper) error {
	if v := m.Content().At("geboortedatum"); v.Sound() && v.Day() != m.Child.Birth {
		contest(m, "MKS-KIND-12", v)
	}
	return nil
}

// custodyConflict compares gezag: type, houders, vanaf and tot; a member that the record lacks does
// not differ.
func custodyConflict(m *tofhir.Mapper) error {
	v := m.Content().At("gezag")
	if !v.Sound() {
		return nil
	}
	stored := tofhir.StoredCustody(m.Child.Patient())
	differs := rebuild.Part(stored, "type").Text() != v.At("type").Str()
	for _, x := range []struct{ source, place string }{{"vanaf", "start"}, {"tot", "end"}} {
		if d := v.At(x.source); d.Present() {
			differs = differs || rebuild.Part(stored, "period").Member(x.place).Text() != d.Str()
		}
	}
	if list := v.At("houders"); list.Present() {
		differs = differs || !slices.Equal(HolderRefs(m, list), tofhir.StoredHolders(stored))
	}
	if differs {
		contest(m, "MKS-MRG-01", v)
	}
	return nil
}

// HolderRefs returns whom the holders of the source are, sorted.
func HolderRefs(m *tofhir.Mapper, list form.Value) []string {
	var out []string
	for _, h := range list.Items() {
		out = append(out, m.Target(h).Ref.String())
	}
	slices.Sort(out)
	return out
}

// ownOrder finds what another application of the custodian said later: that stands.
func ownOrder(m *tofhir.Mapper) error {
	all, err := m.Settings(m.Child.Ref)
	if err != nil {
		return err
	}
	own := fhir.Canonical + "/bron/" + m.Head.URA + "/"
	for _, s := range all {
		if strings.HasPrefix(s.Source, own) && s.Source != m.Head.Base() && s.At.After(m.Head.RecordedAt) {
			m.Rights = false
			return nil
		}
	}
	laterCustody(m, all)
	return nil
}

// laterCustody keeps the stored gezag when another application of the custodian checked it later.
func laterCustody(m *tofhir.Mapper, all []tofhir.Setting) {
	checked := m.Content().At("gezag").At("gecontroleerdOp")
	stored := rebuild.Part(tofhir.StoredCustody(m.Child.Patient()), "gecontroleerdOp").Text()
	if !checked.Sound() || stored == "" || !m.Child.Others {
		return
	}
	last := tofhir.Setter(all, "extension")
	later := stored > checked.Str() || stored == checked.Str() && last.At.After(m.Head.RecordedAt)
	m.CustodyStays = last.Source != m.Head.Base() && later
}

// orderConflict compares ots with the stored Condition.
func orderConflict(m *tofhir.Mapper) error {
	v := m.Content().At("ots")
	if !v.Sound() {
		return nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "Condition")
	if err != nil {
		return err
	}
	for _, hit := range hits {
		n := tofhir.Found(hit)
		if n.At("code", "coding", "code").Text() != "OTS" {
			continue
		}
		sameEnd := !v.At("tot").Present() || n.Member("abatementDateTime").Text() == v.At("tot").Str()
		if n.Member("onsetDateTime").Text() == v.At("vanaf").Str() && sameEnd {
			return nil
		}
	}
	contest(m, "MKS-MRG-01", v)
	return nil
}

// sealConflicts compares afgeschermd, and tot of a betrokkene that is stored already.
func sealConflicts(m *tofhir.Mapper) error {
	for _, v := range m.Content().At("betrokkenen").Items() {
		stored := m.Own[v.At("id").Str()].Node
		if s := v.At("afgeschermd"); s.Sound() && sealedSince(stored) != s.At("vanaf").Str() {
			contest(m, "MKS-MRG-01", s)
		}
		if bsn := v.At("bsn"); bsn.Sound() && sharedNumber(stored, bsn.Str(), m.Head.Base()) {
			contest(m, "MKS-MRG-01", bsn)
		}
		until := v.At("tot")
		if until.Sound() && stored.Exists() && stored.At("period", "end").Text() != until.Str() {
			contest(m, "MKS-MRG-01", until)
		}
	}
	return nil
}

// sharedNumber reports whether a stored person whom another source lists too has another BSN.
func sharedNumber(related fhir.Node, bsn, base string) bool {
	other, listed := false, false
	for id := range related.All("identifier") {
		system := id.Member("system").Text()
		other = other || system == record.BSNSystem && id.Member("value").Text() != bsn
		listed = listed || strings.HasSuffix(system, "/"+record.ListNames["bet"]) && !strings.HasPrefix(system, base+"/")
	}
	return other && listed
}

func sealedSince(related fhir.Node) string {
	for e := range related.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("afscherming") {
			return rebuild.Part(e, "vanaf").Text()
		}
	}
	return ""
}

// writeConflicts keeps contested facts in the Provenance and asks the custodian to look.
func writeConflicts(m *tofhir.Mapper) {
	if !m.Rights {
		holdRights(m)
	}
	if len(m.Conflicts) > 0 {
		askCustodian(m, m.Child.Found, "", m.Conflicts...)
		m.Labels = append(m.Labels, element.Coding(tofhir.Confidential, "V", ""))
	}
	if m.Rights && m.Child.Namesake != nil {
		bsn := m.Root().At("kind").At("bsn")
		m.Keep(bsn)
		askCustodian(m, m.Child.Namesake, "/bsn", bsn)
	}
}

// askCustodian adds the Task controleer-gegevens for the custodian of a child, without values. The
// custodian keeps it, so that the sender cannot read it.
func askCustodian(m *tofhir.Mapper, of *mapping.Found, suffix string, facts ...form.Value) {
	custodian := of.Custodian.Current()
	if custodian.IsZero() {
		return // a stub: nobody may look yet
	}
	kind, child := tofhir.ListConcept("mks-categorie", "controleer-gegevens"), of.Resource.Ref()
	t := &tpb.Task{
		Status: element.Enum(&tpb.Task_StatusCode{}, "requested"), Intent: element.Enum(&tpb.Task_IntentCode{}, "proposal"),
		Code: kind, Focus: element.Literal(child), ForValue: element.Literal(child), Owner: element.Literal(custodian),
	}
	for _, v := range facts {
		t.Input = append(t.Input, &tpb.Task_Parameter{Type: kind, Value: &tpb.Task_Parameter_ValueX{
			Choice: &tpb.Task_Parameter_ValueX_StringValue{StringValue: element.String(v.Pointer())}}})
	}
	t.Input = append(t.Input, &tpb.Task_Parameter{Type: kind, Value: &tpb.Task_Parameter_ValueX{
		Choice: &tpb.Task_Parameter_ValueX_Identifier{Identifier: element.Identifier(record.URASystem, m.Head.URA)}}})
	m.Add(t, tofhir.About{
		ID:        m.Part("controleer-gegevens/" + strconv.Itoa(m.Head.Version) + suffix),
		Custodian: custodian, Author: custodian,
	})
}

// holdRights keeps the rights-bearing facts of this source for its own way back.
func holdRights(m *tofhir.Mapper) {
	for _, v := range append(slices.Clone(m.Conflicts), m.Content().At("gezag"), m.Content().At("ots")) {
		if v.Present() {
			m.Keep(v)
		}
	}
	for _, v := range m.Content().At("betrokkenen").Items() {
		if s := v.At("afgeschermd"); s.Present() {
			m.Keep(s)
		}
	}
}
