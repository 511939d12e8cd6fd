package main_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestSMART001_007_606_TheStatementSaysWhereToAuthorise: without a token, and as the well-known document says.
func TestSMART001_007_606_TheStatementSaysWhereToAuthorise(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	c := &caller{base: sv.base, http: &http.Client{Timeout: 10 * time.Second}}
	r, statement := c.get(t, "/fhir/metadata")
	_, wellKnown := c.get(t, "/fhir/.well-known/smart-configuration")
	security := within(list(statement, "rest")[0], "security")
	coding := list(list(security, "service")[0], "coding")[0]
	if r.status != 200 || coding["system"] != "http://terminology.hl7.org/CodeSystem/restful-security-service" || coding["code"] != "SMART-on-FHIR" {
		t.Errorf("%d %v", r.status, security)
	}
	uris := list(security, "extension")[0]
	if uris["url"] != "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris" {
		t.Errorf("extension %v", uris["url"])
	}
	found := map[string]any{}
	for _, e := range list(uris, "extension") {
		found[fmt.Sprint(e["url"])] = e["valueUri"]
	}
	for name, member := range map[string]string{
		"authorize": "authorization_endpoint", "token": "token_endpoint", "introspect": "introspection_endpoint",
		"revoke": "revocation_endpoint", "manage": "management_endpoint",
	} {
		if found[name] == nil || found[name] != wellKnown[member] {
			t.Errorf("%s is %v, and %v in the well-known document", name, found[name], wellKnown[member])
		}
	}
	if !strings.Contains(fmt.Sprint(security["description"]), "Patient.link is never followed") {
		t.Errorf("the statement says of links: %v", security["description"])
	}
	for name, value := range wellKnown { // every address is under the base (SMART-001)
		if at, ok := value.(string); ok && (strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri") || name == "issuer") && !strings.HasPrefix(at, sv.base) {
			t.Errorf("%s is %s", name, at)
		}
	}
}

// parent is a logged-in parent of the demo with the tokens of an app.
func parent(t *testing.T, base, login, scope string) (*caller, map[string]any) {
	t.Helper()
	b := &browser{t: t, base: base, cookies: map[string]string{}}
	verifier, challenge := newVerifier(t)
	back := b.permit(login, "demo", scope, challenge, url.Values{"decision": {"allow"}})
	token := b.redeem(back.Query().Get("code"), verifier)
	return &caller{base: base, token: fmt.Sprint(token["access_token"]), http: &http.Client{Timeout: 10 * time.Second}}, token
}

