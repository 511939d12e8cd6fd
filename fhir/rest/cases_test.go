package rest_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// notServed lists the vectors that HTTP does not pass yet, with the reason. A listed vector that
// passes fails the test.
var notServed = map[string]string{}

// notRouted are the interactions that have no route yet; a vector of one is not reached.
var notRouted = map[auth.Interaction]string{
	auth.Notify: "notifications have no request of their own",
	auth.Export: "export is not served yet",
}

// caseFile is a file of access.md 11.
type caseFile struct {
	Base  map[string]json.RawMessage `json:"base"`
	Owner map[string]string          `json:"owner"`
	Cases []accessCase               `json:"cases"`
}

type accessCase struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Now       time.Time `json:"now"`
	Country   string    `json:"country"`
	Principal struct {
		Role         auth.Role `json:"role"`
		Client       string    `json:"client"`
		Organization string    `json:"organization"`
		Subject      string    `json:"subject"`
		FHIRUser     string    `json:"fhirUser"`
		Patient      string    `json:"patient"`
		Scopes       string    `json:"scopes"`
		Purpose      string    `json:"purpose"`
		Token        string    `json:"token"`
		BTG          *struct {
			Reason string    `json:"reason"`
			At     time.Time `json:"at"`
			Exp    time.Time `json:"exp"`
		} `json:"btg"`
	} `json:"principal"`
	Action struct {
		Interaction auth.Interaction `json:"interaction"`
		Ref         string           `json:"ref"`
		Type        string           `json:"type"`
		Body        json.RawMessage  `json:"body"`
	} `json:"action"`
	Use    []string          `json:"use"`
	With   []json.RawMessage `json:"with"`
	Owner  map[string]string `json:"owner"`
	Policy struct {
		ParentRead string `json:"parentRead12_15"`
	} `json:"policy"`
	Filed    map[string]time.Time `json:"filed"`
	Expected expectation          `json:"expected"`
}

// expectation is what a vector says of one request, as far as HTTP and the log show it.
type expectation struct {
	HTTP   int      `json:"http"`
	Reason string   `json:"reason"`
	IDs    []string `json:"ids"`
	Total  *int     `json:"total"`
}

// TestAccessCases sends each vector as a request against a real store. The status is what the
// client gets, the reason is what the AuditEvent of the request says.
func TestAccessCases(t *testing.T) { runCases(t, vectors(t)) }

// TestWriteCases sends our own vectors: nested provisions as reads and writes meet them, and the table of
// writes.
func TestWriteCases(t *testing.T) {
	t.Parallel()
	runCases(t, readVectors(t, "../../testdata/vectors/access-writes.json"))
}

func runCases(t *testing.T, file caseFile) {
	t.Helper()
	var passed atomic.Int64
	for _, c := range file.Cases {
		t.Run(c.ID+" "+c.Title, func(t *testing.T) {
			t.Parallel()
			if why, ok := notRouted[c.Action.Interaction]; ok {
				t.Skip(why)
			}
			if c.Expected.Reason == "search-filtered" || c.Expected.Reason == "search-complete" {
				c.Expected.Reason = "" // the words of vectors alone
			}
			diff := gocmp.Diff(c.Expected, runCase(t, file, c))
			why, listed := notServed[c.ID]
			switch {
			case diff == "" && listed:
				t.Errorf("passes, though listed as not served (%s): take it off the list", why)
			case diff == "":
				passed.Add(1)
			case listed:
				t.Skipf("not served: %s", why)
			default:
				t.Error(diff)
			}
		})
	}
	t.Cleanup(func() { t.Logf("%d of %d pass", passed.Load(), len(file.Cases)) })
}

func vectors(t *testing.T) caseFile {
	t.Helper()
	return readVectors(t, cmp.Or(os.Getenv("DRIELUIK_ACCESS_CASES"), "../../testdata/vectors/access-cases.json"))
}

