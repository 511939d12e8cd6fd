package mks

import (
	"fmt"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
)

// consentStored holds the rules that need the child, its holders of authority and stored consents.
func consentStored(m *mapper) error {
	if err := m.givers(); err != nil {
		return err
	}
	in := m.inhoud()
	lists := []value{in.at("ontvangers")}
	for _, x := range in.at("uitzonderingen").items() {
		lists = append(lists, x.at("ontvangers"))
	}
	for _, list := range lists {
		for _, r := range list.items() {
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
	list := in.at("gegevenDoor")
	if m.head.status == "ingetrokken" || in.at("ingetrokkenOp").present() {
		return nil
	}
	if !m.child.stored || m.child.stub || !list.sound() || !in.soundAll("soort", "besluit") {
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
		m.fail("MKS-TOE-02", g)
	}
	broken, waits := j.verdict()
	if contains(broken, "MKS-TOE-01") {
		m.fail("MKS-TOE-01", list)
	}
	if waits {
		m.warn("MKS-TOE-09", list)
		m.proposed = true
	}
	return nil
}

// judge takes the givers in by some facts. It returns those without authority too.
func (m *mapper) judge(by facts) (judgement, []value) {
	in := m.inhoud()
	j := judgement{
		soort: in.at("soort").str(), permits: in.at("besluit").str() == "toestaan", birth: by.birth, on: m.head.recordedDay,
	}
	var strangers []value
	for _, g := range in.at("gegevenDoor").items() {
		t := m.target(g.at("ref"))
		if j.add(t.kind == "kind", by.authority(t, g.at("op").date())) {
			strangers = append(strangers, g)
		}
	}
	return j, strangers
}

// receiverRule holds TOE-06.
func (m *mapper) receiverRule(r value) {
	kind, named := r.at("soort"), r.at("ref")
	if !kind.sound() || !named.absentOrSound() || !r.at("categorie").absentOrSound() {
		return
	}
	t := m.target(named)
	unknown := named.present() && t.kind == ""
	wrong := map[string]bool{
		"organisatie": !named.present() || !unknown && t.kind != "org",
		"persoon":     !named.present() || !unknown && t.kind != "bet" && t.kind != "med",
		"kindteam":    named.present(),
		"categorie":   !r.at("categorie").present(),
	}
	if wrong[kind.str()] {
		m.fail("MKS-TOE-06", r)
	}
}

// objections holds TOE-08: a stored objection, known to the sender, names the same receiver.
func (m *mapper) objections(in value) error {
	if m.child.found == nil || in.at("besluit").str() != "toestaan" {
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
		for _, r := range in.at("ontvangers").items() {
			if m.objected(n, r) {
				m.warn("MKS-TOE-08", r)
			}
		}
	}
	return nil
}

// objected reports whether an objection names the receiver itself, or the category of the
// organisation.
func (m *mapper) objected(objection fhir.Node, r value) bool {
	t := m.target(r.at("ref"))
	for a := range objection.All("provision", "actor") {
		who := a.Member("reference")
		category := ""
		if who.At("identifier", "system").Text() == element.CodeSystem("organisatie-soort") {
			category = who.At("identifier", "value").Text()
		}
		switch {
		case !t.ref.IsZero() && who.Member("reference").Text() == t.ref.String(),
			category != "" && (category == t.role || category == r.at("categorie").str()),
			r.at("soort").str() == "kindteam" && extension(a, "ontvanger-soort").Text() == "kindteam":
			return true
		}
	}
	return false
}
