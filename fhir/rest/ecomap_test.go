package rest_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// networkFile returns a file of the network records.
func networkFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../testdata/netwerk/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// network is the rig with the network of boris, kept by home care.
type network struct {
	*rig
	patient, team string
	kin           map[string]string // by key of the record
}

// newNetwork pushes the network behind other records of home care.
func newNetwork(t *testing.T, before ...string) *network {
	t.Helper()
	n := &network{rig: newRig(t), kin: map[string]string{}}
	for _, name := range before {
		n.submit("home", record(t, name)).want(t, http.StatusCreated)
	}
	n.submit("home", networkFile(t, "valid/01-boris.json")).want(t, http.StatusCreated)
	for _, kind := range []string{"CareTeam", "RelatedPerson", "Consent", "CarePlan", "Task", "Observation"} {
		for _, e := range n.search("home", "/fhir/"+kind+"?_tag="+fhir.Canonical+"/CodeSystem/mks-domein|sociaal").Entry {
			r, _ := fhir.Parse([]byte(n.get("home", "/fhir/"+kind+"/"+e.Resource.ID).want(t, http.StatusOK).body), fhir.Limits{})
			n.note(r)
		}
	}
	n.patient = n.search("home", "/fhir/Patient").ids()[0]
	n.person("grandfather", auth.Helper, n.kin["n1"], "SUPNWK")
	return n
}

// note remembers a resource by its key.
func (n *network) note(r *fhir.Resource) {
	_, key, member := strings.Cut(r.Root().At("identifier", "value").Text(), "#")
	if !member {
		n.team = r.Ref().String()
		return
	}
	n.kin[key] = r.Ref().String()
}

// mother is the login of boris' mother, whom his file knows.
func (n *network) mother(scopes string) {
	n.t.Helper()
	for _, e := range n.search("home", "/fhir/RelatedPerson?patient="+n.patient).Entry {
		if strings.Contains(n.get("home", "/fhir/RelatedPerson/"+e.Resource.ID).body, `"code":"MTH"`) {
			n.principals["mother"] = guardian(n.t, n.patient, "RelatedPerson/"+e.Resource.ID, scopes)
			return
		}
	}
	n.t.Fatal("no mother")
}

// person is somebody of the family with the child in context.
func (n *network) person(name string, role auth.Role, who, purpose string) {
	p := guardian(n.t, n.patient, who, "patient/*.cruds")
	p.Role, p.Purpose = role, purpose
	n.principals[name] = p
}

func TestThePictureOfANetworkIsWhatItsReaderMaySee(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	path := "/fhir/" + n.team + "/$ecomap"
	before := len(n.eventsOf(strings.TrimPrefix(n.patient, "Patient/")))
	a := n.get("home", path).want(t, http.StatusOK)
	if diff := cmp.Diff(networkFile(t, "expected/01-boris.ecomap.svg"), a.body); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/svg+xml", "Cache-Control": "private, no-store",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if after := n.eventsOf(strings.TrimPrefix(n.patient, "Patient/")); len(after) != before+1 || after[before].Entity[1].What.Reference != n.team+"/_history/1" {
		t.Errorf("the log has %d rows more: %+v", len(after)-before, after[before:])
	}
	n.get("home", path, "If-None-Match", a.header.Get("ETag")).want(t, http.StatusNotModified)
	table := n.get("home", path, "Accept", "text/html,image/svg+xml;q=0.9").want(t, http.StatusOK)
	if diff := cmp.Diff(networkFile(t, "expected/01-boris.ecomap.html"), table.body); diff != "" {
		t.Error(diff)
	}
	if a.header.Get("ETag") == table.header.Get("ETag") {
		t.Error("both forms bear one tag")
	}
}

// TestAPictureIsRefusedAsItsCareTeamIs: hidden is missing, and what is no network has no picture.
func TestAPictureIsRefusedAsItsCareTeamIs(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	path := "/fhir/" + n.team + "/$ecomap"
	hidden, missing := n.get("other", path), n.get("other", "/fhir/CareTeam/none/$ecomap")
	if hidden.status != http.StatusNotFound || hidden.body != missing.body {
		t.Errorf("a stranger is told %d %s", hidden.status, hidden.body)
	}
	n.get("grandfather", path).want(t, http.StatusNotFound)
	n.get("home", path, "Accept", "application/fhir+json").want(t, http.StatusNotAcceptable).wantIssue(t, "format", "")
	n.get("home", path+"?_format=pdf", "Accept", "text/html").want(t, http.StatusNotAcceptable)
	n.get("home", path+"?_format=html", "Accept", "application/json").want(t, http.StatusOK)
	n.get("home", path+"?size=1").want(t, http.StatusBadRequest).wantIssue(t, "operation-parameter", "")
	n.get("", path).want(t, http.StatusUnauthorized)
	n.get("home", "/fhir/"+n.patient+"/$ecomap").want(t, http.StatusNotFound)
	n.do("home", http.MethodPost, path, "{}").want(t, http.StatusMethodNotAllowed)
	for _, e := range n.search("home", "/fhir/CareTeam").Entry {
		if team := "CareTeam/" + e.Resource.ID; team != n.team {
			n.get("home", "/fhir/"+team+"/$ecomap").want(t, http.StatusUnprocessableEntity).wantIssue(t, "ecomap-network", "")
		}
	}
	batch := `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"` + n.team + `/$ecomap"}}]}`
	if a := n.do("home", http.MethodPost, "/fhir", batch).want(t, http.StatusOK); !strings.Contains(a.body, "406") {
		t.Errorf("in a batch: %s", a.body)
	}
}