func readVectors(t *testing.T, path string) caseFile {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := decode[caseFile](t, string(text))
	if len(file.Cases) == 0 {
		t.Fatal("no cases")
	}
	return file
}

// prepare makes the world of a vector, with its principal as "case".
func prepare(t *testing.T, file caseFile, c accessCase) *rig {
	t.Helper()
	g := newRigWith(t, auth.Settings{Jurisdiction: strings.ToLower(c.Country), ParentRead1215: c.Policy.ParentRead}, nil)
	load(t, g, file, c)
	g.now.Store(&c.Now)
	g.principals["case"] = principalOf(t, c)
	return g
}

func runCase(t *testing.T, file caseFile, c accessCase) expectation {
	t.Helper()
	g := prepare(t, file, c)
	as := "case"
	if slices.Contains([]string{"missing", "none", "absent"}, c.Principal.Token) {
		as = ""
	}
	before := g.events()
	a := send(g, as, c)
	out := expectation{HTTP: a.status, Reason: reasonOf(t, before, g.events())}
	if c.Action.Interaction != auth.SearchType {
		return out
	}
	b := decode[bundleOf](t, a.body)
	if c.Expected.IDs != nil {
		out.IDs = b.ids()
	}
	if c.Expected.Total != nil {
		out.Total = g.search(as, "/fhir/"+c.Action.Type+"?_count=0").Total
	}
	if out.HTTP == http.StatusOK {
		out.Reason = ""
	}
	return out
}

// send makes the request of a vector.
func send(g *rig, as string, c accessCase) answer {
	a := c.Action
	switch a.Interaction {
	case auth.Create:
		return g.do(as, http.MethodPost, "/fhir/"+a.Type, string(a.Body))
	case auth.Update:
		return g.do(as, http.MethodPut, "/fhir/"+a.Ref, string(a.Body))
	case auth.Patch:
		return g.do(as, http.MethodPatch, "/fhir/"+a.Ref, replacing(g.t, a.Body), "Content-Type", "application/json-patch+json")
	case auth.Delete:
		return g.do(as, http.MethodDelete, "/fhir/"+a.Ref, "")
	case auth.HistoryInstance:
		return g.get(as, "/fhir/"+a.Ref+"/_history")
	case auth.SearchType:
		return g.get(as, "/fhir/"+a.Type)
	case auth.VRead:
		return g.get(as, "/fhir/"+a.Ref+"/_history/1")
	}
	return g.get(as, "/fhir/"+a.Ref)
}

// replacing is a JSON Patch that makes a resource have the members of body, and no id of its own.
func replacing(t testing.TB, body json.RawMessage) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	var ops []string
	for name, value := range members {
		if name != "id" && name != "resourceType" {
			ops = append(ops, fmt.Sprintf(`{"op":"add","path":"/%s","value":%s}`, name, value))
		}
	}
	return "[" + strings.Join(ops, ",") + "]"
}

