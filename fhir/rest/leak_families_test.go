package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// kin is a family: a child of 13, its mother and an aunt who helps, what their hospital keeps of them,
// and whom they let see it. Every id and every text of it bears its name.
type kin struct {
	name     string // begins every id; as long as that of the other family
	hospital string // who keeps the record
	shares   string // organisation that may read it, by Consent and team
}

var (
	ours   = kin{name: "zza", hospital: "hospital", shares: "home"}
	theirs = kin{name: "zzb", hospital: "other", shares: "school"}
)

// kinRecord is a resource of a family, "%p" its name, "%o" the hospital, "%s" with whom it shares. The
// id of each is the family's name, a dash and the type; those of further ones are named.
type kinRecord struct {
	kind fhir.Type
	id   string // "" is the type
	body string
}

const (
	kinPermit = `"status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/%p-Patient"},
		"dateTime":"2026-11-01","performer":[{"reference":"RelatedPerson/%p-RelatedPerson"},{"reference":"Patient/%p-Patient"}],
		"organization":[{"reference":"%o"}],"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},`
	kinActor = `"provision":{"type":"permit","actor":[{"role":{"coding":[{
		"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},"reference":{"reference":"%to"}}]}`
	kinSubject = `"subject":{"reference":"Patient/%p-Patient","identifier":{"system":"urn:kin","value":"%p-1"}}`
	kinCustody = `"extension":[{"url":"https://drieluik.example/fhir/StructureDefinition/gezag","extension":[
		{"url":"type","valueCode":"EenhoofdigOuderlijkGezag"},{"url":"gecontroleerdOp","valueDate":"2026-11-01"}]}],`
)

func kinConsent(to string) string { return kinPermit + strings.ReplaceAll(kinActor, "%to", to) }

// kinRecords are in an order in which they can be written.
var kinRecords = []kinRecord{
	{"Patient", "", `"birthDate":"2013-05-04","gender":"female","name":[{"family":"%p geheim","given":["%p kind"]}],"identifier":[{"system":"urn:kin","value":"%p-1"}]`},
	{"RelatedPerson", "", kinCustody + `"active":true,"patient":{"reference":"Patient/%p-Patient"},"name":[{"family":"%p moeder"}],"telecom":[{"system":"phone","value":"%p 06"}]`},
	{"RelatedPerson", "aunt", `"active":true,"patient":{"reference":"Patient/%p-Patient"},"name":[{"family":"%p tante"}]`},
	{"Consent", "", kinConsent("%s")},
	{"Consent", "mother", kinConsent("RelatedPerson/%p-RelatedPerson")},
	{"Consent", "aunt", kinConsent("RelatedPerson/%p-aunt")},
	{"CareTeam", "", `"status":"active","name":"%p team",` + kinSubject + `,"participant":[{"member":{"reference":"%s"}},{"member":{"reference":"RelatedPerson/%p-aunt"}}]`},
	{"Goal", "", `"lifecycleStatus":"active","description":{"text":"%p doel"},` + kinSubject},
	{"CarePlan", "", `"status":"active","intent":"plan","title":"%p plan","identifier":[{"system":"urn:kin","value":"%p-2"}],` + kinSubject +
		`,"goal":[{"reference":"Goal/%p-Goal"}],"careTeam":[{"reference":"CareTeam/%p-CareTeam"}]`},
	{"Encounter", "", `"status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},` + kinSubject + `,"serviceProvider":{"reference":"%o"}`},
	{"Observation", "", `"status":"final","code":{"text":"%p meting"},` + kinSubject + `,"effectiveDateTime":"2026-11-02","valueString":"%p waarde",
		"encounter":{"reference":"Encounter/%p-Encounter"},"focus":[{"reference":"CarePlan/%other-CarePlan"},{"reference":"Patient/%other-Patient"}],
		"hasMember":[{"reference":"Observation/%other-Observation"}],"performer":[{"reference":"Patient/%other-Patient"}]`},
	{"Flag", "", `"status":"active","code":{"text":"%p let op"},` + kinSubject},
	{"DocumentReference", "", `"status":"current","description":"%p brief",` + kinSubject + `,"content":[{"attachment":{"contentType":"text/plain","data":"eA==","title":"%p.txt"}}]`},
	{"Communication", "", `"status":"completed",` + kinSubject + `,"sender":{"reference":"%o"},"payload":[{"contentString":"%p bericht"}]`},
	{"QuestionnaireResponse", "", `"status":"completed",` + kinSubject + `,"item":[{"linkId":"1","text":"%p vraag"}]`},
	{"Task", "", `"status":"accepted","intent":"order","description":"%p taak","for":{"reference":"Patient/%p-Patient"},"requester":{"reference":"%o"},"owner":{"reference":"%o"}`},
	{"Appointment", "", `"status":"booked","start":"2026-12-01T10:00:00Z","end":"2026-12-01T10:30:00Z","description":"%p afspraak","participant":[{"actor":{"reference":"Patient/%p-Patient"},"status":"accepted"}]`},
	{"Composition", "", `"status":"final","type":{"text":"%p overdracht"},` + kinSubject + `,"date":"2026-11-02","author":[{"reference":"%o"}],"title":"%p overdracht",
		"section":[{"title":"%p deel","entry":[{"reference":"Observation/%p-Observation"},{"reference":"CarePlan/%p-CarePlan"},{"reference":"Observation/%other-Observation"}]}]`},
}

