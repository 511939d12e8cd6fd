package transfer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
	"github.com/drieluik/drieluik/mapping/rebuild"
)

// checkStored are the MKS-OVD rules that need what is stored of child and organisations. A
// withdrawal is not refused for what the child's data say by now.
func checkStored(m *tofhir.Mapper) error {
	c := m.Content()
	senderRules(m, c)
	if m.Head.Status == "ingetrokken" {
		return nil
	}
	told, err := m.MayBeTold()
	if err != nil {
		return err
	}
	if err := variantRule(m, c, told); err != nil {
		return err
	}
	if err := insuranceRule(m, c, told); err != nil {
		return err
	}
	if v := c.At("juridisch").At("gezag"); told && v.Sound() {
		stored := rebuild.Part(tofhir.StoredCustody(m.Child.Patient()), "type").Text()
		if stored != "" && stored != v.Str() {
			m.Warn("MKS-OVD-15", v)
		}
	}
	return gateRule(m, c)
}

// insuranceRule warns when no insurance is in force (MKS-OVD-05): none at all, or none that the sender
// named itself when it may not be told of others.
func insuranceRule(m *tofhir.Mapper, c form.Value, told bool) error {
	own, err := m.OwnProvenance()
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for n := range own.All("target", "reference") {
		named[n.Text()] = true
	}
	covered, err := m.Known.Child(m.Child.Ref, "Coverage")
	if err != nil {
		return fmt.Errorf("mks.insuranceRule: %w", err)
	}
	for _, f := range covered {
		if inForce(tofhir.Found(f)) && (told || named[f.Resource.Ref().String()]) {
			return nil
		}
	}
	m.Warn("MKS-OVD-05", c)
	return nil
}

// variantRule holds the variant to the age on the day of the transfer (MKS-OVD-01): from the first
// birthday on it is 1-18.
func variantRule(m *tofhir.Mapper, c form.Value, told bool) error {
	variant, on := c.At("leeftijdsvariant"), c.At("overplaatsingsdatum")
	birth := m.Child.Birth
	if !told {
		var err error
		if birth, err = m.BirthTold(); err != nil {
			return err
		}
	}
	if variant.Sound() && on.Sound() && !VariantFits(variant.Str(), birth, on.Day()) {
		m.Fail("MKS-OVD-01", variant)
	}
	return nil
}

// VariantFits reports whether a leeftijdsvariant is that of a child on a day; any is when nobody knows
// its birth date.
func VariantFits(variant string, birth, on form.Day) bool {
	return birth == "" || (form.Age(birth, on) < 1) == (variant == "0-1")
}

// senderRules compare the organisations behind the references (MKS-OVD-04, 13). What the document
// alone tells, partyRules have told.
func senderRules(m *tofhir.Mapper, c form.Value) {
	from, to := c.At("verzender").At("organisatie"), c.At("ontvanger").At("organisatie")
	sender, receiver := m.Target(from), m.Target(to)
	if from.Sound() && !sender.Ref.IsZero() && number(sender) != m.Head.URA && !strings.HasPrefix(from.Str(), "ura:") {
		m.Fail("MKS-OVD-13", from)
	}
	if !from.Sound() || !to.Sound() || from.Str() == to.Str() || to.Str() == "ura:"+m.Head.URA {
		return
	}
	same := !receiver.Ref.IsZero() && receiver.Ref == sender.Ref
	if same || number(receiver) == m.Head.URA {
		m.Fail("MKS-OVD-04", to)
	}
}

// number returns the URA of an organisation, "" when it has none or is not known.
func number(t tofhir.Target) string {
	if t.ID.System == record.URASystem {
		return t.ID.Value
	}
	for id := range t.Node.All("identifier") {
		if id.Member("system").Text() == record.URASystem {
			return id.Member("value").Text()
		}
	}
	return ""
}

