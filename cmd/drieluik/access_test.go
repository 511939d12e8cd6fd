package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// intruders are clients of organisations that have nothing to do with the child, and their URA.
var intruders = map[string]string{"stranger": "90000004", "pal": "90000005"}

// siege is a server that holds a child's records, with the callers that keep them and two intruders.
type siege struct {
	t       *testing.T
	as      map[string]*caller
	org     map[string]string // caller → Organization/id
	patient string            // Patient/id
	kept    []string          // what hospital and home care stored about the child
	family  []string          // RelatedPerson/id
}

func besiege(t *testing.T) *siege {
	t.Helper()
	site := newSite(t)
	for name, ura := range intruders {
		site.keys[name] = filepath.Join(site.dir, name+".jwk.json")
		public := filepath.Join(site.dir, name+".jwks.json")
		writeKey(t, site.keys[name], public)
		_, stderr, code := tool(t, "client", "add", "--store", site.store(), "--id", name, "--name", name,
			"--type", "backend", "--org", ura, "--org-name", "XXX_"+name, "--org-type", "ziekenhuis", "--jwks", public)
		if code != 0 {
			t.Fatal(stderr)
		}
	}
	sv := site.start(t)
	s := &siege{t: t, as: map[string]*caller{}, org: map[string]string{}}
	for name, ura := range allOf(systems, intruders) {
		s.as[name] = sv.login(t, name, "")
		_, found := s.as[name].get(t, "/fhir/Organization?identifier="+ura)
		s.org[name] = "Organization/" + fmt.Sprint(within(list(found, "entry")[0], "resource")["id"])
	}
	for _, f := range []struct{ who, file string }{
		{"homecare", "boris/01-kind.json"}, {"hospital", "boris/02-kind-ziekenhuis.json"},
		{"homecare", "boris/06-zorgplan-v2.json"}, {"hospital", transferFile}, {"homecare", "boris/12-toestemming.json"},
	} {
		r := s.as[f.who].push(t, sample(t, f.file))
		if r.status != http.StatusCreated {
			t.Fatalf("%s: %d %.300s", f.file, r.status, r.body)
		}
		s.remember(locations(t, r.body))
	}
	return s
}

func allOf(ms ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range ms {
		maps.Copy(out, m)
	}
	return out
}

// openToAll are types that every organisation may read.
var openToAll = []string{"Organization", "Practitioner", "PractitionerRole"}

func (s *siege) remember(refs []string) {
	for _, ref := range refs {
		kind, _, _ := strings.Cut(ref, "/")
		switch {
		case slices.Contains(openToAll, kind), slices.Contains(s.kept, ref):
			continue
		case kind == "Patient":
			s.patient = ref
		case kind == "RelatedPerson":
			s.family = append(s.family, ref)
		}
		s.kept = append(s.kept, ref)
	}
}

// sees returns what of the child a caller reads in full.
func (s *siege) sees(who string) []string {
	s.t.Helper()
	var out []string
	for _, ref := range s.kept {
		r, _ := s.as[who].get(s.t, "/fhir/"+ref)
		if r.status == http.StatusOK && !strings.HasSuffix(r.header.Get("ETag"), `-r"`) {
			out = append(out, ref)
		}
	}
	return out
}

// send sends a resource and returns status and reason.
func (s *siege) send(who, method, path string, body map[string]any) (int, string) {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := s.as[who].do(method, path, "application/fhir+json", b)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.status, reason(s.t, r)
}

// reason is the first diagnostics of a refusal.
func reason(t *testing.T, r reply) string {
	if r.status < 400 {
		return ""
	}
	return fmt.Sprint(list(object(t, r.body), "issue")[0]["diagnostics"])
}

type m = map[string]any

func to(ref string) m { return m{"reference": ref} }

func coded(system, code string) m { return m{"coding": []any{m{"system": system, "code": code}}} }