// ref of a record in a family.
func (r kinRecord) ref(k kin) string {
	if r.id == "" {
		return string(r.kind) + "/" + k.name + "-" + string(r.kind)
	}
	return string(r.kind) + "/" + k.name + "-" + r.id
}

// text is the body of a record in a family.
func (r kinRecord) text(g *rig, k kin) string {
	other := ours.name
	if k == ours {
		other = theirs.name
	}
	_, id, _ := strings.Cut(r.ref(k), "/")
	return strings.NewReplacer("%other", other, "%p", k.name, "%o", g.orgs[k.hospital].String(), "%s", g.orgs[k.shares].String()).
		Replace(fmt.Sprintf(`{"resourceType":%q,"id":%q,%s}`, r.kind, id, r.body))
}

// raise makes a family: each resource in two versions, and looked at once by who may.
func (g *rig) raise(k kin) {
	g.t.Helper()
	for _, r := range kinRecords {
		for range 2 {
			a := g.do(k.hospital, http.MethodPut, "/fhir/"+r.ref(k), r.text(g, k), "Prefer", "return=minimal")
			if a.status >= 300 {
				g.t.Fatalf("%s: %d %s", r.ref(k), a.status, a.body)
			}
		}
	}
	g.t.Helper()
	for name, p := range g.members(k) {
		g.principals[name] = p
	}
	for _, as := range []string{k.name + " mother", k.name + " child", k.hospital, k.name + " doctor", k.name + " launched", k.shares} {
		for _, ref := range []string{"CarePlan/", "Observation/"} {
			_, kind, _ := strings.Cut(strings.TrimSuffix("/"+ref, "/"), "/")
			g.get(as, "/fhir/"+ref+k.name+"-"+kind).want(g.t, 200)
		}
	}
	g.get(k.name+" aunt", "/fhir/CarePlan/"+k.name+"-CarePlan").want(g.t, 200)
}

// members are the persons of a family and of its hospital, each by a token of its own.
func (g *rig) members(k kin) map[string]auth.Principal {
	g.t.Helper()
	child, org := refOf("Patient/"+k.name+"-Patient"), g.orgs[k.hospital]
	mother, aunt := refOf("RelatedPerson/"+k.name+"-RelatedPerson"), refOf("RelatedPerson/"+k.name+"-aunt")
	out := map[string]auth.Principal{}
	for name, p := range map[string]auth.Principal{
		"mother":   {Role: auth.Guardian, FHIRUser: mother, Patient: child, Purpose: "FAMRQT"},
		"parent":   {Role: auth.Guardian, FHIRUser: mother, Purpose: "FAMRQT"},
		"child":    {Role: auth.ChildRole, FHIRUser: child, Patient: child, Purpose: "PATRQT"},
		"aunt":     {Role: auth.Helper, FHIRUser: aunt, Patient: child, Purpose: "SUPNWK"},
		"doctor":   {Role: auth.Professional, FHIRUser: refOf("Practitioner/doc"), Organization: org, Purpose: "TREAT"},
		"launched": {Role: auth.Professional, FHIRUser: refOf("Practitioner/doc"), Organization: org, Patient: child, Purpose: "TREAT"},
		"updater":  {Role: auth.System, Organization: org, Purpose: "TREAT"},
	} {
		p.State, p.Client, p.Grant, p.Subject = auth.TokenActive, "app", k.name+name, k.name+name
		p.Scopes = g.scopes("patient/*.cruds")
		switch {
		case p.Role == auth.System:
			p.Scopes = g.scopes("system/*.ruds") // who may create too is told of a free id
		case p.Patient.IsZero():
			p.Scopes = g.scopes("user/*.cruds")
		}
		out[k.name+" "+name] = p
	}
	return out
}

