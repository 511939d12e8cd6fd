package scan

import (
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// checkStored holds HBS-05.
func checkStored(m *tofhir.Mapper) error {
	in := m.Content()
	heard, days := in.At("kindGehoord"), in.At("afgenomenOp")
	if !m.Child.Stored || m.Head.Status == "ingetrokken" || !heard.At("ja").Sound() || heard.At("ja").Yes() || !days.Sound() {
		return nil
	}
	facts, _, err := m.ToldFacts(m.CustodianFacts())
	if err == nil && facts.Birth != "" && form.Age(facts.Birth, record.LastOf(days).Day()) >= 12 {
		m.Warn("MKS-HBS-05", heard)
	}
	return err
}
