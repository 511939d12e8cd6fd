package mks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// complete is the sample with the members that it lacks.
func complete(t *testing.T) []byte {
	text := sample(t, "boris/01-kind.json")
	for member, value := range map[string]string{
		"zwangerschapsduur": "29", "overleden": `"2026-11-01"`, "telefoon": `["0600000077"]`, "email": `["b@voorbeeld.example"]`,
		"ots": `{"vanaf":"2026-02-01","instelling":"org-03","gezinsvoogd":"med-01"}`,
		"verzekering": `[{"wet":"wlz","naam":"Zorgkantoor Test","vanaf":"2026-01-01"},
			{"wet":"zvw","uzovi":"9999","vanaf":"2025-05-04"},{"wet":"jw","naam":"Gemeente Testdorp","vanaf":"2026-01-01","tot":"2026-06-30"}]`,
	} {
		text = edit(t, text, value, "inhoud", member)
	}
	return text
}

// only returns the resource of a type, of which there must be one.
func only(t *testing.T, rs []fhir.Node) fhir.Node {
	t.Helper()
	if len(rs) != 1 {
		t.Fatalf("%d resources", len(rs))
	}
	return rs[0]
}

func TestEveryFactOfAChildHasItsPlace(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	r := apply(t, k, complete(t))
	byType := map[fhir.Type][]fhir.Node{}
	for _, m := range r.Resources {
		n := m.Resource.Root()
		byType[m.Resource.Type()] = append(byType[m.Resource.Type()], n)
		for _, i := range faultsOf(m.Resource) {
			t.Errorf("%s: %s %s", m.Resource.Ref(), i.Expression, i.Text)
		}
	}
	order := only(t, byType["Condition"])
	patient := only(t, byType["Patient"])
	pregnancy := byType["Observation"][0]
	got := map[string]string{
		"order":       order.At("code", "coding", "code").Text() + " " + order.At("clinicalStatus", "coding", "code").Text(),
		"order since": order.Member("onsetDateTime").Text(),
		"died":        patient.Member("deceasedDateTime").Text(),
		"weeks":       pregnancy.At("valueQuantity", "value").Text() + " " + pregnancy.At("valueQuantity", "code").Text(),
		"weeks at":    pregnancy.Member("effectiveDateTime").Text(),
	}
	want := map[string]string{
		"order": "OTS active", "order since": "2026-02-01", "died": "2026-11-01", "weeks": "29 wk", "weeks at": "2025-05-04",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"kind", "veiligheid"}, texts(order, "meta", "tag", "code")); d != "" {
		t.Errorf("tags of the supervision order (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"phone 0600000077", "email b@voorbeeld.example"}, contacts(patient)); d != "" {
		t.Errorf("contacts (-want +got):\n%s", d)
	}
	var laws []string
	for _, c := range byType["Coverage"] {
		payer := read(t, k, parse(t, c.At("payor", "reference").Text()))
		laws = append(laws, c.At("type", "coding", "code").Text()+" "+payer.At("type", "coding", "code").Text())
	}
	if d := cmp.Diff([]string{"wlz zorgkantoor", "B zorgverzekeraar", "jw gemeente"}, laws); d != "" {
		t.Errorf("insurances (-want +got):\n%s", d)
	}
}

func contacts(n fhir.Node) []string {
	var out []string
	for c := range n.All("telecom") {
		out = append(out, c.Member("system").Text()+" "+c.Member("value").Text())
	}
	return out
}

func parse(t *testing.T, text string) fhir.Ref {
	t.Helper()
	ref, ok := fhir.ParseRef(text)
	if !ok {
		t.Fatalf("%q is no reference", text)
	}
	return ref
}

func TestInsurancesKeepTheirIdentityWhenTheyChangePlaces(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	first := apply(t, k, complete(t))
	text := edit(t, complete(t), "2", "versie")
	second := apply(t, k, edit(t, text, `[{"wet":"zvw","uzovi":"9998","vanaf":"2026-01-01"},{"wet":"zvw","uzovi":"9999","vanaf":"2025-05-04"},
		{"wet":"wlz","naam":"Zorgkantoor Test","vanaf":"2026-01-01"}]`, "inhoud", "verzekering"))
	refs := func(ms []fhir.Ref) map[fhir.Ref]int {
		out := map[fhir.Ref]int{}
		for _, m := range ms {
			out[m]++
		}
		return out
	}
	var before, after []fhir.Ref
	for _, m := range of(first, "Coverage") {
		before = append(before, m.Resource.Ref())
	}
	for _, m := range of(second, "Coverage") {
		after = append(after, m.Resource.Ref())
	}
	for ref, n := range refs(after) {
		if n > 1 {
			t.Errorf("%s is written %d times", ref, n)
		}
	}
	if before[1] != after[1] {
		t.Errorf("the policy of 9999 was %s and is %s", before[1], after[1])
	}
	if got := read(t, k, before[2]).Member("status").Text(); got != "entered-in-error" {
		t.Errorf("the insurance that was left out is %s", got)
	}
}
