package mks_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/mks"
)

// keptMembers returns the source members that the anchor keeps: pointer and value.
func keptMembers(t *testing.T, r mapping.Result) []string {
	t.Helper()
	var out []string
	for e := range anchorOf(t, r).All("extension") {
		if e.Member("url").Text() == structure+"source-member" {
			out = append(out, strings.Join(evaluated(t, e, "extension.value"), " "))
		}
	}
	return out
}

func TestWhatATransferCannotSayInFHIRIsKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(doc, c map[string]any)
		want   []string
	}{
		{"an empty list that says nothing", func(_, c map[string]any) { c["afspraken"], c["bijlagen"] = []any{}, []any{} },
			list("/inhoud/afspraken []", "/inhoud/bijlagen []")},
		{"null is absent, also where [] has a meaning", func(_, c map[string]any) { c["allergieen"] = nil }, list("/inhoud/allergieen null")},
		{"an unknown member", func(_, c map[string]any) { c["onbekendLid"] = map[string]any{"x": 1} }, list(`/inhoud/onbekendLid {"x":1}`)},
		{"a reaction that the source itself did not mention", func(_, c map[string]any) {
			c["allergieen"].([]any)[0].(map[string]any)["reactie"] = "niet vermeld"
		}, list(`/inhoud/allergieen/0/reactie "niet vermeld"`)},
		{"a development that is named twice", func(_, c map[string]any) {
			c["ontwikkeling"].(map[string]any)["taal"] = list("258116008", "26261000146103", "258116008")
		}, list(`/inhoud/ontwikkeling/taal ["258116008","26261000146103","258116008"]`)},
		{"a media type that is no code and an address that is no URL", func(_, c map[string]any) {
			b := c["bijlagen"].([]any)[0].(map[string]any)
			b["mime"], b["url"] = " application/pdf", "zie map 3"
		}, list(`/inhoud/bijlagen/0/mime " application/pdf"`, `/inhoud/bijlagen/0/url "zie map 3"`)},
		{"whether a withdrawn talk was held", func(doc, _ map[string]any) {
			doc["status"], doc["intrekReden"] = "ingetrokken", "verkeerd kind"
		}, list("/inhoud/drieluikGesprek/gehouden true")},
		{"the text of a coding beside a text", func(_, c map[string]any) {
			c["alerts"].([]any)[0].(map[string]any)["code"] = map[string]any{"tekst": "aspiratie"}
		}, list(`/inhoud/alerts/0/code/tekst "aspiratie"`)},
		{"a character that XML has no way to write", func(_, c map[string]any) { c["huid"] = "gaaf\uffff" }, list("/inhoud/huid \"gaaf\uffff\"")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, r, issues := submit(t, storedChild(t), changed(t, c.change))
			if fhir.HasErrors(issues) {
				t.Fatal(told(issues))
			}
			if d := cmp.Diff(c.want, keptMembers(t, r)); d != "" {
				t.Errorf("kept (-want +got):\n%s", d)
			}
			checkSound(t, r)
		})
	}
}

// checkSound holds that a result writes each resource once, and soundly.
func checkSound(t *testing.T, r mapping.Result) {
	t.Helper()
	seen := map[fhir.Ref]bool{}
	for _, m := range r.Resources {
		if seen[m.Resource.Ref()] {
			t.Errorf("%s is written twice", m.Resource.Ref())
		}
		seen[m.Resource.Ref()] = true
		for _, i := range faultsOf(m.Resource) {
			t.Errorf("%s: %s %s", m.Resource.Ref(), i.Expression, i.Text)
		}
		checkInvariants(t, m.Resource)
	}
}

func TestEmptyListIsNoneKnownOnlyWhereItHasThatMeaning(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	r := apply(t, k, changed(t, func(_, c map[string]any) {
		c["voorgeschiedenis"], c["allergieen"], c["alerts"], c["afspraken"], c["bijlagen"] = []any{}, []any{}, nil, []any{}, []any{}
	}))
	c := read(t, k, r.Anchor)
	for code, want := range map[string][]string{
		"417662000": list("nilknown"), "420134006": list("nilknown"), "308813009": nil, "308335008": nil,
	} {
		if d := cmp.Diff(want, evaluated(t, c, sectionAt(code)+".emptyReason.coding.code")); d != "" {
			t.Errorf("section %s (-want +got):\n%s", code, d)
		}
	}
	if got := evaluated(t, c, sectionAt("308813009")); len(got) > 0 {
		t.Error("alerts that are absent have a section")
	}
}

