package rest_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
)

// query is one request.
type query struct {
	method, path, body string
	header             []string
	follow             bool // the links to further pages
}

func (q query) String() string { return fmt.Sprint(q.method, " ", q.path, " ", q.header, " ", q.body) }

// sealed is what differs between two answers to the same: the sealed links, and the id of a document.
var sealed = regexp.MustCompile(`_page=[A-Za-z0-9_-]+`)

// probes address one resource in every way that a path can.
func probes(r kinRecord, ref, body string) []query {
	const fhirPatch = `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"delete"},{"name":"path","valueString":"%s.language"}]}]}`
	kind := string(r.kind)
	_, id, _ := strings.Cut(ref, "/")
	at := "/fhir/" + ref
	return []query{
		{method: "GET", path: at}, {method: "HEAD", path: at},
		{method: "GET", path: at + "/_history/1"}, {method: "GET", path: at + "/_history/2"}, {method: "GET", path: at + "/_history/9"},
		{method: "GET", path: at + "/_history"}, {method: "GET", path: at + "?_summary=true"}, {method: "GET", path: at + "?_elements=id"},
		{method: "GET", path: at, header: []string{"If-None-Match", `W/"2"`}}, {method: "GET", path: at, header: []string{"If-None-Match", "*"}},
		{method: "GET", path: at, header: []string{"If-Modified-Since", "Sun, 22 Nov 2026 00:00:00 GMT"}},
		{method: "PATCH", path: at, body: titlePatch, header: []string{"Content-Type", jsonPatch}},
		{method: "PATCH", path: at, body: `[{"op":"test","path":"/status","value":"active"}]`, header: []string{"Content-Type", jsonPatch, "If-Match", `W/"2"`}},
		{method: "PATCH", path: at, body: fmt.Sprintf(fhirPatch, kind)},
		{method: "PATCH", path: "/fhir/" + kind + "?_id=" + id, body: titlePatch, header: []string{"Content-Type", jsonPatch}},
		{method: "DELETE", path: at}, {method: "DELETE", path: at, header: []string{"If-Match", `W/"2"`}},
		{method: "DELETE", path: "/fhir/" + kind + "?_id=" + id},
		{method: "POST", path: at + "/$validate"}, {method: "POST", path: at + "/$validate?mode=delete"},
		{method: "POST", path: at + "/$validate", body: body},
		{method: "GET", path: at + "/$everything"}, {method: "GET", path: at + "/$document"}, {method: "GET", path: at + "/Observation"}, {method: "GET", path: at + "/*"},
		{method: "GET", path: at + "/$expand"}, {method: "GET", path: at + "/$explain-access"}, {method: "GET", path: at + "/$export"},
		{method: "POST", path: "/fhir", body: batch(ask("GET", ref, ""), ask("HEAD", ref, ""), ask("DELETE", ref, ""), ask("GET", ref+"/_history", ""),
			ask("GET", ref, `,"ifNoneMatch":"W/\"2\""`), ask("GET", kind+"?_id="+id, ""))},
		{method: "POST", path: "/fhir", body: transaction(ask("GET", ref, ""))},
		{method: "POST", path: "/fhir", body: transaction(ask("DELETE", ref, ""))},
		{method: "POST", path: "/fhir", body: transaction(ask("GET", kind+"?_id="+id, ""))},
	}
}

// rewrites change one resource as a whole.
func rewrites(r kinRecord, ref, body string) []query {
	_, id, _ := strings.Cut(ref, "/")
	at, by := "/fhir/"+ref, "/fhir/"+string(r.kind)+"?_id="+id
	moved := strings.ReplaceAll(body, "Patient/zzb-Patient", "Patient/zza-Patient")
	return []query{
		{method: "PUT", path: at, body: body}, {method: "PUT", path: at, body: body, header: []string{"If-Match", `W/"2"`}},
		{method: "PUT", path: at, body: body, header: []string{"If-None-Match", "*"}},
		{method: "PUT", path: at, body: moved}, {method: "PUT", path: by, body: body},
		{method: "POST", path: "/fhir", body: batch(entry("PUT", ref, "", body))}, {method: "POST", path: "/fhir", body: transaction(entry("PUT", ref, "", body))},
	}
}

