package check

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// body is the fictional resource: an Organization that nobody can take for a real one, or a Basic
// where the client may not write the directory.
func (s *session) body(kind, id, text string) string {
	member := ""
	if id != "" {
		member = `"id":"` + id + `",`
	}
	if kind == "Organization" {
		return fmt.Sprintf(`{"resourceType":"Organization",%s"active":false,"identifier":[{"system":"%s","value":"%s"}],"name":"XXX_%s %s"}`,
			member, identifierSystem, s.wire.marker, s.wire.marker, text)
	}
	return fmt.Sprintf(`{"resourceType":"Basic",%s"identifier":[{"system":"%s","value":"%s"}],"code":{"text":"XXX_%s %s"}}`,
		member, identifierSystem, s.wire.marker, s.wire.marker, text)
}

// identifierSystem is that of the identifiers of fictional resources.
const identifierSystem = "https://drieluik.example/fhir/NamingSystem/check"

// writing creates one fictional resource, changes it and removes it again; what it cannot remove it
// reports.
func (s *session) writing(ctx context.Context) {
	for _, kind := range []string{"Organization", "Basic"} {
		d, ok := s.caps.of(kind)
		if !ok || !d.does("create") || !d.does("update") {
			continue
		}
		r, err := s.wire.send(ctx, call{method: http.MethodPost, path: "/fhir/" + kind, token: s.token, media: fhirJSON, body: s.body(kind, "", "first")})
		if err != nil {
			return
		}
		if r.status == http.StatusForbidden {
			continue
		}
		s.written(ctx, d, r)
		return
	}
	for _, id := range []string{ruleWrite, ruleStale, ruleInvalid, ruleRemoved, ruleWriteConditional, ruleHistory, ruleAtomic} {
		s.ledger.skip(id, "this client may create neither an Organization nor a Basic")
	}
}

// written goes on from the answer to the create.
func (s *session) written(ctx context.Context, d declared, created reply) {
	on := "POST /fhir/" + d.Type
	path, version, ok := strings.Cut(strings.TrimPrefix(created.header.Get("Location"), s.base), "/_history/")
	if !s.ledger.judge(ruleWrite, created.status == http.StatusCreated && ok && strings.HasPrefix(path, "/fhir/"+d.Type+"/"), on,
		"answered %d, or its Location is not Type/id/_history/version", created.status) {
		return
	}
	s.ledger.judge(ruleWrite, created.header.Get("ETag") == `W/"`+version+`"`, on, "its ETag is not the version of its Location")
	s.readBack(ctx, path, "first", version)
	id := path[strings.LastIndex(path, "/")+1:]
	second := call{method: http.MethodPut, path: path, token: s.token, media: fhirJSON, body: s.body(d.Type, id, "second"),
		header: map[string]string{"If-Match": created.header.Get("ETag")}}
	r, err := s.wire.send(ctx, second)
	if err == nil && s.ledger.judge(ruleWrite, r.status == http.StatusOK && r.header.Get("ETag") != created.header.Get("ETag"), second.String(),
		"answered %d, or the version stayed", r.status) {
		s.readBack(ctx, path, "second", "")
		s.readBack(ctx, path+"/_history/"+version, "first", version)
	}
	if r, err = s.wire.send(ctx, second); err == nil { // the version has moved
		s.ledger.judge(ruleStale, r.status == http.StatusPreconditionFailed, second.String()+" with the first ETag", "answered %d", r.status)
	}
	s.invalid(ctx, d, path, id)
	s.conditionalWrites(ctx, d)
	s.lifecycle(ctx, own{declared: d, path: path, id: id})
	s.remove(ctx, d, path, version)
}

// readBack reads a version and looks for its text.
func (s *session) readBack(ctx context.Context, path, text, version string) {
	r, err := s.wire.send(ctx, call{path: path, token: s.token})
	if err != nil {
		return
	}
	var h header
	ok := r.status == http.StatusOK && json.Unmarshal(r.body, &h) == nil && strings.Contains(string(r.body), s.wire.marker+" "+text)
	s.ledger.judge(ruleWrite, ok && (version == "" || h.Meta.VersionID == version), "GET "+path, "answered %d, or another content than was written", r.status)
}

