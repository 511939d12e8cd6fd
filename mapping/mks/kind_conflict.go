package mks

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
)

// kindState is what a kind record finds out about the child before it is written.
type kindState struct {
	provenances []*mapping.Found
	// rights: the record may change rights-bearing facts, since its sender is the child's custodian
	// or the child is new (mks.md 2.6).
	rights bool
	// related: the sender has a relation to the child, so that it may know of conflicts.
	related      bool
	custodyStays bool            // the stored gezag was checked later
	listsFaulty  bool            // an own list, or an id in it, is faulty
	conflict     map[string]bool // pointers of rights-bearing facts that stay with this source alone
	conflicts    []form.Value    // the same in source order
}

// kindStored finds what a kind record of another organisation may not change, and names it.
func kindStored(m *mapper) error {
	m.conflict = map[string]bool{}
	m.rights = m.isCustodian()
	if err := m.findRelation(); err != nil {
		return err
	}
	m.numberRule()
	bsn := m.Root().At("kind").At("bsn")
	if m.rights && m.child.namesake != nil {
		m.conflict[bsn.Pointer()] = true
	}
	if m.child.found == nil || m.child.stub {
		return nil
	}
	if bsn.Sound() && !m.rights && m.child.newNumber {
		m.contest("MKS-ENV-11", bsn)
	}
	if err := m.namesakes(); err != nil {
		return err
	}
	if m.rights {
		return m.ownOrder()
	}
	for _, find := range []func(*mapper) error{birthConflict, custodyConflict, orderConflict, sealConflicts} {
		if err := find(m); err != nil {
			return fmt.Errorf("mks.kindStored: %w", err)
		}
	}
	return nil
}

// contest keeps a rights-bearing fact with its source and reports it to a sender with a relation.
func (m *mapper) contest(rule string, v form.Value) {
	m.conflict[v.Pointer()] = true
	m.conflicts = append(m.conflicts, v)
	if m.related {
		m.Warn(rule, v)
	}
}

// namesakes tells a related sender of people with the same family name who are not united, since one
// has no BSN (mks.md 2.6).
func (m *mapper) namesakes() error {
	hits, err := m.known.Child(m.child.ref, "RelatedPerson")
	if err != nil {
		return fmt.Errorf("mks.namesakes: %w", err)
	}
	for _, v := range m.inhoud().At("betrokkenen").Items() {
		last := v.At("naam").At("achternaam").Str()
		if !m.related || last == "" || m.own[v.At("id").Str()].stored != nil {
			continue
		}
		for _, hit := range hits {
			family := found(hit).At("name", "_family")
			numbered := v.At("bsn").Present() && hasSystem(found(hit), bsnSystem)
			if !numbered && ownName(family) == last {
				m.Inform("MKS-MRG-01", v, "Somebody with the same family name is known already. Without BSN they are not united.")
			}
		}
	}
	return nil
}

