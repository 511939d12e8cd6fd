package mks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// transferStored are the MKS-OVD rules that need what is stored of child and organisations.
func transferStored(m *mapper) error {
	c := m.inhoud()
	variantRule(m, c)
	if err := senderRules(m, c); err != nil {
		return err
	}
	covered, err := m.known.Child(m.child.ref, "Coverage")
	if err != nil {
		return fmt.Errorf("insurance: %w", err)
	}
	if len(covered) == 0 {
		m.warn("MKS-OVD-05", c)
	}
	if v := c.at("juridisch").at("gezag"); v.sound() {
		stored := custodyType(m.child.patient())
		if stored != "" && stored != v.str() {
			m.warn("MKS-OVD-15", v)
		}
	}
	gateRule(m, c)
	return nil
}

// variantRule holds the variant to the age on the day of the transfer (MKS-OVD-01): from the first
// birthday on it is 1-18.
func variantRule(m *mapper, c value) {
	variant, on := c.at("leeftijdsvariant"), c.at("overplaatsingsdatum")
	if !variant.sound() || !on.sound() || m.child.birth == "" {
		return
	}
	baby := age(m.child.birth, on.day()) < 1
	if baby != (variant.str() == "0-1") {
		m.fail("MKS-OVD-01", variant)
	}
}

// senderRules compare the organisations behind the references (MKS-OVD-04, 13).
func senderRules(m *mapper, c value) error {
	from, to := c.at("verzender").at("organisatie"), c.at("ontvanger").at("organisatie")
	if !from.sound() {
		return nil
	}
	sender := m.target(from)
	if to.sound() && from.str() != to.str() && !sender.ref.IsZero() && sender.ref == m.target(to).ref {
		m.fail("MKS-OVD-04", to)
	}
	if sender.ref.IsZero() {
		return nil
	}
	org, err := m.known.Read(sender.ref)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if org == nil {
		return nil
	}
	for id := range found(org).All("identifier") {
		if id.Member("system").Text() == uraSystem && id.Member("value").Text() == m.head.ura {
			return nil
		}
	}
	m.fail("MKS-OVD-13", from)
	return nil
}

// custodyType returns the stored gezag type of a Patient, "" when there is none.
func custodyType(patient fhir.Node) string {
	for e := range patient.All("extension") {
		if e.Member("url").Text() == extensionURL("gezag") {
			return part(e, "type").Text()
		}
	}
	return ""
}

// gateRule tells at once what still keeps the discharge gate closed (MKS-OVD-02, mks.md 7.1).
func gateRule(m *mapper, c value) {
	v := c.at("richting")
	if !v.sound() || v.str() != "ziekenhuis-naar-huis" {
		return
	}
	open := []string{"G1 the receiver has not accepted yet"}
	r := c.at("ontslaggereedheid")
	for _, check := range []struct {
		ok   bool
		text string
	}{
		{r.at("zorgThuisGeregeld").yes(), "G2 care at home is not arranged"},
		{r.at("materialenGeleverd").yes(), "G3 materials are not delivered"},
		{trainedAll(r.at("oudersGetraind").items()), "G4 no parent is trained, or one is not competent yet"},
		{r.at("aanspreekpunt24u").present(), "G6 there is no telephone number for 24 hours"},
	} {
		if !check.ok {
			open = append(open, check.text)
		}
	}
	m.report(fhir.SeverityWarning, "MKS-OVD-02", c.at("ontslaggereedheid"),
		"The discharge gate is closed; the transfer can complete when this is done: "+strings.Join(open, "; ")+".")
}

func trainedAll(trainings []value) bool {
	return len(trainings) > 0 && !slices.ContainsFunc(trainings, func(t value) bool { return !t.at("bekwaam").yes() })
}
