package rest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzEveryBodyIsAnswered sends foreign bytes where bodies, queries and page links enter. The answer
// is always one of ours, and never a failure of the server.
func FuzzEveryBodyIsAnswered(f *testing.F) {
	transfer := record(f, transferFile)
	for _, body := range []string{
		patientBody, transfer, `{`, `[]`, `{"resourceType":"Patient","id":"x","contained":[{"resourceType":"Patient"}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":` + patientBody + `,"request":{"method":"POST","url":"Patient"}}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT"}},null,1,{"resource":[]}]}`,
		`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient?_id=x"}},{"request":{"method":"GET","url":"Patient/x/_history"}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="},"request":{"method":"PATCH","url":"Patient/x"}}]}`,
		`[{"op":"add","path":"/name/-","value":{"family":"x"}}]`, "_since=2026&_count=1",
		`{"resourceType":"Patient","meta":[],"id":1}`, "_count=-1&_page=x", "name:exact=a&birthdate=ge2020&_sort=,,-", "\x00",
	} {
		f.Add(body)
	}
	g := newRig(f)
	patient, _ := g.child("hospital")
	f.Fuzz(func(t *testing.T, body string) {
		for _, a := range []answer{
			g.do("hospital", http.MethodPost, "/fhir/Patient", body),
			g.do("hospital", http.MethodPut, "/fhir/Patient/x", body, "If-Match", "W/\"1\""),
			g.do("hospital", http.MethodPost, "/fhir", body),
			g.submit("hospital", body),
			g.do("hospital", http.MethodPost, "/fhir/Patient/_search", body, "Content-Type", "application/x-www-form-urlencoded"),
			g.get("hospital", "/fhir/Patient?_page="+url.QueryEscape(body)),
			g.get("hospital", "/fhir/Patient?name="+url.QueryEscape(body)),
			g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody, "If-None-Exist", strings.Map(printable, body)),
			g.do("hospital", http.MethodPatch, "/fhir/Patient/"+patient, body, "Content-Type", "application/json-patch+json"),
			g.get("hospital", "/fhir/_history?_at="+url.QueryEscape(body)),
			g.get("hospital", "/fhir/Patient/"+patient+"/$everything?_page="+url.QueryEscape(body)),
		} {
			if a.status >= 500 {
				t.Errorf("%d: %s", a.status, a.body)
			}
			if !json.Valid([]byte(a.body)) {
				t.Errorf("%d with %q", a.status, a.body)
			}
		}
	})
}

// printable keeps what a header can hold.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return -1
	}
	return r
}

func TestFormatsOfR4JSONAreTaken(t *testing.T) {
	g := newRig(t)
	patient, _ := g.child("hospital")
	for _, accept := range []string{
		"", "*/*", "application/*", "application/json", "application/fhir+json; fhirVersion=4.0", "text/html, application/json;q=0.5", "text/json",
	} {
		a := g.get("hospital", "/fhir/Patient/"+patient, "Accept", accept)
		if a.status != 200 || a.header.Get("Content-Type") != "application/fhir+json; charset=utf-8" {
			t.Errorf("Accept %q: %d %q", accept, a.status, a.header.Get("Content-Type"))
		}
	}
	for _, refused := range []string{"text/html", "application/json;q=0", "application/fhir+json; fhirVersion=5.0", ";;"} {
		if a := g.get("hospital", "/fhir/Patient/"+patient, "Accept", refused); a.status != 406 {
			t.Errorf("Accept %q: %d", refused, a.status)
		}
	}
	for _, format := range []string{"json", "application/json", "application/fhir%2Bjson", "application/fhir+json"} {
		if a := g.get("hospital", "/fhir/Patient/"+patient+"?_format="+format, "Accept", "text/html"); a.status != 200 {
			t.Errorf("_format %q: %d", format, a.status)
		}
	}
	for _, sent := range []string{"application/json", "application/fhir+json; charset=UTF-8; fhirVersion=4.0"} {
		if a := g.do("hospital", http.MethodPost, "/fhir/Patient", patientBody, "Content-Type", sent); a.status != 201 {
			t.Errorf("Content-Type %q: %d", sent, a.status)
		}
	}
}
