package record

import (
	"github.com/drieluik/drieluik/mapping/form"
)

// Question is a question of verwijsboom or beslisboom: its linkId is the name of the member.
type Question struct {
	Link, Card string
	Kind       string // integer, boolean, choice or string, as in the Questionnaire
	List       string // of a choice
	After      string // the question that must be answered yes before this one may be
}

// MaxInTree bounds the lists of a tree: an outcome or need of a few bytes becomes a resource of its own.
const MaxInTree = 100

// treeFields are the members of antwoorden. missing is the rule of an answer that is not there.
func treeFields(questions []Question, missing string) form.Fields {
	types := map[string]form.Type{"integer": integer(-1<<31, 1<<31-1), "boolean": boolean, "string": Str}
	var out form.Fields
	for _, q := range questions {
		t, ok := types[q.Kind]
		if !ok {
			t = code(q.List)
		}
		out = append(out, form.F(q.Link, q.Card, t).Instead(missing))
	}
	return out
}
