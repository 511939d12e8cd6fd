package record

import (
	_ "embed"
	"encoding/json"
	"sync"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

//go:embed codelijsten.json
var listsJSON []byte

// lists holds the closed lists of mks.md 2.4: list → code → Dutch label.
var lists = sync.OnceValue(func() map[string]map[string]string {
	out := map[string]map[string]string{}
	var raw map[string]json.RawMessage
	if json.Unmarshal(listsJSON, &raw) != nil {
		return out
	}
	for name, text := range raw {
		out[name] = listOf(text)
	}
	return out
})

// listOf reads one list: an object of codes and labels, or an array of codes.
func listOf(text json.RawMessage) map[string]string {
	labels := map[string]string{}
	if json.Unmarshal(text, &labels) == nil {
		return labels
	}
	var codes []string
	if json.Unmarshal(text, &codes) != nil {
		return labels
	}
	for _, c := range codes {
		labels[c] = ""
	}
	return labels
}

// list is the closed list of that name.
func list(name string) form.List {
	return form.List{Name: name, System: element.CodeSystem(name), Labels: lists()[name]}
}

// InList reports whether the closed list has the code.
func InList(list, code string) bool {
	_, ok := lists()[list][code]
	return ok
}

// Label returns the Dutch label of a code, "" when there is none.
func Label(list, code string) string { return lists()[list][code] }
