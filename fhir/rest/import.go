package rest

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
)

// importing serves POST /$import: NDJSON, each line one resource, written one after the other as the single request
// that it is, a create without an id and an update with one, by the organisation of the client (access.md 6.1). The
// answer has an entry for each line.
func (s *Server) importing(routes http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.caller(r, auth.Create, "Bundle")
		if err != nil {
			return err
		}
		c.Operation = "import"
		by, err := importer(c.Principal)
		var lines [][]byte
		if err == nil {
			lines, err = importLines(r)
		}
		if err != nil {
			return s.Exchange.Reject(r.Context(), c, auth.Create, "Bundle", err)
		}
		d := &dispatch{routes: routes, base: s.Base, request: withSender(r, sender{principal: by})}
		out := bundle{ResourceType: "Bundle", Type: "batch-response", Entry: []bundleEntry{}}
		for i, line := range lines {
			out.Entry = append(out.Entry, d.importLine(i, line).entry(s.Base))
		}
		return writeBundle(w, http.StatusOK, out)
	}
}

// importer is who writes what an operator imports: the system of the operator's organisation. An operator who is a
// person, who looks into the log (HCOMPL), and everybody else, imports nothing.
func importer(p auth.Principal) (auth.Principal, error) {
	if p.Role != auth.Admin || p.Purpose != "HSYSADMIN" || p.Organization.IsZero() || !p.FHIRUser.IsZero() {
		return p, fhir.Errorf(fhir.Forbidden, "rest.import", "forbidden", "import-admin",
			"A client of an organisation that is registered with admin imports, with system/ scopes; others write one by one, or as a batch.")
	}
	p.Role, p.Purpose = auth.System, "TREAT"
	return p, nil
}

// importLines reads the lines of the body; one that is empty is none.
func importLines(r *http.Request) ([][]byte, error) {
	const op = "rest.import"
	if _, entry := senderOf(r.Context()); entry {
		return nil, fhir.Errorf(fhir.BadRequest, op, "not-supported", "import-entry", "An import is a request of its own, not an entry of a Bundle.")
	}
	b, err := body(r, ndjson, "application/ndjson")
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if out = append(out, line); len(out) > maxEntries {
			return nil, fhir.Errorf(fhir.TooLarge, op, "too-long", "import-lines", "Send at most %d lines at once.", maxEntries)
		}
	}
	return out, nil
}

// importLine writes the resource of one line.
func (d *dispatch) importLine(i int, line []byte) *recorder {
	en := bundleEntryIn{path: fmt.Sprintf("Bundle.entry[%d]", i)}
	r, issues := fhir.Parse(line, fhir.Limits{Bytes: len(line)})
	if fhir.HasErrors(issues) {
		a := &recorder{header: http.Header{}}
		a.fail(&fhir.Error{Kind: fhir.Malformed, Op: "rest.import", Issues: issues}, en.path)
		return a
	}
	en.body, en.method, en.url = r.Root(), http.MethodPost, string(r.Type())
	if r.ID() != "" {
		en.method, en.url = http.MethodPut, r.Ref().Current().String()
	}
	return d.run(en)
}
