package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// discharge is a document Bundle of the hospital about a child.
type discharge struct {
	Kind, Key, Patient, Condition, More string
}

const (
	patientURL   = "urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000001"
	conditionURL = "urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000002"
)

func (d discharge) String() string {
	or := func(s, standard string) string {
		if s == "" {
			return standard
		}
		return s
	}
	first := `{"fullUrl":"urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000000","resource":{"resourceType":"Composition","status":"final",
		"type":{"coding":[{"system":"http://loinc.org","code":"18842-5"}]},"subject":{"reference":"` + patientURL + `"},
		"date":"2026-11-21T10:00:00+01:00","author":[{"reference":"urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000003"}],"title":"Ontslag",
		"section":[{"title":"Diagnosen","entry":[{"reference":"` + conditionURL + `"}]}]}},`
	switch d.Kind {
	case "transaction":
		first = ""
	case "message":
		first = `{"fullUrl":"urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000000","resource":{"resourceType":"MessageHeader","id":"m-` + d.Key + `",
			"eventUri":"https://ziekenhuis.example/ontslag","source":{"endpoint":"https://ziekenhuis.example/fhir"},
			"focus":[{"reference":"` + conditionURL + `"}]}},`
	}
	request := func(kind string) string {
		if d.Kind == "transaction" {
			return `,"request":{"method":"POST","url":"` + kind + `"}`
		}
		return ""
	}
	return `{"resourceType":"Bundle","type":"` + or(d.Kind, "document") + `",` +
		`"identifier":{"system":"https://ziekenhuis.example/ontslag","value":"` + or(d.Key, "1") + `"},"timestamp":"2026-11-21T10:00:00+01:00",
		"entry":[` + first + `
		{"fullUrl":"` + patientURL + `","resource":` + or(d.Patient, dischargedChild("999990019", "XXX_Jansen")) + request("Patient") + `},
		{"fullUrl":"` + conditionURL + `","resource":` + or(d.Condition, dischargeCondition("cond-1")) + request("Condition") + `},
		{"fullUrl":"urn:uuid:3f0c2d34-5a10-4c8e-9a57-000000000003","resource":{"resourceType":"Organization","identifier":[{"system":"` + uraSystem + `","value":"90000002"}],"name":"Ziekenhuis"}` + request("Organization") + `}` +
		d.More + `]}`
}

func dischargedChild(bsn, family string) string {
	return `{"resourceType":"Patient","identifier":[{"system":"` + bsnSystem + `","value":"` + bsn + `"}],
		"name":[{"family":"` + family + `","given":["Anna"]}],"gender":"female","birthDate":"2022-03-01"}`
}

func dischargeCondition(id string) string {
	return `{"resourceType":"Condition","identifier":[{"system":"https://ziekenhuis.example/diagnose","value":"` + id + `"}],
		"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},
		"code":{"text":"Longontsteking"},"subject":{"reference":"` + patientURL + `"}}`
}

// pushBundle sends a FHIR Bundle to $submit.
func (g *rig) pushBundle(as, bundle string) answer {
	return g.do(as, http.MethodPost, "/fhir/$submit", bundle)
}

// locationsOf returns Type/id of the entries of a receipt, in order.
func locationsOf(t *testing.T, a answer) []string {
	t.Helper()
	var out []string
	for _, e := range decode[bundleOf](t, a.body).Entry[1:] {
		out = append(out, e.Response.Location)
	}
	return out
}

func typesOf(locations []string) []string {
	var out []string
	for _, l := range locations {
		kind, _, _ := strings.Cut(l, "/")
		out = append(out, kind)
	}
	return out
}

// TestABundleIsPushedOnce: document, transaction and message alike; the same again writes nothing,
// and another content under the same identifier is a conflict.
func TestABundleIsPushedOnce(t *testing.T) {
	t.Parallel()
	for kind, first := range map[string]string{"document": "Composition", "transaction": "", "message": "MessageHeader"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := newRig(t)
			push := discharge{Kind: kind}
			a := g.pushBundle("hospital", push.String()).want(t, http.StatusCreated)
			want := []string{"Patient", "Condition", "Organization", "Provenance"}
			if first != "" {
				want = append([]string{first}, want...)
			}
			locations := locationsOf(t, a)
			if diff := cmp.Diff(want, typesOf(locations)); diff != "" {
				t.Fatal(diff)
			}
			for _, l := range locations {
				g.get("hospital", "/fhir/"+l).want(t, http.StatusOK)
			}
			if found := g.search("hospital", "/fhir/Condition?patient:Patient="+strings.TrimPrefix(locations[slices.Index(want, "Patient")], "Patient/")).ids(); len(found) != 1 {
				t.Errorf("the references do not lead to the child: %v", found)
			}
			before := g.position()
			again := g.pushBundle("hospital", push.String()).want(t, http.StatusOK)
			if again.body != a.body {
				t.Errorf("the repeat answers %.300s", again.body)
			}
			push.Condition = dischargeCondition("cond-2")
			g.pushBundle("hospital", push.String()).want(t, http.StatusConflict).wantIssue(t, "bundle-exists", "Bundle.identifier")
			if diff := cmp.Diff(before.Notices, g.position().Notices); diff != "" {
				t.Errorf("a repeat wrote: %s", diff)
			}
			// another sender may use the same identifier
			g.pushBundle("other", push.String()).want(t, http.StatusCreated)
		})
	}
}