// searches look for what a family has of a type, from the side of the other family.
func searches(kind string) []query {
	var out []query
	const never = "zzb-none"
	of := []string{
		"", "_id=zzb-" + kind, "_id=zza-" + kind + ",zzb-" + kind, "_id:not=zza-" + kind, "_sort=-_lastUpdated&_count=1", "_sort=_id&_count=2",
		"_lastUpdated=gt2026-01-01", "_total=accurate&_count=1", "_summary=count", "_count=0", "_id:missing=false&_summary=count",
		"_include=*&_revinclude=*&_count=3", "_tag=medisch", "_security:not=V", "_elements=id", "_id=" + never,
	}
	if kind != "Patient" {
		of = append(of, "patient=zzb-Patient", "patient=zza-Patient,zzb-Patient", "patient=Patient/zzb-Patient&_summary=count", "patient:not=zza-Patient", "patient:missing=false&_count=1",
			"patient.family=zzb", "patient:Patient.birthdate=2013-05-04&_count=1", "patient:identifier=urn:kin|zzb-1", "patient.identifier=urn:kin|zzb-1&_summary=count",
			"patient._has:Observation:patient:code=zzb", "patient=zzb-none", "patient._id=zzb-Patient")
	}
	for _, q := range of {
		out = append(out, query{method: "GET", path: "/fhir/" + kind + "?" + q, follow: true})
	}
	return append(out,
		query{method: "POST", path: "/fhir/" + kind + "/_search?_id=zza-" + kind, body: "_id=zzb-" + kind, header: []string{"Content-Type", "application/x-www-form-urlencoded"}},
		query{method: "GET", path: "/fhir/Patient/zzb-Patient/" + kind}, query{method: "GET", path: "/fhir/Patient/zza-Patient/" + kind + "?_count=1", follow: true},
		query{method: "GET", path: "/fhir/" + kind + "/_history?_count=2", follow: true},
	)
}

// crossings are searches over more than one type, and what else reaches over.
func crossings() []query {
	var out []query
	for _, path := range []string{
		"Patient?_has:Observation:patient:status=final", "Patient?_has:CarePlan:patient:identifier=urn:kin|zzb-2", "Patient?family=zzb", "Patient?identifier=urn:kin|zzb-1",
		"Patient?name:contains=geheim&_summary=count", "Patient?birthdate=2013-05-04&_total=accurate", "Patient?family:not=zza&_total=accurate", "Patient?_sort=family&_count=1",
		"Patient?_revinclude=Observation:patient&_revinclude=Appointment:patient", "Patient?_revinclude=Observation:focus", "Patient?_revinclude=Observation:performer", "Patient?_revinclude:iterate=*",
		"Observation?focus=CarePlan/zza-CarePlan", "Observation?focus=CarePlan/zzb-CarePlan", "Observation?focus:CarePlan.title=zzb", "Observation?focus:CarePlan.identifier=urn:kin|zzb-2",
		"Observation?has-member.code=zzb", "Observation?has-member:missing=false", "Observation?performer=Patient/zza-Patient", "Observation?performer:Patient.family=zzb",
		"Observation?focus:Patient.family=zzb", "Observation?_include=Observation:focus&_include=Observation:has-member&_include:iterate=*", "Observation?subject:identifier=urn:kin|zzb-1",
		"CarePlan?_revinclude=Observation:focus", "CarePlan?_has:Observation:focus:status=final", "CarePlan?_has:Observation:focus:_id=zzb-Observation", "CarePlan?subject:Patient.family=zzb",
		"Appointment?actor=Patient/zza-Patient", "Appointment?actor=Patient/zzb-Patient&_summary=count", "Appointment?_id=zzb-both", "Appointment?patient=zza-Patient&_total=accurate",
		"Composition?entry=Observation/zzb-Observation", "Composition?entry:Observation.code=zzb", "Composition?_include=Composition:entry",
		"?_type=Patient,CarePlan,Observation,Appointment&_count=3", "?_type=CarePlan&_id=zzb-CarePlan", "?_type=Patient,Observation&_summary=count", "_history?_count=5",
		"Appointment/zzb-both", "Appointment/zzb-both/_history", "RelatedPerson?name=zzb", "Person?_total=accurate", "Provenance?_total=accurate", "Practitioner?_summary=count", "Organization?_count=1",
		"Patient/zza-Patient/$everything?_count=3", "Composition/zza-Composition/$document", "CarePlan?_filter=x", "CarePlan?_query=zzb", "CarePlan?zzb=1", "CarePlan?patient.zzb=1", "Observation?_list=zzb",
	} {
		out = append(out, query{method: "GET", path: "/fhir/" + path, follow: true})
	}
	note := `{"resourceType":"Communication","status":"completed","subject":{"reference":"%s"},"sender":{"reference":"%s"},"about":[{"reference":"%s"}]}`
	mine, yours := "Patient/zza-Patient", "Patient/zzb-Patient"
	for _, sender := range []string{"RelatedPerson/zza-RelatedPerson", mine, "RelatedPerson/zza-aunt"} {
		for _, body := range []string{
			fmt.Sprintf(note, yours, sender, mine), fmt.Sprintf(note, mine, sender, "Observation/zzb-Observation"),
			fmt.Sprintf(note, mine, "RelatedPerson/zzb-RelatedPerson", mine), fmt.Sprintf(note, "Patient?identifier=urn:kin|zzb-1", sender, mine),
			fmt.Sprintf(note, mine, sender, "Observation?code=zzb"),
		} {
			out = append(out, query{method: "POST", path: "/fhir/Communication", body: body}, query{method: "POST", path: "/fhir", body: transaction(entry("POST", "Communication", "", body))})
		}
	}
	for _, condition := range []string{"_id=zzb-CarePlan", "identifier=urn:kin|zzb-2", "patient=zzb-Patient", "subject:Patient.family=zzb"} {
		body := fmt.Sprintf(planBody, "zza-Patient")
		out = append(out,
			query{method: "POST", path: "/fhir/CarePlan", body: body, header: []string{"If-None-Exist", condition}},
			query{method: "PUT", path: "/fhir/CarePlan?" + condition, body: body}, query{method: "DELETE", path: "/fhir/CarePlan?" + condition},
			query{method: "POST", path: "/fhir/CarePlan", body: fmt.Sprintf(planBody, "zzb-Patient"), header: []string{"If-None-Exist", condition}},
		)
	}
	return out
}

