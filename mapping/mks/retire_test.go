package mks_test

import (
	"testing"

	"github.com/drieluik/drieluik/conformance/validate"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// take submits a document, refuses errors and stores the result.
func take(t *testing.T, k *mapping.Memory, text []byte) {
	t.Helper()
	source, result, issues := submit(t, k, text)
	if fhir.HasErrors(issues) {
		t.Fatal(issues)
	}
	for _, m := range result.Resources {
		if found := validate.Resource(m.Resource); fhir.HasErrors(found) {
			t.Errorf("%s is not valid: %v", m.Resource.Ref(), found)
		}
	}
	k.Apply(source, result, receipt)
}

// secondDiagnosis returns how the second diagnosis of the transfer stands.
func secondDiagnosis(t *testing.T, k *mapping.Memory) string {
	t.Helper()
	for _, r := range k.All() {
		root := r.Root()
		if r.Type() == "Condition" && root.At("code", "text").Text() == "Groeiachterstand" {
			return root.At("clinicalStatus", "coding", "code").Text() + "/" + root.At("verificationStatus", "coding", "code").Text()
		}
	}
	t.Fatal("there is no such diagnosis")
	return ""
}

func TestWhatAWithdrawalLeavesOutWasNeverSoAndStaysSo(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "boris/01-kind.json", "boris/02-kind-ziekenhuis.json", "boris/11-overdracht-ziekenhuis-naar-huis.json")
	first := sample(t, "boris/11-overdracht-ziekenhuis-naar-huis.json")
	one := edit(t, first, `[{"tekst":"Otitis media (voorbeeld)"}]`, "inhoud", "medischeDiagnoses")
	take(t, k, edit(t, one, "2", "versie"))
	if got := secondDiagnosis(t, k); got != "inactive/" {
		t.Errorf("left out by a new version: %s", got)
	}
	take(t, k, edit(t, first, "3", "versie"))
	if got := secondDiagnosis(t, k); got != "active/" {
		t.Errorf("named again: %s", got)
	}
	withdrawn := edit(t, edit(t, edit(t, one, "4", "versie"), `"ingetrokken"`, "status"), `"verkeerd kind"`, "intrekReden")
	take(t, k, withdrawn)
	if got := secondDiagnosis(t, k); got != "/entered-in-error" {
		t.Errorf("left out by a withdrawal: %s", got)
	}
	take(t, k, edit(t, one, "5", "versie"))
	if got := secondDiagnosis(t, k); got != "/entered-in-error" {
		t.Errorf("left out again after the withdrawal: %s", got)
	}
}