// consent permits an actor what the holders keep, in the name of the family.
func (s *siege) consent(actor m, holders ...string) m {
	var performers, organizations []any
	for _, p := range s.family {
		performers = append(performers, to(p))
	}
	for _, h := range holders {
		organizations = append(organizations, to(h))
	}
	return m{
		"resourceType": "Consent", "status": "active",
		"scope":    coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
		"category": []any{coded("http://loinc.org", "59284-0")}, "patient": to(s.patient),
		"dateTime": "2026-11-01T00:00:00Z", "performer": performers, "organization": organizations,
		"policyRule": coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
		"provision": m{"type": "permit", "actor": []any{m{
			"role": coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"), "reference": actor,
		}}},
	}
}

func (s *siege) team(member string) m {
	return m{
		"resourceType": "CareTeam", "status": "active", "subject": to(s.patient),
		"participant": []any{m{"member": to(member), "role": []any{coded("http://example.org", "zorgcoordinator")}}},
	}
}

func (s *siege) task(party string) m {
	return m{
		"resourceType": "Task", "status": "accepted", "intent": "order", "for": to(s.patient),
		"owner": to(party), "requester": to(party),
	}
}

// TestNobodyTalksItselfIntoARecord lets two organisations that have nothing to do with a child claim
// whatever they can, over every door, and then read what others keep of it.
func TestNobodyTalksItselfIntoARecord(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	for who := range intruders {
		if got := s.sees(who); len(got) > 0 {
			t.Fatalf("%s sees %v before it did anything", who, got)
		}
	}
	t.Run("a team and a task of one's own give a relation and no more", func(t *testing.T) {
		for who := range intruders {
			for _, b := range []m{s.team(s.org[who]), s.task(s.org[who])} {
				if status, why := s.send(who, http.MethodPost, "/fhir/"+fmt.Sprint(b["resourceType"]), b); status != 201 {
					t.Errorf("%s: %d %s", b["resourceType"], status, why)
				}
			}
		}
	})
	t.Run("a consent opens nothing that another keeps", s.forgedConsents)
	t.Run("a pushed consent opens nothing that another keeps", s.forgedRecords)
	t.Run("custody and flags are written by the child's custodian alone", s.forgedRights)
	t.Run("a Provenance tells nothing of what it names", s.forgedProvenance)
	t.Run("an identifier in another's source system is refused", s.forgedSource)
	for who := range intruders {
		if got := s.sees(who); len(got) > 0 {
			t.Errorf("in the end %s sees %v", who, got)
		}
	}
}

func (s *siege) forgedConsents(t *testing.T) {
	me, pal, home, hospital := s.org["stranger"], s.org["pal"], s.org["homecare"], s.org["hospital"]
	category := m{"identifier": m{"system": "https://drieluik.example/fhir/CodeSystem/organisatie-soort", "value": "ziekenhuis"}}
	implied := s.consent(to(pal), hospital, me)
	implied["category"] = append(implied["category"].([]any),
		coded("https://drieluik.example/fhir/CodeSystem/toestemming-soort", "verondersteld"))
	delete(implied, "performer")
	for name, c := range map[string]m{
		"itself":                    s.consent(to(me), me),
		"itself for another":        s.consent(to(me), home, me),
		"its own kind for another":  s.consent(category, home, hospital, me),
		"an accomplice for another": s.consent(to(pal), home, hospital, me),
		"another's without itself":  s.consent(to(pal), home),
		"implied for another":       implied,
	} {
		if status, why := s.send("stranger", http.MethodPost, "/fhir/Consent", c); status != 403 || why != "consent-self-grant" {
			t.Errorf("%s: %d %s", name, status, why)
		}
	}
	if status, why := s.send("stranger", http.MethodPost, "/fhir/Consent", s.consent(to(pal), me)); status != 201 {
		t.Errorf("what it keeps itself it may share: %d %s", status, why)
	}
}

