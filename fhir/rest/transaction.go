package rest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// maxEntries bounds a transaction.
const maxEntries = 1000

// transaction serves POST / with a Bundle of type transaction: creates and updates, all or none.
func (s *Server) transaction(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Create, "Bundle")
	if err != nil {
		return err
	}
	c.Operation = "transaction"
	changes, err := s.changes(r)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Create, "Bundle", err)
	}
	served, err := s.Exchange.Transact(r.Context(), c, changes)
	if err != nil {
		return err
	}
	out := bundle{ResourceType: "Bundle", Type: "transaction-response"}
	for i, sv := range served {
		out.Entry = append(out.Entry, responseEntry(changes[i], sv))
	}
	return writeBundle(w, http.StatusOK, out)
}

func responseEntry(ch exchange.Change, sv exchange.Served) bundleEntry {
	status := "200 OK"
	if ch.Interaction == auth.Create {
		status = "201 Created"
	}
	return bundleEntry{Response: &bundleResponse{
		Status: status, Location: sv.Ref.String(), ETag: fmt.Sprintf(`W/"%d"`, sv.Ref.Version),
		LastModified: sv.Updated.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
	}}
}

// reading gathers the entries of a transaction and all their faults.
type reading struct {
	s       *Server
	changes []exchange.Change
	names   map[string]string // fullUrl → Type/id
	taken   map[string]bool   // Type/id
	issues  []fhir.Issue
}

// changes reads the entries of a transaction: resources with their final ids, references between
// them resolved. All faults come back at once.
func (s *Server) changes(r *http.Request) ([]exchange.Change, error) {
	const op = "rest.changes"
	b, err := resource(r, "Bundle")
	if err != nil {
		return nil, err
	}
	if b.Root().Member("type").Text() != "transaction" {
		e := fhir.Errorf(fhir.BadRequest, op, "not-supported", "bundle-type", "Send a Bundle of type transaction.")
		e.Issues[0].Expression = "Bundle.type"
		return nil, e
	}
	if n := b.Root().Member("entry").Len(); n > maxEntries {
		return nil, fhir.Errorf(fhir.TooLarge, op, "too-long", "bundle-entries", "Send at most %d entries at once.", maxEntries)
	}
	rd := &reading{s: s, names: map[string]string{}, taken: map[string]bool{}}
	i := 0
	for entry := range b.Root().All("entry") {
		if err := rd.entry(entry, i); err != nil {
			return nil, fhir.Wrap(op, err)
		}
		i++
	}
	if err := rd.resolve(); err != nil {
		return nil, fhir.Wrap(op, err)
	}
	if len(rd.issues) > 0 {
		return nil, &fhir.Error{Kind: fhir.Unprocessable, Op: op, Issues: rd.issues}
	}
	return rd.changes, nil
}

func (rd *reading) fault(path, code, rule, text string) {
	rd.issues = append(rd.issues, fhir.Issue{
		Severity: fhir.SeverityError, Code: code, Expression: path, Diagnostics: rule, Text: text,
	})
}

// entry reads one entry into a change.
func (rd *reading) entry(entry fhir.Node, i int) error {
	path := fmt.Sprintf("Bundle.entry[%d]", i)
	method, target := entry.At("request", "method").Text(), entry.At("request", "url").Text()
	for _, condition := range []string{"ifNoneExist", "ifNoneMatch", "ifModifiedSince"} {
		if entry.At("request", condition).Exists() {
			rd.fault(path+".request."+condition, "not-supported", "not-yet", "Conditional entries are not supported.")
		}
	}
	res, issues := fhir.Parse([]byte(entry.Member("resource").Raw()), fhir.Limits{})
	if fhir.HasErrors(issues) {
		for _, is := range issues {
			_, inner, _ := strings.Cut(is.Expression, ".")
			rd.fault(strings.TrimSuffix(path+".resource."+inner, "."), is.Code, is.Diagnostics, is.Text)
		}
		return nil
	}
	ch := exchange.Change{Resource: res, Path: path + ".resource"}
	id := ""
	switch method {
	case http.MethodPost:
		ch.Interaction, id = auth.Create, rd.s.NewID()
		if target != string(res.Type()) {
			rd.fault(path+".request.url", "invalid", "bundle-url", "For POST the url is the type of the resource.")
		}
		if entry.At("request", "ifMatch").Exists() {
			rd.fault(path+".request.ifMatch", "invalid", "bundle-if-match", "What a POST creates has no version yet; leave ifMatch out.")
		}
	case http.MethodPut:
		ch.Interaction, id = auth.Update, strings.TrimPrefix(target, string(res.Type())+"/")
		if ref, ok := fhir.ParseRef(target); !ok || ref.Type != res.Type() || ref.Version > 0 {
			rd.fault(path+".request.url", "invalid", "bundle-url", "For PUT the url is Type/id of the resource.")
		}
	default:
		rd.fault(path+".request.method", "not-supported", "bundle-method", "Entries of a transaction are POST or PUT.")
	}
	var err error
	if m := entry.At("request", "ifMatch").Text(); m != "" {
		if ch.IfMatch, err = ifMatch(m); err != nil {
			return err
		}
	}
	return rd.take(ch, entry.Member("fullUrl").Text(), id, path)
}

// take gives the change its id and remembers the name by which other entries refer to it.
func (rd *reading) take(ch exchange.Change, fullURL, id, path string) error {
	if !fhir.ValidID(id) || len(rd.issues) > 0 {
		return nil
	}
	var err error
	if ch.Resource, err = ch.Resource.Edit(fhir.Edit{Path: []string{"id"}, JSON: `"` + id + `"`}); err != nil {
		return err
	}
	name := string(ch.Resource.Type()) + "/" + id
	if rd.taken[name] {
		rd.fault(path+".request.url", "duplicate", "bundle-twice", "Two entries write the same resource.")
	}
	rd.taken[name] = true
	if fullURL != "" {
		if _, twice := rd.names[fullURL]; twice {
			rd.fault(path+".fullUrl", "duplicate", "bundle-full-url", "Two entries have the same fullUrl.")
		}
		rd.names[fullURL] = name
	}
	rd.changes = append(rd.changes, ch)
	return nil
}

// resolve replaces references between entries by the ids that the resources get.
func (rd *reading) resolve() error {
	for i, ch := range rd.changes {
		unknown, conditional := false, false
		res, err := ch.Resource.MapReferences(func(ref string) string {
			if name, ok := rd.names[ref]; ok {
				return name
			}
			unknown = unknown || strings.HasPrefix(ref, "urn:")
			conditional = conditional || strings.Contains(ref, "?")
			return ref
		})
		if err != nil {
			return err
		}
		if unknown {
			rd.fault(ch.Path, "not-found", "bundle-reference", "A urn reference names no fullUrl of this Bundle.")
		}
		if conditional {
			rd.fault(ch.Path, "not-supported", "not-yet", "Conditional references are not supported.")
		}
		rd.changes[i].Resource = res
	}
	return nil
}