// ownName returns the own family name of a HumanName's _family.
func ownName(family fhir.Node) string {
	for e := range family.All("extension") {
		if e.Member("url").Text() == hl7Structure+"humanname-own-name" {
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
func birthConflict(m *mapper) error {
	if v := m.inhoud().At("geboortedatum"); v.Sound() && v.Day() != m.child.birth {
		m.contest("MKS-KIND-12", v)
	}
	return nil
}

// custodyConflict compares gezag: type, houders, vanaf and tot; a member that the record lacks does
// not differ.
func custodyConflict(m *mapper) error {
	v := m.inhoud().At("gezag")
	if !v.Sound() {
		return nil
	}
	stored := storedCustody(m.child.patient())
	differs := part(stored, "type").Text() != v.At("type").Str()
	for _, x := range []struct{ source, place string }{{"vanaf", "start"}, {"tot", "end"}} {
		if d := v.At(x.source); d.Present() {
			differs = differs || part(stored, "period").Member(x.place).Text() != d.Str()
		}
	}
	if list := v.At("houders"); list.Present() {
		differs = differs || !slices.Equal(m.holderRefs(list), storedHolders(stored))
	}
	if differs {
		m.contest("MKS-MRG-01", v)
	}
	return nil
}

// holderRefs returns whom the holders of the source are, sorted.
func (m *mapper) holderRefs(list form.Value) []string {
	var out []string
	for _, h := range list.Items() {
		out = append(out, m.target(h).ref.String())
	}
	slices.Sort(out)
	return out
}

// ownOrder finds what another application of the custodian said later: that stands.
func (m *mapper) ownOrder() error {
	all, err := m.settings(m.child.ref)
	if err != nil {
		return err
	}
	own := fhir.Canonical + "/bron/" + m.head.ura + "/"
	for _, s := range all {
		if strings.HasPrefix(s.source, own) && s.source != m.head.base() && s.at.After(m.head.recordedAt) {
			m.rights = false
			return nil
		}
	}
	m.laterCustody(all)
	return nil
}

// laterCustody keeps the stored gezag when another application of the custodian checked it later.
func (m *mapper) laterCustody(all []setting) {
	checked := m.inhoud().At("gezag").At("gecontroleerdOp")
	stored := part(storedCustody(m.child.patient()), "gecontroleerdOp").Text()
	if !checked.Sound() || stored == "" || !m.child.others {
		return
	}
	last := setter(all, "extension")
	later := stored > checked.Str() || stored == checked.Str() && last.at.After(m.head.recordedAt)
	m.custodyStays = last.source != m.head.base() && later
}

// orderConflict compares ots with the stored Condition.
func orderConflict(m *mapper) error {
	v := m.inhoud().At("ots")
	if !v.Sound() {
		return nil
	}
	hits, err := m.known.Child(m.child.ref, "Condition")
	if err != nil {
		return err
	}
	for _, hit := range hits {
		n := found(hit)
		if n.At("code", "coding", "code").Text() != "OTS" {
			continue
		}
		sameEnd := !v.At("tot").Present() || n.Member("abatementDateTime").Text() == v.At("tot").Str()
		if n.Member("onsetDateTime").Text() == v.At("vanaf").Str() && sameEnd {
			return nil
		}
	}
	m.contest("MKS-MRG-01", v)
	return nil
}

// sealConflicts compares afgeschermd, and tot of a betrokkene that is stored already.
func sealConflicts(m *mapper) error {
	for _, v := range m.inhoud().At("betrokkenen").Items() {
		stored := m.own[v.At("id").Str()].node
		if s := v.At("afgeschermd"); s.Sound() && sealedSince(stored) != s.At("vanaf").Str() {
			m.contest("MKS-MRG-01", s)
		}
		if bsn := v.At("bsn"); bsn.Sound() && sharedNumber(stored, bsn.Str(), m.head.base()) {
			m.contest("MKS-MRG-01", bsn)
		}
		until := v.At("tot")
		if until.Sound() && stored.Exists() && stored.At("period", "end").Text() != until.Str() {
			m.contest("MKS-MRG-01", until)
		}
	}
	return nil
}

// sharedNumber reports whether a stored person whom another source lists too has another BSN.
func sharedNumber(related fhir.Node, bsn, base string) bool {
	other, listed := false, false
	for id := range related.All("identifier") {
		system := id.Member("system").Text()
		other = other || system == bsnSystem && id.Member("value").Text() != bsn
		listed = listed || strings.HasSuffix(system, "/"+listNames["bet"]) && !strings.HasPrefix(system, base+"/")
	}
	return other && listed
}

func sealedSince(related fhir.Node) string {
	for e := range related.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("afscherming") {
			return part(e, "vanaf").Text()
		}
	}
	return ""
}

// writeConflicts keeps contested facts in the Provenance and asks the custodian to look.
func (m *mapper) writeConflicts() {
	if !m.rights {
		m.holdRights()
	}
	if len(m.conflicts) > 0 {
		m.askCustodian(m.child.found, "", m.conflicts...)
		m.labels = append(m.labels, element.Coding(confidential, "V", ""))
	}
	if m.rights && m.child.namesake != nil {
		bsn := m.Root().At("kind").At("bsn")
		m.Keep(bsn)
		m.askCustodian(m.child.namesake, "/bsn", bsn)
	}
}

// askCustodian adds the Task controleer-gegevens for the custodian of a child, without values. The
// custodian keeps it, so that the sender cannot read it.
func (m *mapper) askCustodian(of *mapping.Found, suffix string, facts ...form.Value) {
	custodian := of.Custodian.Current()
	if custodian.IsZero() {
		return // a stub: nobody may look yet
	}
	kind, child := listConcept("mks-categorie", "controleer-gegevens"), of.Resource.Ref()
	t := &tpb.Task{
		Status: element.Enum(&tpb.Task_StatusCode{}, "requested"), Intent: element.Enum(&tpb.Task_IntentCode{}, "proposal"),
		Code: kind, Focus: element.Literal(child), ForValue: element.Literal(child), Owner: element.Literal(custodian),
	}
	for _, v := range facts {
		t.Input = append(t.Input, &tpb.Task_Parameter{Type: kind, Value: &tpb.Task_Parameter_ValueX{
			Choice: &tpb.Task_Parameter_ValueX_StringValue{StringValue: element.String(v.Pointer())}}})
	}
	t.Input = append(t.Input, &tpb.Task_Parameter{Type: kind, Value: &tpb.Task_Parameter_ValueX{
		Choice: &tpb.Task_Parameter_ValueX_Identifier{Identifier: element.Identifier(uraSystem, m.head.ura)}}})
	m.add(t, about{
		id:        m.part("controleer-gegevens/" + strconv.Itoa(m.head.version) + suffix),
		custodian: custodian, author: custodian,
	})
}

// holdRights keeps the rights-bearing facts of this source for its own way back.
func (m *mapper) holdRights() {
	for _, v := range append(slices.Clone(m.conflicts), m.inhoud().At("gezag"), m.inhoud().At("ots")) {
		if v.Present() {
			m.Keep(v)
		}
	}
	for _, v := range m.inhoud().At("betrokkenen").Items() {
		if s := v.At("afgeschermd"); s.Present() {
			m.Keep(s)
		}
	}
}

// findRelation reports whether the sender stands in the care team or a task of the child that
// another organisation keeps (access.md 3.1).
func (m *mapper) findRelation() error {
	if m.child.found == nil {
		return nil
	}
	hits, err := m.known.Child(m.child.ref, "CareTeam", "Task")
	if err != nil {
		return fmt.Errorf("mks.findRelation: %w", err)
	}
	for _, hit := range hits {
		if hit.Custodian.Current() == m.sender {
			continue
		}
		ok, err := m.relates(hit, m.sender)
		if err != nil {
			return err
		}
		m.related = m.related || ok
	}
	return nil
}

// taskStates are the states in which a Task is a relation, for its owner and its requester.
var taskStates = map[string][]string{
	"owner":     {"accepted", "in-progress", "on-hold"},
	"requester": {"requested", "received", "accepted", "in-progress", "on-hold"},
}

// relates reports whether a CareTeam or Task gives the organisation a relation now.
func (m *mapper) relates(hit *mapping.Found, org fhir.Ref) (bool, error) {
	n := found(hit)
	if hit.Resource.Type() == "Task" {
		for member, states := range taskStates {
			if slices.Contains(states, n.Member("status").Text()) && n.At(member, "reference").Text() == org.String() {
				return true, nil
			}
		}
		return false, nil
	}
	if n.Member("status").Text() != "active" {
		return false, nil
	}
	for p := range n.All("participant") {
		today := form.DayOf(m.now)
		if !within(today, firstDay(p.At("period", "start")), firstDay(p.At("period", "end"))) {
			continue
		}
		ok, err := m.worksFor(p, org)
		if ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

func firstDay(n fhir.Node) form.Day { return form.Day(n.Text()[:min(10, len(n.Text()))]) }

// worksFor reports whether a participant is the organisation or one of its PractitionerRoles.
func (m *mapper) worksFor(participant fhir.Node, org fhir.Ref) (bool, error) {
	for _, member := range []string{"member", "onBehalfOf"} {
		ref := refOf(participant.At(member, "reference").Text())
		if ref == org {
			return true, nil
		}
		if ref.Type != "PractitionerRole" {
			continue
		}
		role, err := m.known.Read(ref)
		if err != nil {
			return false, err
		}
		if found(role).At("organization", "reference").Text() == org.String() {
			return true, nil
		}
	}
	return false, nil
}