func (s *siege) forgedRecords(t *testing.T) {
	own := func(file string, change func(in m)) []byte {
		return edited(t, file, func(d map[string]any) {
			d["bronsysteem"] = m{"ura": intruders["stranger"], "naam": "XXX_Vreemd", "applicatie": "app"}
			d["kind"] = m{"bsn": "999912148", "lokaalId": "V-1"}
			change(within(d, "inhoud"))
		})
	}
	child := own("boris/01-kind.json", func(in m) {
		all := append(in["organisaties"].([]any), m{"id": "org-09", "naam": "XXX_Maat", "soort": "ziekenhuis", "ura": intruders["pal"]})
		team := within(in, "kindteam")
		in["organisaties"], team["leden"] = all, append(team["leden"].([]any), m{"ref": "org-09", "rol": "gemeente", "vanaf": "2026-02-01"})
	})
	if r := s.as["stranger"].push(t, child); r.status != 201 {
		t.Fatalf("%d %.300s", r.status, r.body)
	}
	for _, holder := range []string{"org-01", "org-02"} {
		doc := own("boris/12-toestemming.json", func(in m) {
			in["houder"], in["gegevens"] = m{"organisatie": holder}, m{"categorie": []string{"alles"}}
			in["ontvangers"] = []m{{"soort": "organisatie", "ref": "org-09"}}
		})
		if r := s.as["stranger"].push(t, doc); r.status != 403 || reason(t, r) != "consent-self-grant" {
			t.Errorf("holder %s: %d %.300s", holder, r.status, r.body)
		}
	}
}

// custodyNow is the extension of sole custody, checked today.
func custodyNow() m {
	return m{"url": "https://drieluik.example/fhir/StructureDefinition/gezag", "extension": []any{
		m{"url": "type", "valueCode": "EenhoofdigOuderlijkGezag"}, m{"url": "bron", "valueCode": "BRP"},
		m{"url": "gecontroleerdOp", "valueDate": time.Now().Format(time.DateOnly)},
	}}
}

func (s *siege) forgedRights(t *testing.T) {
	custody := custodyNow()
	for name, child := range map[string]string{"known": s.patient, "unknown": "Patient/0b0b0b0b-0000-4000-8000-000000000000"} {
		for _, b := range []m{
			{"resourceType": "RelatedPerson", "active": true, "patient": to(child), "extension": []any{custody}},
			{"resourceType": "Flag", "status": "active", "subject": to(child), "code": coded("https://drieluik.example/fhir/CodeSystem/access-flag", "osl-12-3")},
		} {
			status, why := s.send("stranger", http.MethodPost, "/fhir/"+fmt.Sprint(b["resourceType"]), b)
			if status != 403 || why != "write-not-custodian" {
				t.Errorf("%s of a child that is %s: %d %s", b["resourceType"], name, status, why)
			}
		}
	}
	family := m{"resourceType": "Bundle", "type": "transaction", "entry": []any{
		m{"fullUrl": "urn:uuid:0b0b0b0b-0000-4000-8000-000000000001", "resource": m{"resourceType": "Patient"}, "request": m{"method": "POST", "url": "Patient"}},
		m{"resource": m{"resourceType": "RelatedPerson", "patient": to("urn:uuid:0b0b0b0b-0000-4000-8000-000000000001"), "extension": []any{custody}},
			"request": m{"method": "POST", "url": "RelatedPerson"}},
	}}
	if status, why := s.send("stranger", http.MethodPost, "/fhir", family); status != 200 {
		t.Errorf("a child of one's own with its family: %d %s", status, why)
	}
}

func (s *siege) forgedProvenance(t *testing.T) {
	other := "Patient/0b0b0b0b-0000-4000-8000-000000000000"
	for name, target := range map[string]string{"hidden": s.kept[len(s.kept)-1], "missing": "Observation/0b0b0b0b-0000-4000-8000-000000000002"} {
		status, why := s.send("stranger", http.MethodPost, "/fhir/Provenance", m{
			"resourceType": "Provenance", "recorded": "2026-11-01T00:00:00Z", "target": []any{to(target), to(other)},
			"agent": []any{m{"who": to(s.org["stranger"])}},
		})
		if status != 403 || why != "write-role" {
			t.Errorf("%s target: %d %s", name, status, why)
		}
	}
}

func (s *siege) forgedSource(t *testing.T) {
	status, why := s.send("stranger", http.MethodPost, "/fhir/Patient", m{"resourceType": "Patient", "identifier": []any{
		m{"system": "https://drieluik.example/fhir/bron/90000002/epd/kind", "value": "P-78002"}}})
	if status != 403 || why != "write-role" {
		t.Errorf("%d %s", status, why)
	}
}