// reasonOf is the one reason of the AuditEvents that came: of a refusal its description, of a
// permit the ground in its policies.
func reasonOf(t *testing.T, before, after []auditEvent) string {
	t.Helper()
	count := map[string]int{}
	for _, e := range before {
		count[e.Compartment]++
	}
	reasons := map[string]bool{}
	seen := map[string]int{}
	for _, e := range after {
		if seen[e.Compartment]++; seen[e.Compartment] <= count[e.Compartment] {
			continue
		}
		if e.Outcome != "0" {
			reasons[e.OutcomeDesc] = true
			continue
		}
		for _, p := range e.Agent[0].Policy {
			if ground := strings.TrimPrefix(p, fhir.Canonical+"/policy/"); !strings.HasPrefix(ground, "consent/") && !strings.HasPrefix(ground, "access|") {
				reasons[ground] = true
			}
		}
	}
	out := make([]string, 0, len(reasons))
	for r := range reasons {
		out = append(out, r)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func principalOf(t *testing.T, c accessCase) auth.Principal {
	t.Helper()
	in := c.Principal
	p := auth.Principal{
		State: auth.TokenActive, Role: in.Role, Client: in.Client, Organization: refOf(in.Organization),
		Subject: in.Subject, FHIRUser: refOf(in.FHIRUser), Patient: refOf(in.Patient), Purpose: in.Purpose,
	}
	if in.Token != "" && in.Token != "active" {
		p.State = auth.TokenInvalid
	}
	if in.BTG != nil {
		p.BTG = &auth.BreakGlass{Reason: in.BTG.Reason, At: in.BTG.At, Exp: in.BTG.Exp}
	}
	var err error
	if p.Scopes, err = auth.ParseScopes(in.Scopes); err != nil && in.Scopes != "" {
		t.Logf("scopes: %v", err)
	}
	return p
}

func refOf(s string) fhir.Ref {
	ref, _ := fhir.ParseRef(s)
	return ref
}

// load stores the resources of a vector under their owners, each at the instant it was filed.
func load(t *testing.T, g *rig, file caseFile, c accessCase) {
	t.Helper()
	trees := map[fhir.Ref]*fhir.Resource{}
	texts := slices.Clone(c.With)
	for _, ref := range c.Use {
		texts = append([]json.RawMessage{file.Base[ref]}, texts...)
	}
	for _, text := range texts {
		r, issues := fhir.Parse(text, fhir.Limits{})
		if r == nil {
			t.Fatalf("parse %.80s: %v", text, issues)
		}
		trees[r.Ref()] = r
	}
	owner := func(ref fhir.Ref) fhir.Ref { return refOf(cmp.Or(c.Owner[ref.String()], file.Owner[ref.String()])) }
	filed := map[time.Time]exchange.Unit{}
	for ref, r := range trees {
		at, err := time.Parse(time.RFC3339, r.Root().At("meta", "lastUpdated").Text())
		if given, ok := c.Filed[ref.String()]; ok {
			at, err = given, nil
		}
		if err != nil {
			at = c.Now.Add(-24 * time.Hour)
		}
		w := writeOf(t, r, trees, owner)
		u := filed[at.UTC()]
		u.Writes = append(u.Writes, w)
		u.Notices = append(u.Notices, exchange.Notice{Compartment: w.Compartments[0], Ref: w.Ref, Kind: "create"})
		filed[at.UTC()] = u
	}
	for at, u := range filed {
		g.now.Store(&at)
		if _, err := g.store.Commit(context.Background(), u); err != nil {
			t.Fatal(err)
		}
	}
}

// writeOf makes the Write of a resource as exchange would.
func writeOf(t *testing.T, r *fhir.Resource, trees map[fhir.Ref]*fhir.Resource, owner func(fhir.Ref) fhir.Ref) exchange.Write {
	t.Helper()
	rows, err := search.Index(r, base)
	if err != nil {
		t.Fatal(err)
	}
	f := auth.FactsOf(r, rows, func(ref fhir.Ref) []fhir.Ref {
		if ref.Type == "Patient" || trees[ref] == nil {
			return []fhir.Ref{ref}
		}
		return auth.FactsOf(trees[ref], nil, nil).Patients
	})
	f.Ref.Version = 1
	f.Custodian, f.Author = owner(r.Ref()), owner(r.Ref())
	for _, ref := range slices.Clone(f.Parties) {
		if staff := trees[ref]; staff != nil && ref.Type == "PractitionerRole" {
			f.Parties = append(f.Parties, refOf(staff.Root().At("organization", "reference").Text()))
		}
	}
	body, at, err := r.Body()
	if err != nil {
		t.Fatal(err)
	}
	compartments := []string{exchange.SystemCompartment}
	if auth.IsDirectory(r.Type()) {
		compartments[0] = exchange.DirectoryCompartment
	}
	if len(f.Patients) > 0 {
		compartments = nil
		for _, p := range f.Patients {
			compartments = append(compartments, p.ID)
		}
	}
	return exchange.Write{Ref: f.Ref, Body: body, MetaAt: at, Facts: f, Rows: rows, Compartments: compartments}
}
