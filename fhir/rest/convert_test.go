package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir"
)

// TestADocumentGoesToFHIRAndBackOverHTTP converts without a store: what comes back is what was sent.
func TestADocumentGoesToFHIRAndBackOverHTTP(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	before := len(g.position().Notices)
	for _, x := range [][2]string{
		{"mks-bron/1", record(t, childFile)}, {"mks-bron/1", record(t, transferFile)}, {"netwerk/1", networkFile(t, "valid/02-daan.json")},
	} {
		schema, sent := x[0], x[1]
		there := g.do("other", http.MethodPost, "/fhir/$convert", sent).want(t, 200)
		if b := decode[bundleOf](t, there.body); b.Type != "collection" || len(b.Entry) < 3 {
			t.Fatalf("answered %.300s", there.body)
		}
		back := g.do("other", http.MethodPost, "/fhir/$convert?to="+schema, there.body).want(t, 200)
		if got := back.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("the document comes as %s", got)
		}
		a, _ := fhir.ParseDocument([]byte(sent), fhir.Limits{})
		b, issues := fhir.ParseDocument([]byte(back.body), fhir.Limits{})
		if fhir.HasErrors(issues) || !fhir.Equal(a.Root(), b.Root()) {
			t.Errorf("a document of %s comes back as %.2000s", schema, back.body)
		}
	}
	if len(g.position().Notices) != before {
		t.Error("a conversion stored something")
	}
	last := g.events()[len(g.events())-1]
	if last.Outcome != "0" || last.Subtype[1].Code != "convert" {
		t.Errorf("the log says %+v", last)
	}
}

func TestConvertSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	doc := record(t, childFile)
	bundle := func(entries ...string) string {
		return `{"resourceType":"Bundle","type":"collection","entry":[` + strings.Join(entries, ",") + `]}`
	}
	consent := `{"fullUrl":"urn:uuid:9c0a1c0e-0000-4000-8000-000000000001","resource":{"resourceType":"Consent","meta":{"versionId":"4"},` +
		`"scope":{"coding":[{"code":"patient-privacy"}]},"patient":{"reference":"Patient/p"},"provision":{"type":"permit"}}}`
	for _, c := range []struct {
		name, query, body string
		status            int
		rules             []string
	}{
		{"no JSON", "", `{"schema":`, 400, []string{"FHIR-JSON-SYNTAX"}},
		{"unknown schema", "", `{"schema":"x/1"}`, 415, []string{"schema-unknown"}},
		{"faults of the document", "", strings.Replace(doc, "999912148", "999912149", 1), 422, []string{"MKS-ENV-05 /kind/bsn"}},
		{"unknown target", "?to=x/1", bundle(consent), 415, []string{"schema-unknown"}},
		{"no JSON back", "?to=mks-bron/1", `[`, 400, []string{"FHIR-JSON-SYNTAX"}},
		{"no Bundle", "?to=mks-bron/1", `{"resourceType":"Patient"}`, 400, []string{"convert-bundle"}},
		{"no record", "?to=mks-bron/1", bundle(`{"resource":{"resourceType":"Basic"}}`), 422, []string{"MKS-BACK-01"}},
		{"a record of another origin that lacks members", "?to=mks-bron/1", bundle(consent), 422, []string{
			"MKS-ENV-01 /vastgelegdOp", "MKS-ENV-01 /vastgelegdDoor", "MKS-ENV-01 /inhoud/soort", "MKS-ENV-01 /inhoud/gegevenDoor",
			"MKS-ENV-01 /inhoud/vastgelegdDoor", "MKS-ENV-01 /inhoud/houder", "MKS-ENV-01 /inhoud/ontvangers",
			"MKS-ENV-01 /inhoud/gegevens", "MKS-ENV-01 /inhoud/doel", "MKS-ENV-01 /inhoud/geldigVanaf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := g.do("home", http.MethodPost, "/fhir/$convert"+c.query, c.body).want(t, c.status)
			for _, rule := range c.rules {
				id, at, _ := strings.Cut(rule, " ")
				a.wantIssue(t, id, at)
			}
		})
	}
	g.do("", http.MethodPost, "/fhir/$convert", doc).want(t, 401)
	g.do("home", http.MethodGet, "/fhir/$convert", "").want(t, 405)
}

func TestConvertTellsWhereEveryMemberWent(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	a := g.do("home", http.MethodPost, "/fhir/$convert", record(t, childFile), "Prefer", "return=OperationOutcome").want(t, 200)
	for _, part := range []string{`"resourceType":"OperationOutcome"`, `"expression":["/inhoud/naam/achternaam"]`, `.name[0].family`, `"mapping-trace"`} {
		if !strings.Contains(a.body, part) {
			t.Errorf("the report lacks %s", part)
		}
	}
}
