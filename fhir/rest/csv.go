package rest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// The log of a child as a table (access.md 8), for a family that wants to keep or print it.

// csvRows is how many rows one table has when the request does not say; the Link header leads on.
const csvRows = 5_000

// wantsTable reports whether a request asks for the log as CSV. Nothing else is served so.
func wantsTable(r *http.Request) bool {
	if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/AuditEvent") {
		return false
	}
	switch r.URL.Query().Get("_format") {
	case "csv", "text/csv":
		return true
	case "":
		media, _, err := mime.ParseMediaType(r.Header.Get("Accept"))
		return err == nil && media == "text/csv"
	}
	return false
}

// logRow is what a table shows of an AuditEvent.
type logRow struct {
	Recorded, Action, Outcome string
	Type                      coding
	Subtype                   []coding
	PurposeOfEvent            []concept
	Agent                     []struct {
		Requestor bool
		Name      string
		Role      []concept
		Policy    []string
		Who       struct{ Display string }
	}
	Entity []struct {
		What      struct{ Reference, Type string }
		Lifecycle coding
		Detail    []struct{ Type, ValueString string }
	}
}

type coding struct{ Code, Display string }

type concept struct{ Coding []coding }

// columns of the table with what stands in them.
var columns = []struct {
	name string
	of   func(*logRow) []string
}{
	{"recorded", func(r *logRow) []string { return []string{r.Recorded} }},
	{"action", func(r *logRow) []string { return []string{r.Action} }},
	{"type", func(r *logRow) []string { return []string{r.Type.Display} }},
	{"subtype", func(r *logRow) []string { return codes(r.Subtype) }},
	{"outcome", func(r *logRow) []string { return []string{r.Outcome} }},
	{"purpose", func(r *logRow) []string { return codesOf(r.PurposeOfEvent) }},
	{"name", func(r *logRow) []string {
		return r.agents(true, func(i int) []string { return []string{r.Agent[i].Name} })
	}},
	{"role", func(r *logRow) []string {
		return r.agents(true, func(i int) []string { return codesOf(r.Agent[i].Role) })
	}},
	{"organisation", func(r *logRow) []string {
		return r.agents(false, func(i int) []string { return []string{r.Agent[i].Who.Display} })
	}},
	{"resources", (*logRow).resources},
	{"domains", func(r *logRow) []string { return r.details("domain") }},
	{"policy", func(r *logRow) []string { return r.agents(true, func(i int) []string { return r.Agent[i].Policy }) }},
	{"consent", (*logRow).consents},
	{"emergency", func(r *logRow) []string {
		return []string{map[bool]string{true: "yes"}[slices.ContainsFunc(codesOf(r.PurposeOfEvent), func(c string) bool { return c == "BTG" || c == "ETREAT" })]}
	}},
	{"reason", func(r *logRow) []string { return r.details("reden") }},
}

func codes(all []coding) (out []string) {
	for _, c := range all {
		out = append(out, c.Code)
	}
	return out
}

func codesOf(all []concept) (out []string) {
	for _, c := range all {
		out = append(out, codes(c.Coding)...)
	}
	return out
}

// agents gathers what of those who asked, or of those who answer for it.
func (r *logRow) agents(requestor bool, what func(i int) []string) (out []string) {
	for i := range r.Agent {
		if r.Agent[i].Requestor == requestor {
			out = append(out, what(i)...)
		}
	}
	return out
}

func (r *logRow) resources() (out []string) {
	for _, e := range r.Entity {
		kind := e.What.Type
		if kind == "" {
			kind, _, _ = strings.Cut(e.What.Reference, "/")
		}
		if e.Lifecycle.Code != "" && !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	return out
}

func (r *logRow) consents() (out []string) {
	for _, e := range r.Entity {
		if e.Lifecycle.Code == "" && strings.HasPrefix(e.What.Reference, "Consent/") {
			out = append(out, e.What.Reference)
		}
	}
	return out
}

func (r *logRow) details(kind string) (out []string) {
	for _, e := range r.Entity {
		for _, d := range e.Detail {
			if d.Type == kind && !slices.Contains(out, d.ValueString) {
				out = append(out, d.ValueString)
			}
		}
	}
	return out
}

// cell joins values to the text of one cell. A spreadsheet takes a text that begins with one of a few
// characters for a formula, and runs it: an apostrophe makes it a text again.
func cell(values []string) string {
	text := strings.Join(slices.DeleteFunc(values, func(v string) bool { return v == "" }), "; ")
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

// table answers a search of the log as CSV (RFC 4180).
func (s *Server) table(w http.ResponseWriter, next string, out exchange.Results) error {
	const op = "rest.table"
	var b bytes.Buffer
	t := csv.NewWriter(&b)
	t.UseCRLF = true
	head := make([]string, len(columns))
	for i, c := range columns {
		head[i] = c.name
	}
	lines := [][]string{head}
	for _, m := range out.Matches {
		var row logRow
		if err := json.Unmarshal(m.Body, &row); err != nil {
			return fhir.Wrap(op, err)
		}
		line := make([]string, len(columns))
		for i, c := range columns {
			line[i] = cell(c.of(&row))
		}
		lines = append(lines, line)
	}
	if err := t.WriteAll(lines); err != nil {
		return fhir.Wrap(op, err)
	}
	h := w.Header()
	if next != "" {
		h.Set("Link", "<"+next+`>; rel="next"`)
	}
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="log.csv"`)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	_, err := w.Write(b.Bytes())
	return err
}
