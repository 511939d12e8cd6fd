package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// found is a resource that a search brought.
type found struct {
	kind, id string
	body     json.RawMessage
}

func (f found) path() string { return "/" + f.kind + "/" + f.id }

// header is what is looked at in any resource.
type header struct {
	ResourceType, ID string
	Meta             struct{ VersionID, LastUpdated string }
}

// data compares searches with reads, for what this client may see of the sample.
func (s *session) data(ctx context.Context) {
	for _, d := range s.sample() {
		if !d.does("search-type") || d.Type == "AuditEvent" { // the log grows by being asked
			continue
		}
		path := "/" + d.Type + "?_count=3"
		_, b, ok := s.find(ctx, path)
		if !ok {
			continue
		}
		for _, e := range b.Entry {
			if e.Search.Mode == "match" {
				s.entry(ctx, d, e.FullURL, e.Resource)
			}
		}
		if len(b.Entry) > 0 {
			s.byPost(ctx, d.Type, b)
		}
	}
	if len(s.seen) == 0 {
		for _, id := range []string{ruleRead, ruleVersion, ruleFound, rulePost, ruleConditionalRead, rulePages, ruleTotal} {
			s.ledger.skip(id, "this client sees no resource of the sample")
		}
	}
}

var literal = regexp.MustCompile(`"reference" ?: ?"([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})"`)

// entry judges one hit of a search.
func (s *session) entry(ctx context.Context, d declared, fullURL string, body json.RawMessage) {
	var h header
	if json.Unmarshal(body, &h) != nil || h.ID == "" {
		s.ledger.fail(ruleRead, "GET /fhir/"+d.Type+"?_count=3", "an entry is no resource with an id")
		return
	}
	f := found{kind: d.Type, id: h.ID, body: body}
	s.seen = append(s.seen, f)
	for _, m := range literal.FindAllSubmatch(body, 50) {
		s.refs[string(m[1])] = true
	}
	s.ledger.judge(ruleRead, h.ResourceType == d.Type && fullURL == s.base+"/fhir"+f.path(), "GET /fhir/"+d.Type+"?_count=3",
		"an entry is of another type, or its fullUrl is not its URL")
	if d.does("read") {
		s.read(ctx, d, f, h)
	}
	path := "/" + d.Type + "?_id=" + url.QueryEscape(h.ID)
	if r, b, ok := s.find(ctx, path); d.takes("_id") {
		s.ledger.judge(ruleFound, ok && b.matches() == 1, "GET /fhir"+path, "answered %d with %d matches", r.status, b.matches())
	}
}

// read judges a read of what a search brought, its versions and headers.
func (s *session) read(ctx context.Context, d declared, f found, h header) {
	on := "GET /fhir" + f.path()
	r, err := s.get(ctx, f.path())
	if err != nil {
		return
	}
	var now header
	if r.ok() && json.Unmarshal(r.body, &now) == nil && now.Meta.VersionID != h.Meta.VersionID {
		return // written in between
	}
	if !s.ledger.judge(ruleRead, r.status == http.StatusOK && sameJSON(r.body, f.body), on, "answered %d, or another content than the search", r.status) {
		return
	}
	tag := `W/"` + h.Meta.VersionID + `"`
	s.ledger.judge(ruleVersion, h.Meta.VersionID != "" && r.header.Get("ETag") == tag, on, "its ETag is not W/\"versionId\"")
	at, errMeta := time.Parse(time.RFC3339, h.Meta.LastUpdated)
	modified, errHead := http.ParseTime(r.header.Get("Last-Modified"))
	s.ledger.judge(ruleVersion, errMeta == nil && errHead == nil && at.Truncate(time.Second).Equal(modified), on, "Last-Modified is not meta.lastUpdated")
	if d.does("vread") {
		path := f.path() + "/_history/" + strings.TrimSuffix(h.Meta.VersionID, "-r") // a reduced resource has a version of its own name
		v, err := s.get(ctx, path)
		s.ledger.judge(ruleVersion, err == nil && v.status == http.StatusOK && sameJSON(v.body, r.body), "GET /fhir"+path,
			"answered %d, or another content than the read", v.status)
	}
	s.conditionalRead(ctx, d, f, tag)
}

// conditionalRead judges If-None-Match by what is declared.
func (s *session) conditionalRead(ctx context.Context, d declared, f found, tag string) {
	r, err := s.wire.send(ctx, call{path: "/fhir" + f.path(), token: s.token, header: map[string]string{"If-None-Match": tag}})
	if err != nil {
		return
	}
	want := http.StatusOK
	if slices.Contains([]string{"not-match", "full-support"}, d.ConditionalRead) {
		want = http.StatusNotModified
	}
	s.ledger.judge(ruleConditionalRead, r.status == want, "GET /fhir"+f.path()+" with If-None-Match", "conditionalRead is %q, and it answered %d", d.ConditionalRead, r.status)
}