// ward is a child that home care keeps and shares with an organisation, all by single writes.
func (s *siege) ward(with string) string {
	s.t.Helper()
	made := func(b m) string {
		raw, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		r, err := s.as["homecare"].do(http.MethodPost, "/fhir/"+fmt.Sprint(b["resourceType"]), "application/fhir+json", raw)
		if err != nil || r.status != 201 {
			s.t.Fatalf("%s: %d %v %.300s", b["resourceType"], r.status, err, r.body)
		}
		return fmt.Sprint(b["resourceType"], "/", object(s.t, r.body)["id"])
	}
	child := made(m{"resourceType": "Patient", "birthDate": "2024-01-01", "name": []any{m{"family": "XXX_Test"}}})
	parent := made(m{"resourceType": "RelatedPerson", "active": true, "patient": to(child), "extension": []any{custodyNow()}})
	of := &siege{t: s.t, patient: child, family: []string{parent}}
	made(of.consent(to(s.org[with]), s.org["homecare"]))
	made(of.team(s.org[with]))
	return child
}

// TestAnAppointmentOfTwoChildrenIsFoundByWhoMayReadIt: search and read agree on resources about more
// than one patient, whichever of them the query names.
func TestAnAppointmentOfTwoChildrenIsFoundByWhoMayReadIt(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	first, second, other := s.ward("pal"), s.ward("pal"), s.ward("hospital")
	for name, tc := range map[string]struct {
		children []string
		want     int
	}{
		"both shared with the reader": {[]string{first, second}, 1},
		"one of them not":             {[]string{first, other}, 0},
	} {
		var people []any
		for _, c := range tc.children {
			people = append(people, m{"actor": to(c), "status": "accepted"})
		}
		status, why := s.send("homecare", http.MethodPost, "/fhir/Appointment", m{
			"resourceType": "Appointment", "status": "proposed", "description": name, "participant": people})
		if status != 201 {
			t.Fatalf("%d %s", status, why)
		}
		_, kept := s.as["homecare"].get(t, "/fhir/Appointment?patient="+tc.children[1])
		id := fmt.Sprint(within(list(kept, "entry")[0], "resource")["id"])
		for _, query := range []string{"patient=" + tc.children[0], "patient=" + tc.children[1], "_id=" + id} {
			_, found := s.as["pal"].get(t, "/fhir/Appointment?_total=accurate&"+query+"&_id="+id)
			if got := len(list(found, "entry")); got != tc.want || fmt.Sprint(found["total"]) != fmt.Sprint(tc.want) {
				t.Errorf("%s, %s: %d of %v found, want %d", name, query, got, found["total"], tc.want)
			}
		}
	}
}

// TestAReceiptDoesNotTellAKnownChild: an organisation without a relation gets the same receipt for a
// child that others know and for one that nobody knows.
func TestAReceiptDoesNotTellAKnownChild(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	shape := func(bsn, local string) string {
		doc := edited(t, "boris/01-kind.json", func(d map[string]any) {
			d["bronsysteem"] = m{"ura": intruders["stranger"], "naam": "XXX_Vreemd", "applicatie": "app"}
			d["recordId"], d["kind"] = "kind-"+local, m{"bsn": bsn, "lokaalId": local}
			within(d, "inhoud")["geboortedatum"] = "2025-05-05" // differs from what the custodian knows
		})
		r := s.as["stranger"].push(t, doc)
		if r.status != 201 {
			t.Fatalf("%d %.300s", r.status, r.body)
		}
		var out []string
		for _, e := range list(object(t, r.body), "entry") {
			response := within(e, "response")
			location := fmt.Sprint(response["location"])
			kind, _, _ := strings.Cut(location, "/")
			out = append(out, fmt.Sprint(response["status"], kind, response["etag"], strings.Contains(location, "_history"), e["resource"]))
		}
		return strings.Join(out, "\n")
	}
	unknown, known := shape(testBSN(40), "V-1"), shape("999912148", "V-2")
	if known != unknown {
		t.Errorf("known:\n%s\nunknown:\n%s", known, unknown)
	}
}
