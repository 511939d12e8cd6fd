package rest_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drieluik/drieluik/auth"
)

// TestTheLogIsATableToo: what a parent reads as AuditEvents stands in a table, row for row, with no more
// in it.
func TestTheLogIsATableToo(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, _, father := g.family()
	path := "/fhir/AuditEvent?patient=" + patient.ID
	a := g.get("mother", path+"&_format=csv").want(t, http.StatusOK)
	if kind := a.header.Get("Content-Type"); kind != "text/csv; charset=utf-8; header=present" || !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("it is %s", kind)
	}
	table := readTable(t, a.body)
	rows := g.logOf("mother", path)
	if len(table) != len(rows) { // a header, and one row less: the table's own
		t.Fatalf("%d lines for %d rows", len(table), len(rows))
	}
	for i, line := range table[1:] {
		if line["recorded"] != rows[i+1].Recorded || line["outcome"] != rows[i+1].Outcome || line["name"] != rows[i+1].Agent[0].Name {
			t.Errorf("line %d is %v, the row %s", i, line, rows[i+1].raw)
		}
	}
	home := table[slices.IndexFunc(table, func(l map[string]string) bool { return l["name"] == "home" && l["domains"] != "" })]
	if home["organisation"] != "Kinderthuiszorg Voorbeeld" || home["role"] != "system" || !strings.Contains(home["domains"], "medisch") || !strings.Contains(home["resources"], "CarePlan") {
		t.Errorf("a look of home care is %v", home)
	}
	for _, secret := range []string{father.ID, "sub-", "192.0.2.1", "geheim"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%s stands in the table", secret)
		}
	}
	if got := g.get("mother", path, "Accept", "text/csv").want(t, 200); len(readTable(t, got.body)) != len(table)+2 {
		t.Error("the Accept header gives another table")
	}
	first := g.get("mother", path+"&_format=csv&_count=2").want(t, 200)
	next := strings.TrimSuffix(strings.TrimPrefix(first.header.Get("Link"), "<https://fhir.example"), `>; rel="next"`)
	if lines := readTable(t, g.get("mother", next).want(t, 200).body); len(lines) != 3 {
		t.Errorf("the next page has %d lines", len(lines))
	}
	g.get("other", path+"&_format=csv").want(t, 403)
	g.get("mother", "/fhir/CarePlan?patient="+patient.ID+"&_format=csv").want(t, http.StatusNotAcceptable)
	g.get("mother", "/fhir/Patient/"+patient.ID+"/AuditEvent?_format=xml").want(t, http.StatusNotAcceptable)
}

// TestATableRunsNoFormula: the reason of an emergency is what somebody typed.
func TestATableRunsNoFormula(t *testing.T) {
	t.Parallel()
	g := newRig(t)
	patient, plan, _ := g.family()
	for _, typed := range []string{`=HYPERLINK("https://evil.example";"zie")`, "+31 6 12345678", "-1+1;\"x\"\r\nregel twee", "@SUM(A1:A9)", "\t=1+1+1+1+1"} {
		g.advance(time.Second)
		p := system("ehr", g.orgs["other"], "user/*.rs")
		p.Role, p.Purpose, p.FHIRUser = auth.Professional, "BTG", refOf(g.search("home", "/fhir/Practitioner").ids()[0])
		p.BTG = &auth.BreakGlass{Reason: typed, At: g.clock().Add(-time.Minute), Exp: g.clock().Add(time.Hour)}
		g.principals["doctor"] = p
		g.get("doctor", plan).want(t, 200)
		line := readTable(t, g.get("mother", "/fhir/AuditEvent?_format=csv&patient="+patient.ID).want(t, 200).body)[1]
		if got, want := line["reason"], "'"+strings.ReplaceAll(typed, "\r\n", "\n"); got != want || line["emergency"] != "yes" {
			t.Errorf("%q, want %q, emergency %s", got, want, line["emergency"])
		}
	}
}

// readTable reads a table as RFC 4180 has it; line 0 is the header under its own names.
func readTable(t *testing.T, body string) []map[string]string {
	t.Helper()
	if strings.Count(body, "\r\n") == 0 {
		t.Fatal("lines do not end with CRLF")
	}
	lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, line := range lines {
		row := map[string]string{}
		for i, text := range line {
			row[lines[0][i]] = text
		}
		out = append(out, row)
	}
	if fmt.Sprint(lines[0]) != "[recorded action type subtype outcome purpose name role organisation resources domains policy consent emergency reason]" {
		t.Errorf("columns %v", lines[0])
	}
	return out
}
