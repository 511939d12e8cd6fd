package coordination

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 4122 version 5 asks for SHA-1
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/drieluik/drieluik/fhir"
)

// The JSON of what the rules write, in the order of R4.
type (
	concept struct {
		Coding []Coding `json:"coding,omitempty"`
		Text   string   `json:"text,omitempty"`
	}
	identifier struct {
		System string `json:"system"`
		Value  string `json:"value"`
	}
	reference struct {
		Extension  []extended  `json:"extension,omitempty"`
		Reference  string      `json:"reference,omitempty"`
		Type       string      `json:"type,omitempty"`
		Identifier *identifier `json:"identifier,omitempty"`
	}
	extended struct {
		URL   string `json:"url"`
		Value string `json:"valueString"`
	}
	meta struct {
		Source   string            `json:"source"`
		Security []json.RawMessage `json:"security,omitempty"`
	}
	period struct {
		Start string `json:"start,omitempty"`
		End   string `json:"end,omitempty"`
	}
)

func codedAs(system, code string) concept { return concept{Coding: []Coding{{system, code}}} }

func to(ref fhir.Ref) *reference { return &reference{Reference: ref.Current().String()} }

// author is this server, as the author of what rules write.
func author() *reference {
	return &reference{Type: "Device", Identifier: &identifier{fhir.Canonical + "/sid/device", "coordination"}}
}

// SourceBase begins the meta.source of what these rules write; the rule follows.
const SourceBase = fhir.Canonical + "/coordination#"

// uuid is UUID version 5 of a name below our canonical base.
func uuid(name string) string {
	space := [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	h := sha1.New()
	h.Write(space[:])
	h.Write([]byte(fhir.Canonical + "/" + name))
	u := h.Sum(nil)[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	s := hex.EncodeToString(u)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// textOf renders v as it stands in a resource.
func textOf(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

// made turns v into the tree of a resource.
func made(op string, v any) (*fhir.Resource, error) {
	text, err := textOf(v)
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	r, issues := fhir.Parse([]byte(text), fhir.Limits{Bytes: len(text)})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.Internal, Op: op, Issues: issues}
	}
	return r, nil
}

// set returns the edit that puts v in the place of a member.
func put(v any, path ...string) (fhir.Edit, error) {
	text, err := textOf(v)
	return fhir.Edit{Path: path, JSON: text}, err
}

func stamp(at time.Time) string { return at.UTC().Truncate(time.Second).Format(time.RFC3339) }
