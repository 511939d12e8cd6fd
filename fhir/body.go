package fhir

import (
	"errors"
	"strconv"
	"time"
)

// Body returns the text to store: without meta.versionId and meta.lastUpdated, and with the offset
// just behind `"meta":{`, where Serve puts them back. A resource without meta gets an empty one.
// Insignificant white space goes; the text of numbers and strings and the order of members stay.
// The caller must not change it. It fails for a document, and when meta is not an object.
func (r *Resource) Body() (body []byte, at int, err error) {
	const op = "fhir.Resource.Body"
	root, meta := r.Root(), r.Root().Member("meta")
	if r.typ == "" {
		return nil, 0, &Error{Kind: Internal, Op: op, Err: errors.New("not a resource")}
	}
	if meta.Exists() && meta.Shape() != Object {
		return nil, 0, Errorf(Unprocessable, op, "structure", ruleObject.id, "meta must be an object.")
	}
	before := metaFollows(root)
	body = append(make([]byte, 0, len(r.src)+len(`"meta":{},`)), '{')
	for m := range root.Children() {
		switch {
		case m == meta:
			body, at = appendMeta(body, meta)
			continue
		case !meta.Exists() && m == before:
			body = appendMember(body, m)
			body = append(body, `,"meta":{}`...)
			at = len(body) - 1
			continue
		}
		body = appendMember(body, m)
	}
	if body = append(body, '}'); string(body) == r.src {
		return r.Bytes(), at, nil // one text for both
	}
	return body, at, nil
}

// metaFollows returns the member behind which a missing meta belongs: id, or resourceType.
func metaFollows(root Node) Node {
	if id := root.Member("id"); id.Exists() {
		return id
	}
	return root.Member("resourceType")
}

// appendMeta appends meta without what the server owns, and returns the offset of its inside.
func appendMeta(body []byte, meta Node) ([]byte, int) {
	if body[len(body)-1] != '{' {
		body = append(body, ',')
	}
	body = append(body, `"meta":{`...)
	at := len(body)
	for m := range meta.Children() {
		switch m.Name() {
		case "versionId", "lastUpdated", "_versionId", "_lastUpdated":
			continue
		}
		body = appendMember(body, m)
	}
	return append(body, '}'), at
}

// appendMember appends a member to an object that is open.
func appendMember(body []byte, m Node) []byte {
	if body[len(body)-1] != '{' {
		body = append(body, ',')
	}
	v := m.at()
	body = append(body, m.r.src[v.name:v.nameEnd]...)
	body = append(body, ':')
	return appendCompact(body, m)
}

// appendCompact appends n without insignificant white space.
func appendCompact(body []byte, n Node) []byte {
	switch n.Shape() {
	case Object:
		body = append(body, '{')
		for m := range n.Children() {
			body = appendMember(body, m)
		}
		return append(body, '}')
	case Array:
		body = append(body, '[')
		for e := range n.Children() {
			if body[len(body)-1] != '[' {
				body = append(body, ',')
			}
			body = appendCompact(body, e)
		}
		return append(body, ']')
	}
	return append(body, n.Raw()...)
}

const servedTime = "2006-01-02T15:04:05.000Z"

// Serve returns a stored body with versionId and lastUpdated (UTC, milliseconds) in their place.
// body and at are what Resource.Body returned.
func Serve(body []byte, at, version int, updated time.Time) []byte {
	const parts = `"versionId":"","lastUpdated":"",`
	out := make([]byte, 0, len(body)+len(parts)+20+len(servedTime)) // 20: digits of an int64
	out = append(out, body[:at]...)
	out = append(out, `"versionId":"`...)
	out = strconv.AppendInt(out, int64(version), 10)
	out = append(out, `","lastUpdated":"`...)
	out = updated.UTC().AppendFormat(out, servedTime)
	out = append(out, '"')
	if body[at] != '}' {
		out = append(out, ',')
	}
	return append(out, body[at:]...)
}
