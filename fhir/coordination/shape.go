package coordination

import (
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

// put returns the edit that puts v in the place of a member.
func put(v any, path ...string) (fhir.Edit, error) {
	text, err := fhir.Render(v)
	return fhir.Edit{Path: path, JSON: text}, err
}

func stamp(at time.Time) string { return at.UTC().Truncate(time.Second).Format(time.RFC3339) }