func TestNumbersOfATransferKeepTheirDigits(t *testing.T) {
	t.Parallel()
	text := bytes.ReplaceAll(sample(t, borisTransfer), []byte(`"waarde": 9.4,`), []byte(`"waarde": 9.40,`))
	text = bytes.ReplaceAll(text, []byte(`"lengteCm": 28`), []byte(`"lengteCm": 28.0`))
	_, r, _ := submit(t, storedChild(t), text)
	if got := partOf(t, r, "Observation", "gewicht").At("valueQuantity", "value").Raw(); got != "9.40" {
		t.Errorf("weight %s", got)
	}
	if got := partOf(t, r, "Device", "hm1").Raw(); !strings.Contains(got, `"value":28.0`) {
		t.Errorf("length in %s", got)
	}
}

func TestTransferBeforeItsChildWaitsForItsReferences(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	first := apply(t, k, full(t))
	checkSound(t, first)
	task := partOf(t, first, "Task", "taak")
	receiver := fhir.Ref{Type: "Organization", ID: mapping.ID("Organization/ura/90000001")}
	if got := task.At("owner", "reference").Text(); got != receiver.String() || standing(task) != "requested" {
		t.Errorf("the Task is %s, owned by %q, want %s", standing(task), got, receiver)
	}
	if got := read(t, k, receiver).At("identifier", "value").Text(); got != "90000001" {
		t.Errorf("the receiver has the number %q", got)
	}
	store(t, k, "boris/02-kind-ziekenhuis.json")
	for _, m := range first.Resources {
		now := read(t, k, m.Resource.Ref())
		if strings.Contains(now.Raw(), "/onbekend") {
			t.Errorf("%s has a reference that still leads nowhere", m.Resource.Ref())
		}
		checkInvariants(t, now.Resource())
	}
	c := read(t, k, first.Anchor)
	for _, at := range []string{"custodian", "author", "section.section.where(code.coding.code = '405623001').entry"} {
		if got := evaluated(t, c, at+".reference"); len(got) != 1 {
			t.Errorf("%s leads to %q", at, got)
		}
	}
}

func TestTransferNamesThePeopleOfTheChildThatTakePart(t *testing.T) {
	t.Parallel()
	k := mapping.NewMemory()
	store(t, k, "daan/01-kind.json")
	r := store(t, k, daanTransfer)
	got := evaluated(t, read(t, k, r.Anchor), sectionAt("302147001")+".entry.reference")
	for _, ref := range got {
		parsed, _ := fhir.ParseRef(ref)
		n := read(t, k, parsed)
		if strings.Contains(n.Raw(), structure+"afscherming") || n.Member("active").Text() == "false" {
			t.Errorf("%s is sealed off or inactive", ref)
		}
	}
	sealed, people := 0, 0
	for _, f := range k.All() {
		if f.Type() != "RelatedPerson" && f.Type() != "Coverage" {
			continue
		}
		people++
		if strings.Contains(f.Root().Raw(), structure+"afscherming") {
			sealed++
		}
	}
	if sealed == 0 || len(got) != people-sealed {
		t.Errorf("%d entries of %d people and insurances, %d sealed off", len(got), people, sealed)
	}
}

func TestTransferNamesPractitionersWithTheirRoles(t *testing.T) {
	t.Parallel()
	k := storedChild(t)
	r := store(t, k, borisTransfer)
	c := read(t, k, r.Anchor)
	for code, want := range map[string][]fhir.Type{
		"185362004": {"Organization", "Practitioner", "PractitionerRole"}, "405623001": {"Practitioner", "PractitionerRole"},
	} {
		var got []fhir.Type
		for _, ref := range evaluated(t, c, sectionAt(code)+".entry.reference") {
			parsed, _ := fhir.ParseRef(ref)
			got = append(got, read(t, k, parsed).Resource().Type())
		}
		if !slices.Equal(got, want) {
			t.Errorf("section %s has %v, want %v", code, got, want)
		}
	}
}

// BenchmarkTransfer reads and maps the transfer of boris with his child records stored.
func BenchmarkTransfer(b *testing.B) {
	k := mapping.NewMemory()
	var doc *fhir.Resource
	for _, file := range []string{"boris/01-kind.json", "boris/02-kind-ziekenhuis.json", borisTransfer} {
		text, err := os.ReadFile(filepath.Join(records, file))
		if err != nil {
			b.Fatal(err)
		}
		doc, _ = fhir.ParseDocument(text, fhir.Limits{})
		s, _ := mks.Format{}.Read(doc, receipt)
		r, err := mks.Format{}.Map(s, k, receipt)
		if err != nil {
			b.Fatal(err)
		}
		if file != borisTransfer {
			k.Apply(s, r, receipt)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		s, _ := mks.Format{}.Read(doc, receipt)
		if _, err := (mks.Format{}).Map(s, k, receipt); err != nil {
			b.Fatal(err)
		}
	}
}