// userOf returns the address of claim fhirUser.
func userOf(t *testing.T, token map[string]any) string {
	t.Helper()
	parts := strings.Split(fmt.Sprint(token["id_token"]), ".")
	if len(parts) != 3 {
		t.Fatalf("no id_token in %v", token)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(object(t, claims)["fhirUser"])
}

func TestSMART412_ATT59_AUserReadsItselfAndNothingElseIsABearer(t *testing.T) {
	t.Parallel()
	base := demoBase(t)
	const scope = "launch/patient openid fhirUser offline_access patient/Patient.r"
	c, token := parent(t, base, "ouder1", scope)
	_, other := parent(t, base, "ouder2", scope)
	own, ok := strings.CutPrefix(userOf(t, token), base)
	if !ok {
		t.Fatalf("fhirUser is %s", userOf(t, token))
	}
	r, person := c.get(t, own)
	if r.status != 200 || "/fhir/"+fmt.Sprint(person["resourceType"], "/", person["id"]) != own {
		t.Errorf("%s: %d", own, r.status)
	}
	for _, path := range []string{strings.TrimPrefix(userOf(t, other), base), "/fhir/RelatedPerson?_id=x", own + "/_history"} {
		if r, _ := c.get(t, path); r.status != 403 && r.status != 404 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	if r, _ := (&caller{base: base, token: fmt.Sprint(other["access_token"]), http: c.http}).get(t, own); r.status != 403 && r.status != 404 {
		t.Errorf("the other parent: %d", r.status)
	}
	wantNoBearer(t, c, own, token)
}

// wantNoBearer sends everything but a live access token, in every place.
func wantNoBearer(t *testing.T, c *caller, path string, token map[string]any) {
	t.Helper()
	send := func(target string, headers ...string) int {
		req, err := http.NewRequest(http.MethodGet, c.base+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			req.Header.Add(headers[i], headers[i+1])
		}
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for name, value := range map[string]any{
		"id_token": token["id_token"], "refresh token": token["refresh_token"], "code": "drc_" + strings.Repeat("A", 43),
		"launch handle": "drl_" + strings.Repeat("A", 43), "client secret": "drs_" + strings.Repeat("A", 43), "assertion": "e30.e30.AAAA",
		"half of the token": c.token[:20], "nothing": "",
	} {
		if got := send(path, "Authorization", fmt.Sprint("Bearer ", value)); got != 401 {
			t.Errorf("%s as a bearer: %d", name, got)
		}
	}
	if got := send(path + "?access_token=" + c.token); got != 401 {
		t.Errorf("in the query: %d", got)
	}
	if got := send(path, "Cookie", "access_token="+c.token, "X-Access-Token", c.token); got != 401 {
		t.Errorf("in other headers: %d", got)
	}
	for _, second := range []string{"Bearer " + c.token, "DPoP " + c.token, "Basic eDp5"} {
		if got := send(path, "Authorization", "Bearer "+c.token, "Authorization", second); got != 400 {
			t.Errorf("two headers: %d", got)
		}
	}
	form, err := c.http.PostForm(c.base+"/fhir/Patient/_search", url.Values{"access_token": {c.token}})
	if err != nil {
		t.Fatal(err)
	}
	defer form.Body.Close()
	if form.StatusCode != 401 {
		t.Errorf("in a form: %d", form.StatusCode)
	}
	if got := send(path, "Authorization", "bEARER "+c.token); got != 200 {
		t.Errorf("the token itself: %d", got)
	}
}

// rawly sends bytes over a connection of its own and returns what came back until the server closed it,
// and how long that took.
func rawly(t *testing.T, base, text string, limit time.Duration) (string, time.Duration) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	if err := conn.SetDeadline(start.Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		return string(answer), limit
	}
	return string(answer), time.Since(start)
}

func TestATT65_AmbiguousRequestsAreRefusedOrReadInOneWay(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	token := sv.login(t, "hospital", "").token
	head := func(first string, lines ...string) string {
		return first + " HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nAuthorization: Bearer " + token + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	const typed = "Content-Type: application/fhir+json"
	for name, row := range map[string]struct {
		text   string
		status []string // first digits of the only answer
	}{
		"CL and TE":              {head("POST /fhir/Patient", typed, "Content-Length: 4", "Transfer-Encoding: chunked") + "0\r\n\r\nGET /fhir/Patient HTTP/1.1\r\nHost: x\r\n\r\n", []string{"4"}},
		"two lengths":            {head("POST /fhir/Patient", typed, "Content-Length: 4", "Content-Length: 44") + "{}\r\n", []string{"400"}},
		"a length with a sign":   {head("POST /fhir/Patient", typed, "Content-Length: +2") + "{}", []string{"400"}},
		"an unknown coding":      {head("POST /fhir/Patient", typed, "Transfer-Encoding: xchunked") + "0\r\n\r\n", []string{"400", "501"}},
		"chunked twice":          {head("POST /fhir/Patient", typed, "Transfer-Encoding: chunked, chunked") + "0\r\n\r\n", []string{"400", "501"}},
		"a blank before a colon": {head("GET /fhir/Patient", "Transfer-Encoding : chunked"), []string{"400"}},
		"a NUL in a header":      {head("GET /fhir/Patient", "X-A: a\x00b"), []string{"400"}},
		"no host":                {"GET /fhir/Patient HTTP/1.1\r\nConnection: close\r\n\r\n", []string{"400"}},
		"two hosts":              {head("GET /fhir/Patient", "Host: other.example"), []string{"400"}},
		"forwarded":              {head("GET /fhir/Patient?_count=1", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher", "Forwarded: host=evil.example"), []string{"200"}},
		"a folded header":        {head("GET /fhir/Patient?_count=1", "X-A: a", " X-HTTP-Method-Override: DELETE"), []string{"200", "400"}},
		"a method override":      {head("GET /fhir/Patient?_count=1", "X-HTTP-Method-Override: DELETE"), []string{"200"}},
	} {
		answer, _ := rawly(t, sv.base, row.text, 20*time.Second)
		status := strings.TrimPrefix(answer, "HTTP/1.1 ")
		if !slices.ContainsFunc(row.status, func(want string) bool { return strings.HasPrefix(status, want) }) {
			t.Errorf("%s: %.200q", name, answer)
		}
		if strings.Count(answer, "HTTP/1.1 ") != 1 || strings.Contains(answer, "evil") {
			t.Errorf("%s: answered %.600q", name, answer)
		}
	}
}

// TestATT66_ASlowClientIsCutOff: 5 s for the headers, 15 s for the whole request.
func TestATT66_ASlowClientIsCutOff(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	token := sv.login(t, "hospital", "").token
	for name, row := range map[string]struct {
		text        string
		least, most time.Duration
	}{
		"slow headers": {"GET /fhir/metadata HTTP/1.1\r\nHost: x\r\nX-A: ", 4 * time.Second, 10 * time.Second},
		"slow body": {"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 100\r\nAuthorization: Bearer " + token + "\r\n\r\n{",
			12 * time.Second, 22 * time.Second},
		"slow form": {"POST /auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ngrant", 12 * time.Second, 22 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, took := rawly(t, sv.base, row.text, 40*time.Second)
			if took < row.least || took > row.most {
				t.Errorf("cut off after %s: %.200q", took, answer)
			}
			if strings.HasPrefix(answer, "HTTP/1.1 2") || strings.HasPrefix(answer, "HTTP/1.1 5") {
				t.Errorf("answered %.300q", answer)
			}
		})
	}
}