// gateRule tells at once what keeps the discharge gate closed (MKS-OVD-02, mks.md 7.1).
func gateRule(m *tofhir.Mapper, c form.Value) error {
	r := c.At("ontslaggereedheid")
	if !m.Discharge() || !r.AbsentOrSound() {
		return nil
	}
	accepted, err := wasAccepted(m)
	if err != nil {
		return err
	}
	able, err := ableParents(m, r.At("oudersGetraind").Items())
	if err != nil {
		return err
	}
	var en, nl []string
	for _, check := range []struct {
		ok     bool
		en, nl string
	}{
		{accepted, "G1 the receiver has not accepted yet", "G1 de ontvanger heeft nog niet aanvaard"},
		{r.At("zorgThuisGeregeld").Yes(), "G2 care at home is not arranged", "G2 de zorg thuis is niet geregeld"},
		{r.At("materialenGeleverd").Yes(), "G3 materials are not delivered", "G3 de materialen zijn niet geleverd"},
		{trainedAll(r.At("oudersGetraind").Items()), "G4 no parent is trained, or one is not competent yet",
			"G4 er is geen ouder getraind, of een is nog niet bekwaam"},
		{able, "G5 a parent does a reserved action without a record of competence or training",
			"G5 een ouder doet een voorbehouden handeling zonder vastgelegde bekwaamheid of training"},
		{r.At("aanspreekpunt24u").Present(), "G6 there is no telephone number for 24 hours", "G6 er is geen telefoonnummer voor 24 uur"},
	} {
		if !check.ok {
			en, nl = append(en, check.en), append(nl, check.nl)
		}
	}
	if len(en) > 0 {
		m.Say(fhir.SeverityWarning, "MKS-OVD-02", r,
			"The discharge gate is closed; the transfer can complete when this is done: "+strings.Join(en, "; ")+".",
			fhir.Translations{NL: "De ontslagpoort is dicht; de overdracht kan worden voltooid als dit is gedaan: " + strings.Join(nl, "; ") + "."})
	}
	return nil
}

func trainedAll(trainings []form.Value) bool {
	return len(trainings) > 0 && !slices.ContainsFunc(trainings, func(t form.Value) bool { return !t.At("bekwaam").Yes() })
}

// wasAccepted reports whether the receiver has accepted the Task of an earlier version (G1).
func wasAccepted(m *tofhir.Mapper) (bool, error) {
	task, err := m.Known.Read(fhir.Ref{Type: "Task", ID: m.Part("taak")})
	if err != nil {
		return false, fmt.Errorf("mks.accepted: %w", err)
	}
	n, receiver := tofhir.Found(task), m.Target(m.Content().At("ontvanger").At("organisatie"))
	taken := slices.Contains([]string{"accepted", "in-progress", "completed"}, n.Member("status").Text())
	return taken && isIn(receiver, n.Member("owner")), nil
}

// ableParents reports whether every reserved action that a parent does in a plan in force has bekwaam,
// or a training of that parent (G5). Of a plan that another keeps the sender is told nothing: a
// relation is no leave to read it.
func ableParents(m *tofhir.Mapper, trainings []form.Value) (bool, error) {
	plans, err := m.Known.Child(m.Child.Ref, "CarePlan")
	if err != nil {
		return false, fmt.Errorf("mks.ableParents: %w", err)
	}
	trained := map[string]bool{}
	for _, t := range trainings {
		if who := m.Target(t.At("wie")); t.At("bekwaam").Yes() && !who.Ref.IsZero() {
			trained[who.Ref.String()] = true
		}
	}
	for _, f := range plans {
		if f.Custodian.Current() == m.Sender && needsTraining(tofhir.Found(f)) && !trained[tofhir.Found(f).At("activity", "detail", "performer", "reference").Text()] {
			return false, nil
		}
	}
	return true, nil
}

// needsTraining reports whether a CarePlan is a reserved action that a parent does without bekwaam.
func needsTraining(plan fhir.Node) bool {
	if plan.Member("status").Text() != "active" {
		return false
	}
	for e := range plan.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("actie") && rebuild.Part(e, "voorbehouden").Text() == "true" &&
			rebuild.Part(e, "uitvoerderSoort").Text() == "ouder" {
			return !carries(e, "bekwaam")
		}
	}
	return false
}

// carries reports whether an element has an extension, or a complex extension a part, of that URL.
func carries(n fhir.Node, url string) bool {
	for e := range n.All("extension") {
		if e.Member("url").Text() == url {
			return true
		}
	}
	return false
}
