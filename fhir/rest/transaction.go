package rest

import (
	"net/http"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/patch"
)

// transactionIn is a transaction as it was read.
type transactionIn struct {
	s       *Server
	entries []bundleEntryIn
	changes []exchange.Change
	writes  []int           // the entry of each change
	reads   []int           // the entries that read
	written map[string]bool // Type/id of what updates write
	deleted map[string]bool
	issues  []fhir.Issue
}

// readTransaction reads the entries of a transaction. All faults come back at once.
func (s *Server) readTransaction(b *fhir.Resource) (*transactionIn, error) {
	tr := &transactionIn{s: s, written: map[string]bool{}, deleted: map[string]bool{}}
	i := 0
	for n := range b.Root().All("entry") {
		en := readEntry(n, i)
		tr.entries = append(tr.entries, en)
		writes, known := entryMethods[en.method]
		switch {
		case !known:
			tr.fault(en.path+".request.method", "not-supported", "bundle-method", "The method is one of GET, HEAD, POST, PUT, PATCH and DELETE.")
		case !writes:
			tr.reads = append(tr.reads, i)
		default:
			if err := tr.change(en, i); err != nil {
				return nil, err
			}
			tr.entries[i].body = fhir.Node{} // what is not held can be collected
		}
		i++
	}
	for _, i := range tr.reads {
		if tr.deleted[tr.target(tr.entries[i])] {
			tr.fault(tr.entries[i].path+".request.url", "conflict", "bundle-read-deleted", "The transaction reads what it deletes; leave one of them out.")
		}
	}
	if len(tr.issues) > 0 {
		return nil, &fhir.Error{Kind: fhir.Unprocessable, Op: "rest.transaction", Issues: tr.issues}
	}
	return tr, nil
}

// target returns the Type/id that the url of an entry leads to, however it is written; "" for a search.
func (tr *transactionIn) target(en bundleEntryIn) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(en.url, tr.s.Base), "/"), "?")
	kind, rest, _ := strings.Cut(path, "/")
	id, _, _ := strings.Cut(rest, "/")
	if id == "" {
		return ""
	}
	return kind + "/" + id
}

func (tr *transactionIn) fault(path, code, rule, text string) {
	tr.issues = append(tr.issues, fhir.Issue{
		Severity: fhir.SeverityError, Code: code, Expression: path, Diagnostics: rule, Text: text,
	})
}

// writeMethods are the interactions of entries that write.
var writeMethods = map[string]auth.Interaction{
	http.MethodPost: auth.Create, http.MethodPut: auth.Update, http.MethodPatch: auth.Patch, http.MethodDelete: auth.Delete,
}

// writesContent are the interactions whose entries hold the resource.
var writesContent = map[auth.Interaction]bool{auth.Create: true, auth.Update: true}

// change reads an entry that writes.
func (tr *transactionIn) change(en bundleEntryIn, i int) error {
	ch := exchange.Change{Interaction: writeMethods[en.method], FullURL: en.fullURL, Path: en.path + ".resource"}
	target, query, _ := strings.Cut(strings.TrimPrefix(en.url, tr.s.Base+"/"), "?")
	name, id, _ := strings.Cut(target, "/")
	var known bool
	ch.Type, known = fhir.ParseType(name)
	ch.ID = id
	if !known || id != "" && (!fhir.ValidID(id) || query != "") || ch.Interaction == auth.Create && (id != "" || query != "") {
		tr.fault(en.path+".request.url", "invalid", "bundle-url",
			"The url is the type for POST, and Type/id or Type?condition for PUT, PATCH and DELETE.")
		return nil
	}
	switch {
	case ch.Interaction == auth.Patch && !tr.patch(&ch, en), writesContent[ch.Interaction] && !tr.content(&ch, en):
		return nil
	}
	if err := tr.conditions(&ch, en, query); err != nil {
		return err
	}
	if id != "" {
		tr.written[string(ch.Type)+"/"+id] = ch.Interaction != auth.Delete
		tr.deleted[string(ch.Type)+"/"+id] = ch.Interaction == auth.Delete
	}
	tr.changes, tr.writes = append(tr.changes, ch), append(tr.writes, i)
	return nil
}

// content parses the resource of an entry.
func (tr *transactionIn) content(ch *exchange.Change, en bundleEntryIn) bool {
	res, issues := en.body.Detach()
	if fhir.HasErrors(issues) {
		for _, is := range issues {
			_, inner, _ := strings.Cut(is.Expression, ".")
			tr.fault(strings.TrimSuffix(ch.Path+"."+inner, "."), is.Code, is.Diagnostics, is.Text)
		}
		return false
	}
	if res.Type() != ch.Type {
		tr.fault(en.path+".request.url", "invalid", "bundle-url", "The url must name the type of the resource.")
		return false
	}
	ch.Text = en.body.Raw() // trees of all entries take twice as much
	return true
}

// patch parses the patch of an entry.
func (tr *transactionIn) patch(ch *exchange.Change, en bundleEntryIn) bool {
	media, body, err := patchContent(en.body)
	if err != nil {
		for _, is := range issuesOf(err) {
			tr.fault(ch.Path, is.Code, is.Diagnostics, is.Text)
		}
		return false
	}
	p, issues := patch.Parse(media, body)
	for _, is := range issues {
		tr.fault(ch.Path, is.Code, is.Diagnostics, is.Text)
	}
	ch.Patch = p
	return !fhir.HasErrors(issues)
}

// conditions reads what an entry wants to find before it is carried out.
func (tr *transactionIn) conditions(ch *exchange.Change, en bundleEntryIn, query string) error {
	var err error
	at := en.path + ".request.url"
	switch {
	case en.ifNoneMatch != "" || en.ifModified != "":
		tr.fault(en.path+".request", "not-supported", "bundle-condition", "ifNoneMatch and ifModifiedSince are for GET.")
	case ch.Interaction == auth.Create && en.ifMatch != "":
		tr.fault(en.path+".request.ifMatch", "invalid", "bundle-if-match", "What a POST creates has no version yet; leave ifMatch out.")
	case ch.Interaction == auth.Create:
		query, at = en.ifNoneExist, en.path+".request.ifNoneExist"
		if _, after, found := strings.Cut(query, "?"); found {
			query = after
		}
	case en.ifNoneExist != "":
		tr.fault(en.path+".request.ifNoneExist", "invalid", "bundle-condition", "ifNoneExist is for POST.")
	}
	if ch.IfMatch, err = ifMatch(en.ifMatch); err != nil && ch.Interaction != auth.Create {
		return err
	}
	if ch.ID != "" || ch.Interaction == auth.Create && query == "" {
		return nil
	}
	if ch.Where, err = tr.s.condition(ch.Type, query); err != nil {
		for _, is := range issuesOf(err) {
			tr.fault(at, is.Code, is.Diagnostics, is.Text)
		}
	}
	return nil
}
