package mks

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

// consentStored holds the rules that need the child, its holders of authority and stored consents.
func consentStored(m *mapper) error {
	if err := m.givers(); err != nil {
		return err
	}
	in := m.inhoud()
	lists := []form.Value{in.At("ontvangers")}
	for _, x := range in.At("uitzonderingen").Items() {
		lists = append(lists, x.At("ontvangers"))
	}
	for _, list := range lists {
		for _, r := range list.Items() {
			m.receiverRule(r)
		}
	}
	return m.objections(in)
}

// givers holds TOE-01, TOE-02 and TOE-09. A withdrawal is never refused for who once gave: age and
// authority have moved on since. A sender without a relation to the child is judged by what it sent
// itself, so that the answer does not tell what others know; its consent counts only when the
// custodian's facts agree.
func (m *mapper) givers() error {
	in := m.inhoud()
	list := in.At("gegevenDoor")
	if m.head.status == "ingetrokken" || in.At("ingetrokkenOp").Present() {
		return nil
	}
	if !m.child.stored || m.child.stub || !list.Sound() || !in.SoundAll("soort", "besluit") {
		return nil
	}
	facts := m.custodianFacts()
	told, hidden, err := m.toldFacts(facts)
	if err != nil {
		return err
	}
	if hidden {
		j, _ := m.judge(facts)
		broken, waits := j.verdict()
		m.proposed = waits || len(broken) > 0
	}
	j, strangers := m.judge(told)
	for _, g := range strangers {
		m.Fail("MKS-TOE-02", g)
	}
	broken, waits := j.verdict()
	if slices.Contains(broken, "MKS-TOE-01") {
		m.Fail("MKS-TOE-01", list)
	}
	if waits {
		m.Warn("MKS-TOE-09", list)
		m.proposed = true
	}
	return nil
}

// judge takes the givers in by some facts. It returns those without authority too.
func (m *mapper) judge(by facts) (judgement, []form.Value) {
	in := m.inhoud()
	j := judgement{
		soort: in.At("soort").Str(), permits: in.At("besluit").Str() == "toestaan", birth: by.birth, on: m.head.recordedDay,
	}
	var strangers []form.Value
	for _, g := range in.At("gegevenDoor").Items() {
		t := m.target(g.At("ref"))
		if j.add(t.kind == "kind", by.authority(t, g.At("op").Date())) {
			strangers = append(strangers, g)
		}
	}
	return j, strangers
}

// receiverRule holds TOE-06.
func (m *mapper) receiverRule(r form.Value) {
	kind, named := r.At("soort"), r.At("ref")
	if !kind.Sound() || !named.AbsentOrSound() || !r.At("categorie").AbsentOrSound() {
		return
	}
	t := m.target(named)
	unknown := named.Present() && t.kind == ""
	wrong := map[string]bool{
		"organisatie": !named.Present() || !unknown && t.kind != "org",
		"persoon":     !named.Present() || !unknown && t.kind != "bet" && t.kind != "med",
		"kindteam":    named.Present(),
		"categorie":   !r.At("categorie").Present(),
	}
	if wrong[kind.Str()] {
		m.Fail("MKS-TOE-06", r)
	}
}

// objections holds TOE-08: a stored objection, known to the sender, names the same receiver.
func (m *mapper) objections(in form.Value) error {
	if m.child.found == nil || in.At("besluit").Str() != "toestaan" {
		return nil
	}
	hits, err := m.known.Child(m.child.ref, "Consent")
	if err != nil {
		return fmt.Errorf("mks.objections: %w", err)
	}
	for _, hit := range hits {
		n := found(hit)
		if n.Member("status").Text() != "active" || codeIn(n, "category", "toestemming-soort") != "bezwaar" ||
			hit.Custodian.Current() != m.sender {
			continue
		}
		for _, r := range in.At("ontvangers").Items() {
			if m.objected(n, r) {
				m.Warn("MKS-TOE-08", r)
			}
		}
	}
	return nil
}

// objected reports whether an objection names the receiver itself, or the category of the
// organisation.
func (m *mapper) objected(objection fhir.Node, r form.Value) bool {
	t := m.target(r.At("ref"))
	for a := range objection.All("provision", "actor") {
		who := a.Member("reference")
		category := ""
		if who.At("identifier", "system").Text() == element.CodeSystem("organisatie-soort") {
			category = who.At("identifier", "value").Text()
		}
		switch {
		case !t.ref.IsZero() && who.Member("reference").Text() == t.ref.String(),
			category != "" && (category == t.role || category == r.At("categorie").Str()),
			r.At("soort").Str() == "kindteam" && extension(a, "ontvanger-soort").Text() == "kindteam":
			return true
		}
	}
	return false
}