// catalogue is every request that one of our family, or of its hospital, tries.
func catalogue(w *town, as string) []query {
	var out []query
	for _, r := range kinRecords {
		ref, body := r.ref(theirs), r.text(w.rig, theirs)
		out = append(out, probes(r, ref, body)...)
		if r.id == "" {
			out = append(out, searches(string(r.kind))...)
		}
		if w.principals[as].Role != auth.System || as == "zza updater" { // a client that may create is told that an id is taken
			out = append(out, rewrites(r, ref, body)...)
		}
	}
	return append(append(append(out, crossings()...), oddities()...), pushes(w)...)
}

// pushes mix both families in what comes as a source document.
func pushes(w *town) []query {
	var out []query
	for _, r := range kinRecords[5:9] {
		theirs, mixed := r.text(w.rig, theirs), strings.Replace(r.text(w.rig, ours), "Patient/zza-Patient", "Patient/zzb-Patient", 1)
		logical := regexp.MustCompile(`"reference":"Patient/zzb-Patient",`).ReplaceAllString(theirs, "")
		for _, body := range []string{theirs, mixed, logical} {
			for _, path := range []string{"/fhir/$submit", "/fhir/$convert", "/fhir/" + string(r.kind), "/fhir/" + string(r.kind) + "/$validate"} {
				if strings.HasSuffix(path, "t") {
					body = transaction(entry("POST", string(r.kind), "", r.text(w.rig, ours)), entry("POST", string(r.kind), "", body))
				}
				out = append(out, query{method: "POST", path: path, body: body})
			}
		}
	}
	return out
}

// looks are at the log: what was asked before left no trace there that tells hidden from missing.
func looks() []query {
	var out []query
	for _, q := range []string{
		"_summary=count", "patient=zza-Patient&_count=500", "patient=zzb-Patient", "entity=Patient/zzb-Patient&_summary=count", "patient=zza-Patient,zzb-Patient&_summary=count",
		"outcome=4&_summary=count", "outcome=8&_summary=count",
	} {
		out = append(out, query{method: "GET", path: "/fhir/AuditEvent?" + q})
	}
	return out
}

// leakStride is how many requests one caller leaves out between two; callers begin at different ones.
const leakStride = 6 * thin

// sameAnswers asks two servers the same as each reader, and holds their answers to be equal: one of them
// keeps what the readers may not see.
func sameAnswers(t *testing.T, without, with *town, readers ...string) {
	t.Helper()
	for i, as := range readers {
		found, denied := 0, 0
		for n, q := range append(catalogue(with, as), looks()...) {
			if (n+i)%leakStride > 0 && !strings.Contains(q.path, "AuditEvent") {
				continue
			}
			want, got := without.ask(as, q), with.ask(as, q)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("%s, %s:\n(-without +with what is hidden) %.3000s", as, q, diff)
			}
			if got.status == http.StatusOK && strings.Contains(got.body, "zza ") {
				found++
			}
			if got.status >= 400 {
				denied++
			}
		}
		if found < 15/thin || denied < 40/thin {
			t.Errorf("%s: %d answers with content, %d refusals: shows too little", as, found, denied)
		}
	}
}