// TestEachReaderSeesItsPartOfTheNetwork (network.md 5): the child all, a parent what is not tense, another
// organisation no person but whom it shares a task with, a member itself alone.
func TestEachReaderSeesItsPartOfTheNetwork(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.rs")
	n.share("hospital", n.orgs["hospital"].String())
	n.share("grandfather", n.kin["n1"])
	row := func(cells ...string) string {
		return `<tr><th scope="row">` + strings.Join(cells, "</td><td>") + "</td></tr>"
	}
	for _, r := range []struct {
		who        string
		rows, none []string
	}{
		{who: "mother", rows: []string{
			row("XXX_Opa Jan</th><td>familie", "intiem", "sterk", "wederzijds", "vervoer, oppas, zorg-onder-instructie"),
			row("XXX_Tante Sara</th><td>familie", "vriendschap", "zwak", "wederzijds", ""),
		}},
		{who: "hospital", rows: []string{
			row("familie</th><td>familie", "", "sterk", "", "vervoer, oppas, zorg-onder-instructie"),
			row("Kinderthuiszorg Voorbeeld</th><td>professional", "", "sterk", "", "professionele-zorg"),
		}, none: []string{"XXX_Opa", "XXX_Els", "XXX_Tante", "gespannen"}},
		{who: "grandfather", rows: []string{row("XXX_Opa Jan</th><td>familie", "intiem", "sterk", "wederzijds", "vervoer, oppas, zorg-onder-instructie")},
			none: []string{"XXX_Els", "buur", "professional"}},
	} {
		a := n.get(r.who, "/fhir/"+n.team+"/$ecomap?_format=html").want(t, http.StatusOK)
		for _, want := range r.rows {
			if !strings.Contains(a.body, want) {
				t.Errorf("%s does not see %s in %s", r.who, want, a.body)
			}
		}
		picture := n.get(r.who, "/fhir/"+n.team+"/$ecomap").want(t, http.StatusOK).body
		for _, hidden := range r.none {
			if strings.Contains(a.body, hidden) || strings.Contains(picture[strings.Index(picture, "</style>")+len(".gespannen"):], hidden) {
				t.Errorf("%s sees %s", r.who, hidden)
			}
		}
		if strings.Contains(picture, "<polyline") || !strings.Contains(picture, "<g class=\"onderling\">\n</g>") {
			t.Errorf("%s sees what is tense: %s", r.who, picture)
		}
	}
}

// share stores the consent of boris' mother to share what home care keeps with somebody, and gives an
// organisation a task with the child.
func (n *network) share(name, who string) {
	n.t.Helper()
	n.create("home", "Consent", fmt.Sprintf(`{"resourceType":"Consent","status":"active","scope":{"coding":[{"system":
		"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],
		"patient":{"reference":%q},"dateTime":"2026-11-20","performer":[{"reference":%q}],"organization":[{"reference":%q}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},
		"provision":{"type":"permit","actor":[{"role":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},
		"reference":{"reference":%q}}]}}`, n.patient, n.principals["mother"].FHIRUser, n.orgs["home"], who))
	if org, ok := n.orgs[name]; ok {
		n.create("home", "CareTeam", fmt.Sprintf(`{"resourceType":"CareTeam","status":"active","subject":{"reference":%q},"participant":[{"member":{"reference":%q}}]}`, n.patient, org))
	}
}

// TestAPictureSpeaksTheLanguageOfItsReader, and says what a helper carries to who may know that.
func TestAPictureSpeaksTheLanguageOfItsReader(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, "boris/01-kind.json")
	n.mother("patient/*.rs")
	n.share("hospital", n.orgs["hospital"].String())
	n.share("grandfather", n.kin["n1"])
	path := "/fhir/" + n.team + "/$ecomap"
	for _, c := range []struct{ who, query, accept, want, none string }{
		{"home", "?_format=html", "sv-SE,sv;q=0.9,nl;q=0.8", "<td>måttlig</td>", "matig"},
		{"home", "?_format=html&language=en", "sv", "<td>moderate</td>", "Load"},
		{"home", "?_format=html", "fr", "<td>matig</td>", "Belasting"},
		{"home", "", "en", "<title id=\"t\">Network of Boris XXX_Testkind</title>", "Netwerk"},
		{"home", "?_format=html&detail=true", "", "<td>2 van 4, merkbaar</td>", "uitleg"},
		{"home", "?detail=true&language=sv", "", "Belastning: 1 av 4, lätt", "Belasting"},
		{"mother", "?_format=html&detail=true", "", "<td>2 van 4, merkbaar</td>", "Lid"},
		{"hospital", "?_format=html&detail=true", "", "<th scope=\"col\">Belasting</th>", "van 4"},
		{"hospital", "?detail=true", "", "overbelast", "van 4"},
		{"grandfather", "?_format=html&detail=true", "", "<td>2 van 4, merkbaar</td>", "1 van 4"},
	} {
		var headers []string
		if c.accept != "" {
			headers = []string{"Accept-Language", c.accept}
		}
		a := n.get(c.who, path+c.query, headers...).want(t, http.StatusOK)
		if !strings.Contains(a.body, c.want) || strings.Contains(a.body, c.none) {
			t.Errorf("%s %s %s: %s", c.who, c.query, c.accept, a.body)
		}
	}
	for _, query := range []string{"?language=fr", "?detail=yes", "?detail=true&detail=true", "?language=nl&language=sv"} {
		n.get("home", path+query).want(t, http.StatusBadRequest).wantIssue(t, "operation-parameter", "")
	}
}