// sameJSON compares content, not the order of members.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// byPost compares a search by POST with one by GET.
func (s *session) byPost(ctx context.Context, kind string, want bundle) {
	c := call{method: http.MethodPost, path: "/fhir/" + kind + "/_search", token: s.token, media: "application/x-www-form-urlencoded", body: "_count=3"}
	var b bundle
	r, err := s.wire.send(ctx, c)
	if err != nil {
		return
	}
	ok := r.status == http.StatusOK && json.Unmarshal(r.body, &b) == nil
	s.ledger.judge(rulePost, ok && slices.Equal(urls(b), urls(want)), c.String(), "answered %d, or other matches than GET", r.status)
}

func urls(b bundle) []string {
	var out []string
	for _, e := range b.Entry {
		out = append(out, e.FullURL)
	}
	return out
}

// maxPages bounds how far one search is followed.
const maxPages = 40

// paging follows searches of the sample over their pages.
func (s *session) paging(ctx context.Context) {
	for _, d := range s.sample() {
		if d.does("search-type") && d.Type != "AuditEvent" {
			s.pages(ctx, d.Type)
		}
	}
}

// pages goes through one search, two matches at a time first so that there is a second page.
func (s *session) pages(ctx context.Context, kind string) {
	path := "/fhir/" + kind + "?_count=2&_total=accurate"
	seen := map[string]bool{}
	total, on := -1, "GET "+path
	for n := range maxPages {
		r, b, ok := s.page(ctx, path)
		if n == 0 && !ok { // not allowed, or _total is not taken
			return
		}
		if !s.ledger.judge(rulePages, ok, on, "page %d answered %d", n+1, r.status) {
			return
		}
		s.ledger.judge(rulePages, b.matches() <= 2, on, "page %d holds %d matches", n+1, b.matches())
		for _, e := range b.Entry {
			if e.Search.Mode == "match" {
				s.ledger.judge(rulePages, !seen[e.FullURL], on, "page %d repeats a match", n+1)
				seen[e.FullURL] = true
			}
		}
		if b.Total != nil {
			total = *b.Total
		}
		next := b.link("next")
		if next == "" {
			s.ledger.judge(ruleTotal, total < 0 || total == len(seen), on, "the total is %d, and the pages hold %d", total, len(seen))
			return
		}
		if !s.ledger.judge(rulePages, strings.HasPrefix(next, s.base+"/fhir"), on, "the next link leads elsewhere") {
			return
		}
		if n == 0 {
			s.changedLink(ctx, next)
		}
		path = strings.TrimPrefix(next, s.base)
	}
	s.ledger.judge(ruleTotal, total < 0 || total >= len(seen), on, "the total is %d, and the pages hold more", total)
}

func (s *session) page(ctx context.Context, path string) (reply, bundle, bool) {
	return s.find(ctx, strings.TrimPrefix(path, "/fhir"))
}

// changedLink alters one character of a page link.
func (s *session) changedLink(ctx context.Context, next string) {
	changed := []byte(strings.TrimPrefix(next, s.base))
	i := len(changed) - 6
	if i <= len("/fhir/") {
		return
	}
	if changed[i]++; changed[i] > 'z' || changed[i] == ':' || changed[i] == '[' {
		changed[i] = 'a'
	}
	r, err := s.wire.send(ctx, call{path: string(changed), token: s.token})
	if err == nil {
		s.ledger.judge(ruleForeignLink, r.status >= 400 && r.status < 500, "GET a changed next link", "answered %d", r.status)
	}
}

// hidden compares references that cannot be read with an id that is not there. Either they are
// missing or they are hidden; the answers must not tell which.
func (s *session) hidden(ctx context.Context) {
	asked := 0
	for ref := range s.refs {
		kind, _, _ := strings.Cut(ref, "/")
		if d, ok := s.caps.of(kind); !ok || !d.does("read") {
			continue
		}
		if asked++; asked > 100 {
			break
		}
		r, err := s.get(ctx, "/"+ref)
		if err != nil || r.status != http.StatusNotFound {
			continue
		}
		twin, err := s.get(ctx, "/"+kind+"/"+s.wire.missing())
		if err == nil {
			s.ledger.judge(ruleHidden, fingerprint(r) == fingerprint(twin), "GET /fhir/"+kind+"/…", "an id that something refers to answers otherwise than one that nothing has")
		}
	}
	s.alike(ctx)
}

// alike asks for ids of several forms that do not exist: all answer the same.
func (s *session) alike(ctx context.Context) {
	for _, d := range s.sample() {
		if !d.does("read") {
			continue
		}
		a, errA := s.get(ctx, "/"+d.Type+"/"+s.wire.missing())
		b, errB := s.get(ctx, "/"+d.Type+"/0")
		if errA == nil && errB == nil && b.status == http.StatusNotFound {
			s.ledger.judge(ruleHidden, fingerprint(a) == fingerprint(b), "GET /fhir/"+d.Type+"/…", "two ids that are not there answer differently")
		}
	}
}

// fingerprint is an answer without what differs by request: its id and the time.
func fingerprint(r reply) string {
	names := make([]string, 0, len(r.header))
	for name, values := range r.header {
		if name != "X-Request-Id" && name != "Date" {
			names = append(names, fmt.Sprint(name, values))
		}
	}
	slices.Sort(names)
	return fmt.Sprint(r.status, names, string(r.body))
}
