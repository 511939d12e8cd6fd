package patch_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/patch"
)

// The oracle is RFC 6902 on decoded JSON, as plainly as it can be written.

type oracleOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from,omitempty"`
	Value any    `json:"value"`
}

// oracle applies an operation; false when it cannot.
func (o oracleOp) oracle(doc any) (any, bool) {
	switch o.Op {
	case "add":
		return put(doc, tokens(o.Path), o.Value)
	case "remove":
		return take(doc, tokens(o.Path))
	case "replace":
		if _, ok := look(doc, tokens(o.Path)); !ok {
			return nil, false
		}
		if o.Path == "" {
			return o.Value, true
		}
		doc, _ = take(doc, tokens(o.Path))
		return put(doc, tokens(o.Path), o.Value)
	case "move":
		v, ok := look(doc, tokens(o.From))
		if !ok || strings.HasPrefix(o.Path, o.From+"/") {
			return nil, false
		}
		if o.From == o.Path {
			return doc, true
		}
		doc, ok = take(doc, tokens(o.From))
		if !ok {
			return nil, false
		}
		return put(doc, tokens(o.Path), v)
	case "copy":
		v, ok := look(doc, tokens(o.From))
		if !ok {
			return nil, false
		}
		return put(doc, tokens(o.Path), v)
	}
	v, ok := look(doc, tokens(o.Path))
	return doc, ok && reflect.DeepEqual(v, o.Value)
}

func tokens(path string) []string {
	if path == "" {
		return nil
	}
	out := strings.Split(path[1:], "/")
	for i := range out {
		out[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(out[i])
	}
	return out
}

func look(doc any, path []string) (any, bool) {
	if len(path) == 0 {
		return clone(doc), true
	}
	switch d := doc.(type) {
	case map[string]any:
		v, ok := d[path[0]]
		if !ok {
			return nil, false
		}
		return look(v, path[1:])
	case []any:
		if i, ok := at(path[0], len(d)-1); ok {
			return look(d[i], path[1:])
		}
	}
	return nil, false
}

func at(token string, last int) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && strconv.Itoa(i) == token && i >= 0 && i <= last
}

// put and take return a changed copy.
func put(doc any, path []string, v any) (any, bool) {
	if len(path) == 0 {
		return v, true
	}
	switch d := clone(doc).(type) {
	case map[string]any:
		if len(path) == 1 {
			d[path[0]] = v
			return d, true
		}
		child, ok := put(d[path[0]], path[1:], v)
		d[path[0]] = child
		return d, ok
	case []any:
		if len(path) == 1 && path[0] == "-" {
			return append(d, v), true
		}
		if len(path) == 1 {
			i, ok := at(path[0], len(d))
			if !ok {
				return nil, false
			}
			return slices.Insert(d, i, v), true
		}
		i, ok := at(path[0], len(d)-1)
		if !ok {
			return nil, false
		}
		d[i], ok = put(d[i], path[1:], v)
		return d, ok
	}
	return nil, false
}

func take(doc any, path []string) (any, bool) {
	if len(path) == 0 {
		return nil, false
	}
	switch d := clone(doc).(type) {
	case map[string]any:
		child, ok := d[path[0]]
		if !ok {
			return nil, false
		}
		if len(path) == 1 {
			delete(d, path[0])
			return d, true
		}
		d[path[0]], ok = take(child, path[1:])
		return d, ok
	case []any:
		i, ok := at(path[0], len(d)-1)
		if !ok {
			return nil, false
		}
		if len(path) == 1 {
			return slices.Delete(d, i, i+1), true
		}
		d[i], ok = take(d[i], path[1:])
		return d, ok
	}
	return nil, false
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = clone(v[i])
		}
		return out
	}
	return v
}

// drawValue draws JSON of few names, so that pointers often hit.
func drawValue(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 6-min(depth, 2)).Draw(t, "shape") {
	case 0:
		return rapid.SampledFrom([]any{nil, true, 1.5, "a", "é\"\\"}).Draw(t, "scalar")
	case 1, 2:
		return float64(rapid.IntRange(0, 3).Draw(t, "number"))
	case 3, 4:
		out := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			out[rapid.SampledFrom(names).Draw(t, "name")] = drawValue(t, depth+1)
		}
		return out
	}
	out := []any{}
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		out = append(out, drawValue(t, depth+1))
	}
	return out
}

var names = []string{"a", "b", "~/", "", "0", "a\"<é"}

func drawPointer(t *rapid.T) string {
	steps := rapid.SliceOfN(rapid.SampledFrom(append([]string{"0", "1", "2", "-", "01"}, names...)), 0, 4).Draw(t, "pointer")
	out := ""
	for _, s := range steps {
		out += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
	}
	return out
}

func TestApplyDoesWhatTheOracleDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var doc any = map[string]any{"a": drawValue(t, 0), "b": drawValue(t, 0)}
		src, _ := json.Marshal(doc)
		r, issues := fhir.ParseDocument(src, fhir.Limits{})
		if r == nil {
			t.Fatal(issues)
		}
		var ops []oracleOp
		for range rapid.IntRange(1, 5).Draw(t, "operations") {
			ops = append(ops, oracleOp{
				Op:   rapid.SampledFrom([]string{"add", "remove", "replace", "move", "copy", "test"}).Draw(t, "op"),
				Path: drawPointer(t), From: drawPointer(t), Value: drawValue(t, 1),
			})
		}
		want, ok := doc, true
		for i := range ops {
			if v, found := look(want, tokens(ops[i].Path)); found && rapid.Bool().Draw(t, "holds") {
				ops[i].Value = v // else hardly any test would hold
			}
			if want, ok = ops[i].oracle(want); !ok {
				break
			}
		}
		_, isObject := want.(map[string]any)
		body := bodyOf(ops)
		got, issues := run(patch.JSON, []byte(body), r)
		if (got != nil) != (ok && isObject) {
			t.Fatalf("%s on %s gave %v (%v), want %v %v", body, src, got != nil, issues, ok, want)
		}
		if got == nil {
			return
		}
		var have any
		if err := json.Unmarshal(got.Bytes(), &have); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, have) {
			t.Fatalf("%s on %s gave\n%s, want\n%v", body, src, got.Bytes(), want)
		}
	})
}

func bodyOf(ops []oracleOp) string {
	var out []string
	for _, o := range ops {
		value, _ := json.Marshal(o.Value)
		from, _ := json.Marshal(o.From)
		path, _ := json.Marshal(o.Path)
		out = append(out, fmt.Sprintf(`{"op":%q,"path":%s,"from":%s,"value":%s}`, o.Op, path, from, value))
	}
	return "[" + strings.Join(out, ",") + "]"
}
