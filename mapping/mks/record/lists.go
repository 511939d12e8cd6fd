package record

import (
	_ "embed"
	"encoding/json"
	"iter"
	"maps"
	"sync"

	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
)

//go:embed codelijsten.json
var listsJSON []byte

// lists holds the closed lists of mks.md 2.4 by name, with their Dutch labels.
var lists = sync.OnceValue(func() map[string]form.List {
	out := map[string]form.List{}
	var raw map[string]json.RawMessage
	if json.Unmarshal(listsJSON, &raw) != nil {
		return out
	}
	for name, text := range raw {
		out[name] = form.List{Name: name, System: element.CodeSystem(name), Labels: listOf(text)}
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

// Lists gives the closed lists by name, in no order.
func Lists() iter.Seq2[string, form.List] { return maps.All(lists()) }

// List is the closed list of that name, without a code when there is none.
func List(name string) form.List { return lists()[name] }

// InList reports whether the closed list has the code.
func InList(list, code string) bool { return List(list).Has(code) }

// Label returns the Dutch label of a code, "" when there is none.
func Label(list, code string) string { return List(list).Labels[code] }
