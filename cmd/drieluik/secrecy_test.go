package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// marker stands in every name and text that the story sends; nothing that a log or an error says
// may hold it.
const marker = "Geheimwoord"

// markedLeaf reports whether a member of a source document is free text or says who somebody is.
var markedLeaf = map[string]bool{
	"achternaam": true, "roepnaam": true, "straat": true, "plaats": true, "email": true, "telefoon": true,
	"tekst": true, "instructie": true, "reden": true, "samenvatting": true, "stof": true, "reactie": true,
	"actie": true, "signalen": true, "huid": true, "uitscheiding": true, "handeling": true, "opmerking": true,
}

// marked puts the marker into every such leaf.
func marked(v any, name string) any {
	switch x := v.(type) {
	case map[string]any:
		for k, m := range x {
			x[k] = marked(m, k)
		}
	case []any:
		for i, m := range x {
			x[i] = marked(m, name)
		}
	case string:
		if markedLeaf[name] {
			return "XXX_" + marker + " " + x
		}
	}
	return v
}

// TestATT67_NoNameOrTextReachesALogOrAnError drives the whole story with marked names and texts, well
// and badly formed, and reads everything that the server said besides the data itself, spans of traces too.
func TestATT67_NoNameOrTextReachesALogOrAnError(t *testing.T) {
	t.Parallel()
	col := newCollector(t)
	sv := newSite(t).start(t, append(col.flags(), "--log-level", "debug")...)
	callers := map[string]*caller{"90000002": sv.login(t, "hospital", ""), "90000001": sv.login(t, "homecare", "")}
	said := strings.Builder{} // every answer that is an error or a report
	secrets := []string{marker, "999912148"}
	for _, file := range []string{
		"boris/01-kind.json", "boris/02-kind-ziekenhuis.json", "boris/07-zorgplan-v3.json", transferFile,
		"boris/12-toestemming.json", "boris/13-toestemming-verondersteld.json",
	} {
		doc := edited(t, file, func(d map[string]any) { marked(d, "") })
		var head struct{ Bronsysteem struct{ URA string } }
		if err := json.Unmarshal(doc, &head); err != nil {
			t.Fatal(err)
		}
		c := callers[head.Bronsysteem.URA]
		for _, bad := range damaged(t, doc) {
			r := c.push(t, bad)
			if r.status < 400 || r.status >= 500 {
				t.Errorf("%s damaged: %d", file, r.status)
			}
			said.Write(r.body)
		}
		r := c.push(t, doc)
		if r.status != http.StatusCreated {
			t.Fatalf("%s: %d %.300s", file, r.status, r.body)
		}
		said.Write(r.body)
	}
	hospital := callers["90000002"]
	for _, path := range []string{
		"/fhir/Patient?name=" + marker, "/fhir/Patient?identifier=" + url.QueryEscape("http://fhir.nl/fhir/NamingSystem/bsn|999912148"),
	} {
		if r, _ := hospital.get(t, path); r.status != http.StatusOK {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	for _, path := range []string{
		"/fhir/Patient/" + marker, "/fhir/" + marker, "/fhir/Patient?" + marker + "=1", "/fhir/Patient?birthdate=" + marker,
		"/fhir/CarePlan?_page=" + marker, "/fhir/Patient/999912148", "/auth/" + marker,
	} {
		r, err := hospital.do(http.MethodGet, path, "", nil)
		if err != nil || r.status < 400 {
			t.Errorf("%s: %d %v", path, r.status, err)
		}
		if !strings.Contains(path, "?"+marker) { // an unknown parameter is named by its name
			said.Write(r.body)
		}
	}
	for _, body := range []string{
		`{"resourceType":"Patient","gender":"` + marker + `","birthDate":"` + marker + `","name":[{"family":1}]}`,
		`{"resourceType":"` + marker + `"}`, `{"resourceType":"Patient","active":"` + marker + `"`, marker,
	} {
		r, err := hospital.do(http.MethodPost, "/fhir/Patient", "application/fhir+json", []byte(body))
		if err != nil || r.status < 400 {
			t.Errorf("%s: %d %v", body, r.status, err)
		}
		said.Write(r.body)
	}
	for _, path := range []string{"/metrics", "/readyz"} {
		_, text := sv.operator(t, path)
		said.WriteString(text)
	}
	sv.stop(t)
	col.wantSilent(t, append(secrets, callers["90000002"].token, callers["90000001"].token)...)
	if len(col.find("POST /fhir/$submit", nil)) == 0 {
		t.Error("no span shows the pushes")
	}
	for _, secret := range secrets {
		if i := strings.Index(said.String(), secret); i >= 0 {
			t.Errorf("an error or report says %q: …%.200s", secret, said.String()[max(0, i-100):])
		}
		if i := strings.Index(sv.log.String(), secret); i >= 0 {
			t.Errorf("the log says %q: …%.200s", secret, sv.log.String()[max(0, i-100):])
		}
	}
	if !strings.Contains(sv.log.String(), `"route":"/fhir/$submit"`) {
		t.Error("the log does not show the pushes: the test reads the wrong place")
	}
	for _, c := range callers {
		if strings.Contains(sv.log.String(), c.token) {
			t.Error("the log holds an access token")
		}
	}
}

// damaged returns the document with one leaf after the other made wrong, each with the marker.
func damaged(t *testing.T, doc []byte) [][]byte {
	t.Helper()
	var out [][]byte
	for _, path := range [][]string{
		{"recordType"}, {"status"}, {"vastgelegdOp"}, {"vastgelegdDoor"}, {"versie"}, {"bronsysteem", "applicatie"},
		{"kind", "bsn"}, {"kind", "lokaalId"}, {"inhoud"},
	} {
		d := map[string]any{}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatal(err)
		}
		at := d
		for _, name := range path[:len(path)-1] {
			at = within(at, name)
		}
		at[path[len(path)-1]] = fmt.Sprintf("%s {}", marker)
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}
