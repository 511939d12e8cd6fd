package consent

import (
	"fmt"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// checkStored holds the rules that need the child, its holders of authority and stored consents.
func checkStored(m *tofhir.Mapper) error {
	if err := givers(m); err != nil {
		return err
	}
	in := m.Content()
	lists := []form.Value{in.At("ontvangers")}
	for _, x := range in.At("uitzonderingen").Items() {
		lists = append(lists, x.At("ontvangers"))
	}
	for _, list := range lists {
		for _, r := range list.Items() {
			receiverRule(m, r)
		}
	}
	return objections(m, in)
}

// givers holds TOE-01, TOE-02 and TOE-09. A withdrawal is never refused for who once gave: age and
// authority have moved on since. A sender without a relation to the child is judged by what it sent
// itself, so that the answer does not tell what others know; its consent counts only when the
// custodian's facts agree.
func givers(m *tofhir.Mapper) error {
	in := m.Content()
	list := in.At("gegevenDoor")
	if m.Head.Status == "ingetrokken" || in.At("ingetrokkenOp").Present() {
		return nil
	}
	if !m.Child.Stored || m.Child.Stub || !list.Sound() || !in.SoundAll("soort", "besluit") {
		return nil
	}
	facts := m.CustodianFacts()
	told, hidden, err := m.ToldFacts(facts)
	if err != nil {
		return err
	}
	if hidden {
		j, _ := judge(m, facts)
		broken, waits := j.Verdict()
		m.Proposed = waits || len(broken) > 0
	}
	j, strangers := judge(m, told)
	for _, g := range strangers {
		m.Fail("MKS-TOE-02", g)
	}
	broken, waits := j.Verdict()
	if slices.Contains(broken, "MKS-TOE-01") {
		m.Fail("MKS-TOE-01", list)
	}
	if waits {
		m.Warn("MKS-TOE-09", list)
		m.Proposed = true
	}
	return nil
}

// judge takes the givers in by some facts. It returns those without authority too.
func judge(m *tofhir.Mapper, by tofhir.Facts) (Judgement, []form.Value) {
	in := m.Content()
	j := Judgement{
		Soort: in.At("soort").Str(), Permits: in.At("besluit").Str() == "toestaan", Birth: by.Birth, On: m.Head.RecordedDay,
	}
	var strangers []form.Value
	for _, g := range in.At("gegevenDoor").Items() {
		t := m.Target(g.At("ref"))
		if j.Add(t.Kind == "kind", by.Authority(t, g.At("op").Date())) {
			strangers = append(strangers, g)
		}
	}
	return j, strangers
}

// receiverRule holds TOE-06.
func receiverRule(m *tofhir.Mapper, r form.Value) {
	kind, named := r.At("soort"), r.At("ref")
	if !kind.Sound() || !named.AbsentOrSound() || !r.At("categorie").AbsentOrSound() {
		return
	}
	t := m.Target(named)
	unknown := named.Present() && t.Kind == ""
	wrong := map[string]bool{
		"organisatie": !named.Present() || !unknown && t.Kind != "org",
		"persoon":     !named.Present() || !unknown && t.Kind != "bet" && t.Kind != "med",
		"kindteam":    named.Present(),
		"categorie":   !r.At("categorie").Present(),
	}
	if wrong[kind.Str()] {
		m.Fail("MKS-TOE-06", r)
	}
}

// objections holds TOE-08: a stored objection, known to the sender, names the same receiver.
func objections(m *tofhir.Mapper, in form.Value) error {
	if m.Child.Found == nil || in.At("besluit").Str() != "toestaan" {
		return nil
	}
	hits, err := m.Known.Child(m.Child.Ref, "Consent")
	if err != nil {
		return fmt.Errorf("mks.objections: %w", err)
	}
	for _, hit := range hits {
		n := tofhir.Found(hit)
		if n.Member("status").Text() != "active" || tofhir.CodeIn(n, "category", "toestemming-soort") != "bezwaar" ||
			hit.Custodian.Current() != m.Sender {
			continue
		}
		for _, r := range in.At("ontvangers").Items() {
			if objected(m, n, r) {
				m.Warn("MKS-TOE-08", r)
			}
		}
	}
	return nil
}

// objected reports whether an objection names the receiver itself, or the category of the
// organisation.
func objected(m *tofhir.Mapper, objection fhir.Node, r form.Value) bool {
	t := m.Target(r.At("ref"))
	for a := range objection.All("provision", "actor") {
		who := a.Member("reference")
		category := ""
		if who.At("identifier", "system").Text() == element.CodeSystem("organisatie-soort") {
			category = who.At("identifier", "value").Text()
		}
		switch {
		case !t.Ref.IsZero() && who.Member("reference").Text() == t.Ref.String(),
			category != "" && (category == t.Role || category == r.At("categorie").Str()),
			r.At("soort").Str() == "kindteam" && tofhir.Extension(a, "ontvanger-soort").Text() == "kindteam":
			return true
		}
	}
	return false
}
