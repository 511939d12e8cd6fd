package rest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// hide puts resources of our child into the store that nobody but the hospital sees, of every kind one, the
// Flag deleted again,
// under the ids that the requests of the other tests ask for, with references to what is seen. It leaves no
// trace in the log, which may tell of them.
func (g *rig) hide(t *testing.T) {
	t.Helper()
	hidden := kin{name: theirs.name, hospital: ours.hospital, shares: theirs.shares}
	var u exchange.Unit
	for _, r := range kinRecords {
		if !slices.Contains(hideable, r.kind) {
			continue
		}
		text := strings.ReplaceAll(r.text(g, hidden), "/"+theirs.name+"-Patient", "/"+ours.name+"-Patient")
		text = strings.Replace(text, `"id":`, `"meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"V"}]},"id":`, 1)
		res, issues := fhir.Parse([]byte(text), fhir.Limits{})
		if fhir.HasErrors(issues) {
			t.Fatal(issues)
		}
		u.Writes = append(u.Writes, writeOf(t, res, nil, func(fhir.Ref) fhir.Ref { return g.orgs[ours.hospital] }))
	}
	gone := u.Writes[slices.IndexFunc(u.Writes, func(w exchange.Write) bool { return w.Ref.Type == "Flag" })]
	gone.Ref.Version, gone.Facts.Ref.Version = 2, 2
	gone.Body, gone.MetaAt, gone.Rows = nil, 0, nil
	for _, unit := range []exchange.Unit{u, {Writes: []exchange.Write{gone}}} {
		if _, err := g.store.Commit(t.Context(), unit); err != nil {
			t.Fatal(err)
		}
	}
}

// hideable are the kinds that a label can hide without changing who may see the rest.
var hideable = []fhir.Type{"Goal", "CarePlan", "Encounter", "Observation", "Flag", "DocumentReference", "Communication", "QuestionnaireResponse", "Task", "Appointment", "Composition"}

