package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// own is the fictional resource of the run.
type own struct {
	declared
	path, id string // path is below the public URL
}

// lifecycle asks the further interactions that are declared of the run's own resource.
func (s *session) lifecycle(ctx context.Context, o own) {
	s.prefer(ctx, o)
	if o.does("history-instance") {
		s.history(ctx, o)
	}
	if o.does("patch") {
		s.patch(ctx, o)
	}
	if s.caps.system("transaction") {
		s.allOrNothing(ctx, o)
	}
	s.createByUpdate(ctx, o)
	if o.ConditionalUpdate && o.takes("identifier") {
		s.updateWhere(ctx, o)
	}
}

// put is an update of the resource with a text.
func (s *session) put(o own, text string) call {
	return call{method: http.MethodPut, path: o.path, token: s.token, media: fhirJSON, body: s.body(o.Type, o.id, text)}
}

// prefer asks for answers without the resource.
func (s *session) prefer(ctx context.Context, o own) {
	for _, p := range []struct{ want, holds string }{{"minimal", ""}, {"OperationOutcome", `"OperationOutcome"`}, {"representation", s.wire.marker}} {
		c := s.put(o, "second")
		c.header = map[string]string{"Prefer": "return=" + p.want}
		r, err := s.wire.send(ctx, c)
		if err != nil {
			return
		}
		kept := r.status == http.StatusOK && strings.Contains(string(r.body), p.holds) && (p.holds != "" || len(r.body) == 0)
		s.ledger.judge(ruleWrite, kept, c.String()+" with Prefer: return="+p.want, "answered %d, or another body than preferred", r.status)
	}
}

// history judges the history of the resource: every version, the newest first.
func (s *session) history(ctx context.Context, o own) {
	var b struct {
		Type  string
		Entry []struct{ Resource header }
	}
	path := o.path + "/_history"
	r, err := s.wire.send(ctx, call{path: path, token: s.token})
	if err != nil {
		return
	}
	ok := r.status == http.StatusOK && json.Unmarshal(r.body, &b) == nil && b.Type == "history" && len(b.Entry) >= 2
	if !s.ledger.judge(ruleHistory, ok, "GET "+path, "answered %d, or fewer versions than were written", r.status) {
		return
	}
	var now header
	if r, err = s.wire.send(ctx, call{path: o.path, token: s.token}); err == nil && json.Unmarshal(r.body, &now) == nil {
		s.ledger.judge(ruleHistory, b.Entry[0].Resource.Meta.VersionID == now.Meta.VersionID, "GET "+path, "it does not begin with the current version")
	}
	last := b.Entry[len(b.Entry)-1].Resource.Meta.VersionID
	s.ledger.judge(ruleHistory, last == "1", "GET "+path, "it does not end with the first version")
}

// patch changes one element by JSON Patch, and refuses one that is not there.
func (s *session) patch(ctx context.Context, o own) {
	element := "/name"
	if o.Type == "Basic" {
		element = "/code/text"
	}
	c := call{method: http.MethodPatch, path: o.path, token: s.token, media: "application/json-patch+json",
		body: fmt.Sprintf(`[{"op":"replace","path":"%s","value":"XXX_%s third"}]`, element, s.wire.marker)}
	if r, err := s.wire.send(ctx, c); err == nil && s.ledger.judge(ruleWrite, r.status == http.StatusOK, c.String(), "answered %d", r.status) {
		s.readBack(ctx, o.path, "third", "")
	}
	c.body = `[{"op":"test","path":"` + element + `","value":"another"},{"op":"remove","path":"` + element + `"}]`
	if r, err := s.wire.send(ctx, c); err == nil {
		s.ledger.judge(ruleInvalid, r.status >= 400 && r.status < 500, c.String()+" with a test that fails", "answered %d", r.status)
	}
	if r, err := s.wire.send(ctx, s.put(o, "second")); err == nil {
		s.ledger.judge(ruleWrite, r.status == http.StatusOK, s.put(o, "").String(), "answered %d", r.status)
	}
}

