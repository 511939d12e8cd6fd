package conformance_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// viewerScope is the most that the apps of staff may ask for.
const viewerScope = "launch openid fhirUser online_access patient/Patient.r patient/CarePlan.rs user/Patient.rs user/CarePlan.rs"

// addViewer registers a confidential app that an EHR can start, and returns its secret.
func (d *demo) addViewer(t *testing.T, id, app string, more ...string) string {
	t.Helper()
	args := append([]string{"client", "add", "--store", "sqlite:" + d.dir, "--id", id, "--name", "Inkijk-app " + id, "--type", "confidential",
		"--auth", "secret", "--org", "90000001", "--redirect-uri", app + "/app.html", "--launch-uri", app + "/ehr.html?client_id=" + id, "--scope", viewerScope}, more...)
	_, secret, _ := strings.Cut(d.run(t, args...), "\n")
	return secret
}

// addAcute registers an app that may break the glass, and the organisation for it; it returns the id of
// the app.
func (d *demo) addAcute(t *testing.T, app string) string {
	t.Helper()
	d.run(t, "emergency", "enable", "90000001", "--store", "sqlite:"+d.dir)
	return d.run(t, "client", "add", "--store", "sqlite:"+d.dir, "--name", "Spoed-app", "--type", "public", "--org", "90000001",
		"--redirect-uri", app+"/app.html", "--purpose", "BTG", "--scope", "user/Patient.rs user/CarePlan.rs")
}

func (d *demo) keyOf(client string) string { return filepath.Join(d.dir, "demo", client+".jwk.json") }

// token is a token of a demo system.
func (d *demo) token(t *testing.T, client, scope string) string {
	t.Helper()
	assertion := d.run(t, "client", "assertion", "--client-id", client, "--key", d.keyOf(client), "--audience", d.base+"/auth/token")
	var token struct {
		Access string `json:"access_token"`
	}
	post(t, d.base+"/auth/token", "", url.Values{
		"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}, &token)
	return token.Access
}

// createHidden stores a child that the hospital alone knows, and returns its id.
func (d *demo) createHidden(t *testing.T) string {
	t.Helper()
	child := strings.NewReader(`{"resourceType":"Patient","name":[{"given":["Xander"],"family":"XXX_Onbekend"}],"birthDate":"2024-02-03"}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.base+"/fhir/Patient", child)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	req.Header.Set("Authorization", "Bearer "+d.token(t, "demo-hospital", "system/Patient.c"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.ID == "" {
		t.Fatalf("%s: %v", res.Status, err)
	}
	return made.ID
}