// TestNothingOfAnotherFamilyChangesAnAnswer asks the same of two servers: one that has never heard of a
// second family, and one that keeps it, at another hospital, with references to ours wherever one can
// stand. The answers are the same to the byte and the header: what is hidden is what is not there, in
// every path and for everybody (access.md 6.2, 10.9, 10.10).
func TestNothingOfAnotherFamilyChangesAnAnswer(t *testing.T) {
	t.Parallel()
	settings := auth.Settings{Jurisdiction: "nl", ParentRead1215: "deny-on-child-objection"} // parents read the log too
	alone, both := newTown(t, settings, false, nil), newTown(t, settings, true, nil)
	sameAnswers(t, alone, both, "zza mother", "zza parent", "zza child", "zza aunt", "zza doctor", "zza launched", "zza updater", "hospital", "home")
	if text := both.log.String(); strings.Contains(text, "geheim") || strings.Contains(text, "zzb plan") {
		t.Error("the server's log tells of a child")
	}
}

// TestTheOtherFamilyIsThere is what the test of leaks stands on: those who may see the other family do,
// and what they see differs from a server that does not keep it.
func TestTheOtherFamilyIsThere(t *testing.T) {
	t.Parallel()
	w := newTown(t, auth.Settings{Jurisdiction: "nl"}, true, nil)
	for _, as := range []string{"zzb mother", "zzb child", "zzb doctor", "other"} {
		for _, r := range kinRecords {
			if a := w.get(as, "/fhir/"+r.ref(theirs)); a.status != http.StatusOK || !strings.Contains(a.body, "zzb") {
				t.Errorf("%s, %s: %d", as, r.ref(theirs), a.status)
			}
			if a := w.get(as, "/fhir/"+r.ref(ours)); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d", as, r.ref(ours), a.status)
			}
		}
		if b := w.search(as, "/fhir/Observation?_id=zzb-Observation&_total=accurate"); b.Total == nil || *b.Total != 1 {
			t.Errorf("%s finds %v", as, b)
		}
	}
	if a := w.get("other", "/fhir/Appointment/zzb-both"); a.status != http.StatusOK {
		t.Errorf("the appointment of both: %d", a.status)
	}
}

// TestABundleAnswersAsItsEntriesWould: a batch of one read is that read, and a transaction of it is
// permitted when the read would be and refused with its status (access.md 10.5).
func TestABundleAnswersAsItsEntriesWould(t *testing.T) {
	t.Parallel()
	w := newTown(t, auth.Settings{Jurisdiction: "nl"}, true, nil)
	for i, as := range []string{"zza mother", "zza doctor", "home"} {
		asked := 0
		for n, q := range catalogue(w, as) {
			if q.method != http.MethodGet || len(q.header) > 0 || strings.Contains(q.path, "AuditEvent") || (n+i)%(2*leakStride) > 0 {
				continue
			}
			asked++
			q.follow = false
			single := w.ask(as, q)
			url := strings.TrimPrefix(strings.TrimPrefix(q.path, "/fhir"), "/")
			one := query{method: "POST", path: "/fhir", body: batch(ask("GET", url, ""))}
			entry := decode[responses](t, w.ask(as, one).want(t, 200).body).Entry[0]
			if status, _, _ := strings.Cut(entry.Response.Status, " "); status != fmt.Sprint(single.status) {
				t.Errorf("%s: %s is %d alone and %s in a batch", as, q.path, single.status, status)
			}
			if single.status == http.StatusOK && !strings.Contains(q.path, "$document") && string(entry.Resource) != single.body {
				t.Errorf("%s: %s differs in a batch: %s", as, q.path, cmp.Diff(single.body, string(entry.Resource)))
			}
			one.body = transaction(ask("GET", url, ""))
			if a := w.ask(as, one); a.status != single.status {
				t.Errorf("%s: %s is %d alone and %d in a transaction", as, q.path, single.status, a.status)
			}
		}
		if asked < 20/thin {
			t.Errorf("%s: %d asked, shows too little", as, asked)
		}
	}
}