// allOrNothing sends a transaction of a sound and a broken entry: nothing may be stored.
func (s *session) allOrNothing(ctx context.Context, o own) {
	entry := func(method, url, body string) string {
		return `{"resource":` + body + `,"request":{"method":"` + method + `","url":"` + url + `"}}`
	}
	unsound := strings.Replace(s.body(o.Type, s.wire.missing(), "broken"), `"id"`, `"drieluikNoSuch":true,"id"`, 1)
	c := call{method: http.MethodPost, path: "/fhir", token: s.token, media: fhirJSON, body: `{"resourceType":"Bundle","type":"transaction","entry":[` +
		entry(http.MethodPut, o.Type+"/"+o.id, s.body(o.Type, o.id, "halfway")) + "," + entry(http.MethodPost, o.Type, unsound) + `]}`}
	r, err := s.wire.send(ctx, c)
	if err != nil {
		return
	}
	s.ledger.judge(ruleAtomic, r.status == http.StatusBadRequest || r.status == http.StatusUnprocessableEntity, c.String()+" with one broken entry", "answered %d", r.status)
	if r, err = s.wire.send(ctx, call{path: o.path, token: s.token}); err == nil {
		s.ledger.judge(ruleAtomic, r.status == http.StatusOK && !strings.Contains(string(r.body), "halfway"), "GET "+o.path, "the sound entry of a refused transaction was stored")
	}
}

// createByUpdate sends an update of an id that is not there.
func (s *session) createByUpdate(ctx context.Context, o own) {
	id := s.wire.missing()
	fresh := own{declared: o.declared, path: "/fhir/" + o.Type + "/" + id, id: id}
	c := s.put(fresh, "by update")
	r, err := s.wire.send(ctx, c)
	if err != nil || r.status == http.StatusForbidden {
		return
	}
	want := []int{http.StatusNotFound, http.StatusMethodNotAllowed}
	if o.UpdateCreate {
		want = []int{http.StatusCreated}
	}
	s.ledger.judge(ruleWriteConditional, r.status == want[0] || r.status == want[len(want)-1], c.String(), "updateCreate is %v, and it answered %d", o.UpdateCreate, r.status)
	if r.ok() {
		s.leave(ctx, o.declared, fresh.path)
	}
}

// updateWhere updates the resource by its identifier alone.
func (s *session) updateWhere(ctx context.Context, o own) {
	c := s.put(o, "second")
	c.path = "/fhir/" + o.Type + "?identifier=" + identifierSystem + "|" + s.wire.marker
	c.body = s.body(o.Type, "", "second")
	r, err := s.wire.send(ctx, c)
	if err != nil {
		return
	}
	var h header
	ok := r.status == http.StatusOK && json.Unmarshal(r.body, &h) == nil && h.ID == o.id
	s.ledger.judge(ruleWriteConditional, ok, "PUT /fhir/"+o.Type+"?identifier=…", "conditionalUpdate is declared, and it answered %d or changed another", r.status)
	if r.status == http.StatusCreated {
		s.leave(ctx, o.declared, strings.TrimPrefix(r.header.Get("Location"), s.base))
	}
}

// batch asks for a resource that is there and one that is not, in one request.
func (s *session) batch(ctx context.Context) {
	if !s.caps.system("batch") || len(s.seen) == 0 {
		s.ledger.skip(ruleBatch, "batch is not declared, or this client sees nothing")
		return
	}
	get := func(path string) string { return `{"request":{"method":"GET","url":"` + path + `"}}` }
	there := s.seen[0]
	c := call{method: http.MethodPost, path: "/fhir", token: s.token, media: fhirJSON, body: `{"resourceType":"Bundle","type":"batch","entry":[` +
		get(there.path()[1:]) + "," + get(there.kind+"/"+s.wire.missing()) + "," + get("Unobtainium/1") + `]}`}
	var b struct {
		Type  string
		Entry []struct {
			Resource json.RawMessage
			Response struct{ Status string }
		}
	}
	r, err := s.wire.send(ctx, c)
	if err != nil {
		return
	}
	ok := r.status == http.StatusOK && json.Unmarshal(r.body, &b) == nil && b.Type == "batch-response" && len(b.Entry) == 3
	if !s.ledger.judge(ruleBatch, ok, c.String()+" with a batch", "answered %d, or not one entry for each", r.status) {
		return
	}
	for i, want := range []string{"200", "404", "404"} {
		s.ledger.judge(ruleBatch, strings.HasPrefix(b.Entry[i].Response.Status, want), c.String()+" with a batch", "entry %d does not answer %s", i+1, want)
	}
	s.ledger.judge(ruleBatch, sameJSON(b.Entry[0].Resource, there.body), c.String()+" with a batch", "its read differs from the search")
}