// oddities are requests that few think of.
func oddities() []query {
	var out []query
	for _, path := range []string{
		"Goal?_has:CarePlan:goal:_id=zzb-CarePlan", "CarePlan?_has:Observation:focus:_has:Composition:entry:status=final", "Patient?_has:Observation:subject:_has:Composition:entry:_id=zzb-Composition",
		"Patient?_has:Task:patient:description=zzb", "Observation?_has:Observation:has-member:status=final", "Encounter?_has:Observation:encounter:_lastUpdated=gt2026-01-01",
		"CarePlan?_include:iterate=CarePlan:goal&_revinclude:iterate=Observation:focus&_revinclude:iterate=Composition:entry", "Patient?_revinclude=Task:patient&_revinclude=Flag:patient&_revinclude:iterate=Provenance:target",
		"Provenance?target=CarePlan/zzb-CarePlan&_total=accurate", "Provenance?target:CarePlan.status=active", "CarePlan?_lastUpdated=eq2026-11-21&_summary=count", "CarePlan?_sort=-_id&_count=1", "Observation?_sort=-date&_count=1",
		"Observation?_summary=data", "Observation?_summary=text", "CarePlan?_elements=title,identifier", "CarePlan?_contained=true", "CarePlan?_score=1", "CarePlan?_source=urn:x", "CarePlan?_profile=urn:x", "CarePlan?_security=V", "CarePlan?_security=V&_summary=count",
		"CarePlan?_content=zzb", "CarePlan?_text=zzb", "CarePlan?identifier:missing=true&_total=accurate", "CarePlan?identifier:not=urn:kin|zza-2", "CarePlan?identifier:of-type=urn:x|y|zzb-2", "Observation?code:text=zzb", "Observation?value-string=zzb", "Observation?combo-code-value-quantity=x$1",
		"CarePlan/_history?_since=2026-11-21T20:00:00Z", "CarePlan/_history?_at=2026-11-21", "CarePlan/zzb-CarePlan/_history?_count=1", "_history?_since=2026-11-21T20:00:00Z&_count=2",
		"Patient/zza-Patient/*?_count=4", "Patient/zza-Patient/Observation?_include=Observation:encounter", "Patient/zza-Patient/$everything?_since=2026-11-21T20:00:00Z&_count=5", "Patient/zza-Patient/$everything?start=2026-11-01&end=2026-12-31",
		"Patient/zza-Patient/$explain-access?recipient=RelatedPerson/zza-aunt&class=CarePlan&class=Task", "Patient/zzb-Patient/$explain-access?recipient=RelatedPerson/zza-aunt", "Patient/zza-Patient/$explain-access?recipient=RelatedPerson/zzb-aunt",
		"Composition/zza-Composition/$document?persist=true", "CarePlan/zzb-CarePlan?_format=xml", "CarePlan/zzb-CarePlan?_format=csv", "AuditEvent/zzb-CarePlan", "CarePlan?_id=zza-CarePlan&_format=xml", "?_id=zzb-CarePlan", "?_type=Observation&_has:Composition:entry:status=final",
	} {
		out = append(out, query{method: "GET", path: "/fhir/" + path, follow: !strings.Contains(path, "$document")})
	}
	lenient := []string{"Prefer", "handling=lenient"}
	patch := []string{"Content-Type", jsonPatch}
	for _, condition := range []string{"_id=zzb-CarePlan", "identifier=urn:kin|zzb-2", "_security=V", "_has:Observation:focus:_id=zzb-Observation"} {
		out = append(out, query{method: "PATCH", path: "/fhir/CarePlan?" + condition, body: titlePatch, header: patch},
			query{method: "DELETE", path: "/fhir/CarePlan?" + condition, header: []string{"If-Match", `W/"1"`}},
			query{method: "POST", path: "/fhir", body: batch(ask("DELETE", "CarePlan?"+condition, ""), ask("HEAD", "CarePlan?"+condition, ""), ask("GET", "CarePlan?"+condition, ""))})
	}
	return append(out,
		query{method: "GET", path: "/fhir/CarePlan?unheard=zzb-CarePlan", header: lenient}, query{method: "HEAD", path: "/fhir/CarePlan?_id=zzb-CarePlan"}, query{method: "HEAD", path: "/fhir/Patient/zza-Patient/$everything"},
		query{method: "GET", path: "/fhir/CarePlan/zzb-CarePlan", header: []string{"If-None-Match", `W/"1-r"`}}, query{method: "GET", path: "/fhir/CarePlan/zzb-CarePlan", header: []string{"Range", "bytes=0-1"}},
		query{method: "POST", path: "/fhir/CarePlan/zzb-CarePlan/$validate?mode=update", body: strings.ReplaceAll(planBody, "%s", "zza-Patient")}, query{method: "POST", path: "/fhir/CarePlan/zzb-CarePlan/$validate?mode=profile&profile=urn:x"},
		query{method: "POST", path: "/fhir/CarePlan/zzb-CarePlan/_search", body: "status=active", header: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		query{method: "OPTIONS", path: "/fhir/CarePlan/zzb-CarePlan"}, query{method: "PUT", path: "/fhir/Flag/zzb-Flag/_history/1", body: "{}"}, query{method: "DELETE", path: "/fhir/CarePlan/zzb-CarePlan/_history/1"},
	)
}

// TestNothingHiddenOfAChildChangesAnAnswer asks the same of two servers, of which one keeps more about the
// child than its readers see: family and home care cannot tell them apart, on any path.
func TestNothingHiddenOfAChildChangesAnAnswer(t *testing.T) {
	t.Parallel()
	settings := auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"}
	bare, more := newTown(t, settings, false, nil), newTown(t, settings, false, nil)
	more.hide(t)
	sameAnswers(t, bare, more, "zza mother", "zza parent", "zza child", "zza aunt", "home")
	if a := more.get("hospital", "/fhir/CarePlan/zzb-CarePlan"); a.status != http.StatusOK { // last: the family reads who looked
		t.Errorf("the hospital reads its own with %d", a.status)
	}
	more.get("hospital", "/fhir/Flag/zzb-Flag").want(t, http.StatusGone)
}