// TestABundleFindsWhatItsSenderHolds: under a new identifier the same resources get a new version.
func TestABundleFindsWhatItsSenderHolds(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	first := locationsOf(t, g.pushBundle("hospital", discharge{}.String()).want(t, http.StatusCreated))
	changed := strings.Replace(dischargeCondition("cond-1"), "Longontsteking", "Bronchiolitis", 1)
	later := strings.ReplaceAll(discharge{Key: "2", Condition: changed}.String(), "000000000002", "000000000009")
	second := locationsOf(t, g.pushBundle("hospital", later).want(t, http.StatusCreated))
	if first[1] != second[1] || first[2] != second[2] {
		t.Errorf("the child or its condition was doubled: %v, then %v", first, second)
	}
	got := g.get("hospital", "/fhir/"+second[2]).want(t, http.StatusOK)
	if !strings.Contains(got.body, "Bronchiolitis") || got.header.Get("ETag") != `W/"2"` {
		t.Errorf("%s %.300s", got.header.Get("ETag"), got.body)
	}
}

// TestABundleAboutAKnownChildTellsNothing: the answer about a child that home care holds is the one
// about a child that nobody knew; the child's record stays as it is.
func TestABundleAboutAKnownChildTellsNothing(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.submit("home", record(t, childFile)).want(t, http.StatusCreated)
	known := g.search("home", "/fhir/Patient?identifier="+bsnSystem+"|999912148").ids()
	if len(known) != 1 {
		t.Fatal(known)
	}
	before := g.get("home", "/fhir/"+known[0]).want(t, http.StatusOK)
	ofKnown := g.pushBundle("hospital", discharge{Key: "known", Patient: dischargedChild("999912148", "XXX_Anders")}.String()).want(t, http.StatusCreated)
	ofNew := g.pushBundle("other", discharge{Key: "new"}.String()).want(t, http.StatusCreated)
	plain := func(a answer) string {
		text := a.body
		for _, l := range locationsOf(t, a) {
			_, id, _ := strings.Cut(l, "/")
			text = strings.ReplaceAll(text, id, "ID")
		}
		return text
	}
	if diff := cmp.Diff(plain(ofNew), plain(ofKnown)); diff != "" {
		t.Errorf("the answers differ: %s", diff)
	}
	locations := locationsOf(t, ofKnown)
	if locations[1] != known[0] {
		t.Errorf("the child is %s, want %s", locations[1], known[0])
	}
	if after := g.get("home", "/fhir/"+known[0]).want(t, http.StatusOK); after.body != before.body {
		t.Errorf("the push changed the child: %.400s", after.body)
	}
	provenance := "/fhir/" + locations[len(locations)-1]
	if kept := g.get("hospital", provenance).want(t, http.StatusOK); !strings.Contains(kept.body, "XXX_Anders") {
		t.Errorf("what the sender said of the child is lost: %.600s", kept.body)
	}
	g.get("home", provenance).want(t, http.StatusNotFound)

	custody := `,{"resource":{"resourceType":"RelatedPerson","patient":{"reference":"` + patientURL + `"},"extension":[{
		"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[{"url":"type","valueCode":"EenhoofdigOuderlijkGezag"}]}]}}`
	for key, bsn := range map[string]string{"of a known child": "999912148", "of a new child": "999994669"} {
		push := discharge{Key: key, Patient: dischargedChild(bsn, "XXX_Gezag"), More: custody}.String()
		g.pushBundle("hospital", strings.ReplaceAll(push, "urn:uuid:3f0c2d34", "urn:uuid:"+bsn[:8])).
			want(t, http.StatusForbidden).wantIssue(t, "write-not-custodian", "Bundle.entry[4].resource")
	}
}