// invalid sends what R4 forbids.
func (s *session) invalid(ctx context.Context, d declared, path, id string) {
	sound := s.body(d.Type, id, "invalid")
	for name, body := range map[string]string{
		"an unknown member":   strings.Replace(sound, `"id"`, `"drieluikNoSuch":true,"id"`, 1),
		"a member twice":      strings.Replace(sound, `"id"`, `"language":"nl","language":"sv","id"`, 1),
		"a null":              strings.Replace(sound, `"id"`, `"language":null,"id"`, 1),
		"an empty object":     strings.Replace(sound, `"id"`, `"meta":{},"id"`, 1),
		"another id":          s.body(d.Type, s.wire.missing(), "invalid"),
		"another type":        strings.Replace(sound, `"resourceType":"`+d.Type+`"`, `"resourceType":"Device"`, 1),
		"a code that is none": strings.Replace(sound, `"id"`, `"text":{"status":"perhaps","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},"id"`, 1),
	} {
		c := call{method: http.MethodPut, path: path, token: s.token, media: fhirJSON, body: body}
		if r, err := s.wire.send(ctx, c); err == nil {
			s.ledger.judge(ruleInvalid, r.status == http.StatusBadRequest || r.status == http.StatusUnprocessableEntity, c.String()+" with "+name, "answered %d", r.status)
		}
	}
	s.readBack(ctx, path, "second", "")
}

// conditionalWrites asks for conditions on the resource that was just made, so that what is ignored
// shows.
func (s *session) conditionalWrites(ctx context.Context, d declared) {
	where := "identifier=" + identifierSystem + "|" + s.wire.marker
	if !d.takes("identifier") {
		return
	}
	c := call{method: http.MethodPost, path: "/fhir/" + d.Type, token: s.token, media: fhirJSON, body: s.body(d.Type, "", "twice"),
		header: map[string]string{"If-None-Exist": where}}
	r, err := s.wire.send(ctx, c)
	if err != nil {
		return
	}
	on := c.String() + " with If-None-Exist"
	if r.status == http.StatusCreated {
		s.ledger.fail(ruleWriteConditional, on, "it made a second resource of the same identifier")
		s.leave(ctx, d, strings.TrimPrefix(r.header.Get("Location"), s.base))
		return
	}
	if d.ConditionalCreate {
		s.ledger.judge(ruleWriteConditional, r.status == http.StatusOK, on, "conditionalCreate is declared, and it answered %d", r.status)
		return
	}
	s.ledger.judge(ruleWriteConditional, r.refused(), on, "conditionalCreate is not declared, and it answered %d", r.status)
}

// remove deletes the resource where that is declared, else tells what stays.
func (s *session) remove(ctx context.Context, d declared, path, version string) {
	if !s.leave(ctx, d, path) {
		s.ledger.skip(ruleRemoved, "delete is not declared")
		return
	}
	r, err := s.wire.send(ctx, call{path: path, token: s.token})
	if err == nil {
		s.ledger.judge(ruleRemoved, r.status == http.StatusGone, "GET "+path, "after its delete it answered %d", r.status)
	}
	r, err = s.wire.send(ctx, call{path: path + "/_history/" + version, token: s.token})
	if err == nil {
		s.ledger.judge(ruleRemoved, r.status == http.StatusOK, "GET "+path+"/_history/"+version, "after its delete it answered %d", r.status)
	}
}

// leave deletes a resource that the run made; where it cannot, it says so.
func (s *session) leave(ctx context.Context, d declared, path string) bool {
	path, _, _ = strings.Cut(path, "/_history/")
	if d.does("delete") {
		r, err := s.wire.send(ctx, call{method: http.MethodDelete, path: path, token: s.token})
		if err == nil && s.ledger.judge(ruleRemoved, r.ok(), "DELETE "+path, "answered %d", r.status) {
			return true
		}
	}
	s.ledger.note("%s stays on the server: it is the fictional resource of this run", path)
	return false
}