// town is a store with our family, and with theirs too, or not.
type town struct {
	*rig
	asked int
}

// newTown makes a town. What is made after the families is the same whoever lives there: ids and
// instants go by what is asked.
func newTown(t testing.TB, settings auth.Settings, both bool, between func(exchange.Store) exchange.Store) *town {
	t.Helper()
	return newTownAt(t, address(t), settings, both, between)
}

// newTownAt has its store at an address.
func newTownAt(t testing.TB, at string, settings auth.Settings, both bool, between func(exchange.Store) exchange.Store) *town {
	t.Helper()
	g := newRigAt(t, at, settings, between)
	for _, name := range []string{"hospital", "home", "other"} { // a page link is bound to it
		p := g.principals[name]
		p.Grant = name
		g.principals[name] = p
	}
	ref, err := g.exchange.RegisterOrganization(t.Context(), exchange.Registration{
		Identifier: fhir.Identifier{System: uraSystem, Value: "90000009"}, NameIfNew: "School",
	})
	if err != nil {
		t.Fatal(err)
	}
	g.orgs["school"], g.principals["school"] = ref, system("school", ref, "system/*.rs")
	g.raise(ours)
	if both {
		g.raise(theirs)
		g.entwine()
	}
	g.now.Store(new(time.Date(2026, 11, 21, 21, 0, 0, 0, time.UTC)))
	return &town{rig: g}
}

// entwine puts an Appointment of both children into the store, which the other hospital keeps. It leaves
// no trace in the log, which would be one of ours too.
func (g *rig) entwine() {
	g.t.Helper()
	text := `{"resourceType":"Appointment","id":"zzb-both","status":"booked","start":"2026-12-01T10:00:00Z","end":"2026-12-01T10:30:00Z","description":"zzb samen","participant":[
		{"actor":{"reference":"Patient/zza-Patient"},"status":"accepted"},{"actor":{"reference":"Patient/zzb-Patient"},"status":"accepted"}]}`
	r, _ := fhir.Parse([]byte(text), fhir.Limits{})
	t, ok := g.t.(*testing.T)
	if !ok {
		return
	}
	w := writeOf(t, r, nil, func(fhir.Ref) fhir.Ref { return g.orgs["other"] })
	if _, err := g.store.Commit(t.Context(), exchange.Unit{Writes: []exchange.Write{w}}); err != nil {
		t.Fatal(err)
	}
}

// ask sends the next request. Both towns give the same ids and instants to the same number of requests.
func (w *town) ask(as string, q query) answer {
	w.asked++
	w.ids.Store(int64(1_000_000 + 1_000*w.asked))
	w.advance(time.Second)
	a := w.do(as, q.method, q.path, q.body, q.header...)
	for n := 0; q.follow && n < 12 && a.status == http.StatusOK; n++ {
		var b bundleOf
		if json.Unmarshal([]byte(a.body), &b) != nil || b.link("next") == "" {
			break
		}
		next := w.get(as, b.link("next"))
		a.status, a.body = next.status, sealed.ReplaceAllString(a.body, "")+next.body
	}
	a.body = sealed.ReplaceAllString(a.body, "")
	a.header.Del("X-Request-Id")
	a.header.Del("Content-Length")
	return a
}