// TestABundleThatCannotBeTakenIsRefusedWhole: every fault at once, at its place, and nothing stored.
func TestABundleThatCannotBeTakenIsRefusedWhole(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	g.principals["narrow"] = system("narrow", g.orgs["hospital"], "system/Patient.cruds system/Condition.cruds")
	g.pushBundle("hospital", discharge{Key: "stored"}.String()).want(t, http.StatusCreated)
	whole := discharge{Key: "next"}.String()
	replace := func(old, with string) string { return strings.Replace(whole, old, with, 1) }
	before := g.position()
	for name, c := range map[string]struct {
		body, as, rule, at string
		status             int
	}{
		"another type of Bundle":  {body: replace(`"type":"document"`, `"type":"collection"`), rule: "bundle-type", at: "Bundle.type"},
		"no identifier":           {body: replace(`"identifier":{"system":"https://ziekenhuis.example/ontslag","value":"next"},`, ""), rule: "bundle-key", at: "Bundle.identifier"},
		"no child":                {body: strings.ReplaceAll(whole, `"resourceType":"Patient"`, `"resourceType":"Basic"`), rule: "bundle-patient", at: "Bundle.entry"},
		"two children":            {body: discharge{Key: "next", More: `,{"resource":` + dischargedChild("999994669", "XXX_Twee") + `}`}.String(), rule: "bundle-patient", at: "Bundle.entry"},
		"no Composition first":    {body: replace(`"resourceType":"Composition"`, `"resourceType":"Basic"`), rule: "bundle-first", at: "Bundle.entry[0]"},
		"a method of its own":     {body: strings.Replace(discharge{Kind: "transaction", Key: "next"}.String(), `"method":"POST"`, `"method":"DELETE"`, 1), rule: "bundle-method", at: "Bundle.entry[0].request.method"},
		"a dangling reference":    {body: strings.Replace(whole, `"entry":[{"reference":"`+conditionURL, `"entry":[{"reference":"Condition/elsewhere`, 1), rule: "bundle-reference", at: "Bundle.entry[0].resource"},
		"the name of another":     {body: discharge{Key: "next", Patient: dischargedChild("999994669", "XXX_Andere")}.String(), rule: "bundle-child", at: "Bundle.entry[1].resource"},
		"a log of its own":        {body: discharge{Key: "next", More: `,{"resource":{"resourceType":"Parameters"}}`}.String(), rule: "bundle-entry-type", at: "Bundle.entry[4].resource"},
		"a fault in a resource":   {body: replace(`"gender":"female"`, `"gender":"meisje"`), rule: "FHIR-CODE-REQUIRED", at: "Bundle.entry[1].resource.gender"},
		"another sender":          {body: discharge{Key: "next", More: `,{"resource":{"resourceType":"Provenance","target":[{"reference":"` + conditionURL + `"}],"recorded":"2026-11-21T10:00:00Z","agent":[{"type":{"coding":[{"code":"custodian"}]},"who":{"identifier":{"system":"` + uraSystem + `","value":"90000001"}}}]}}`}.String(), status: http.StatusForbidden, rule: "push-sender"},
		"types without a scope":   {body: whole, as: "narrow", status: http.StatusForbidden, rule: "scope-missing"},
		"no Bundle and no schema": {body: `{"resourceType":"Patient"}`, status: http.StatusUnsupportedMediaType, rule: "schema-unknown"},
		"no JSON":                 {body: `{"resourceType":"Bundle",`, status: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			if c.as == "" {
				c.as = "hospital"
			}
			if c.status == 0 {
				c.status = http.StatusUnprocessableEntity
			}
			a := g.pushBundle(c.as, c.body).want(t, c.status)
			if c.rule != "" {
				a.wantIssue(t, c.rule, c.at)
			}
		})
	}
	if diff := cmp.Diff(before.Notices, g.position().Notices); diff != "" {
		t.Errorf("a refused push wrote: %s", diff)
	}
	two := strings.Replace(replace(`"gender":"female"`, `"gender":"meisje"`), `"status":"final"`, `"status":"klaar"`, 1)
	if issues := decode[outcome](t, g.pushBundle("hospital", two).want(t, http.StatusUnprocessableEntity).body).Issue; len(issues) < 2 {
		t.Errorf("only %d faults at once: %s", len(issues), fmt.Sprint(issues))
	}
}

// TestTwoHospitalsThatPushANewChildAtOnceNameOnePatient is the race for a child that nobody knew.
func TestTwoHospitalsThatPushANewChildAtOnceNameOnePatient(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	for round := range 20 {
		push := discharge{Key: fmt.Sprint(round), Patient: dischargedChild(bsn(999900000+50*round), "XXX_Samen")}.String()
		push = strings.ReplaceAll(push, "urn:uuid:3f0c2d34", fmt.Sprintf("urn:uuid:%08d", round))
		named := make(chan string, 2)
		var race sync.WaitGroup
		for _, who := range []string{"hospital", "other"} {
			race.Go(func() {
				a := g.pushBundle(who, push)
				if a.status != http.StatusCreated {
					t.Errorf("round %d: %d %.300s", round, a.status, a.body)
					named <- ""
					return
				}
				named <- locationsOf(t, a)[1]
			})
		}
		race.Wait()
		if first, second := <-named, <-named; first != second {
			t.Fatalf("round %d: %s and %s", round, first, second)
		}
	}
}
