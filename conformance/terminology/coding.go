package terminology

import "encoding/json"

// coding is a Coding as it is written.
type coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

// Coding returns the JSON Coding of a code in a value set ("url" or "url|version"). It reports false
// when the set cannot be listed, lacks the code, or has it of several systems.
func (t *Terms) Coding(valueSet, code string) ([]byte, bool) {
	all, ok := t.listed(valueSet)
	if !ok {
		return nil, false
	}
	var found []coding
	for _, e := range all {
		if e.code == code {
			found = append(found, coding{System: e.system, Code: e.code, Display: e.wording.display("")})
		}
	}
	if len(found) != 1 {
		return nil, false
	}
	b, err := json.Marshal(found[0])
	return b, err == nil
}
