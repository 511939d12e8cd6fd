package mks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// compact returns the JSON text of a node without white space.
func compact(n fhir.Node) string {
	var out bytes.Buffer
	if json.Compact(&out, []byte(n.Raw())) != nil {
		return n.Raw()
	}
	return out.String()
}

// identifierJSON returns the JSON of an Identifier. System and value hold no characters to escape:
// an id of the source is [A-Za-z0-9._-].
func identifierJSON(id fhir.Identifier) string {
	return fmt.Sprintf(`{"system":%q,"value":%q}`, id.System, id.Value)
}

// resolveLogical makes the logical references literal that records of this source left while the
// child was unknown (mks.md 2.5).
func (m *mapper) resolveLogical() error {
	if m.child.found == nil || m.child.stored {
		return nil
	}
	hits, err := m.known.Child(m.child.ref)
	if err != nil {
		return fmt.Errorf("mks.resolveLogical: %w", err)
	}
	written := map[fhir.Ref]bool{}
	for _, a := range m.added {
		written[a.ref] = true
	}
	for _, hit := range hits {
		source := found(hit).At("meta", "source").Text()
		if written[hit.Resource.Ref()] || !strings.HasPrefix(source, m.head.base()+"#") {
			continue
		}
		text := m.literalText(found(hit))
		if text == hit.Resource.Root().Raw() {
			continue
		}
		r, issues := fhir.Parse([]byte(text), fhir.Limits{})
		if fhir.HasErrors(issues) {
			return fmt.Errorf("mks.resolveLogical: %s", hit.Resource.Type())
		}
		m.added = append(m.added, added{edited: r, ref: r.Ref()})
	}
	return nil
}

// literalText returns the JSON of n in which each logical reference that the record resolves is
// literal.
func (m *mapper) literalText(n fhir.Node) string {
	id := n.Member("identifier")
	if id.Member("system").Text() == m.head.base()+"/onbekend" && !n.Member("reference").Exists() {
		if t, ok := m.own[id.Member("value").Text()]; ok && !t.ref.IsZero() {
			return fmt.Sprintf(`{"reference":%q,"identifier":%s}`, t.ref.String(), identifierJSON(t.id))
		}
	}
	var parts []string
	for c := range n.Children() {
		text := m.literalText(c)
		if n.Shape() == fhir.Object {
			text = fmt.Sprintf("%q:%s", c.Name(), text)
		}
		parts = append(parts, text)
	}
	switch n.Shape() {
	case fhir.Object:
		return "{" + strings.Join(parts, ",") + "}"
	case fhir.Array:
		return "[" + strings.Join(parts, ",") + "]"
	default:
		return n.Raw()
	}
}

// contains reports whether a list has s.
func contains(list []string, s string) bool { return slices.Contains(list, s) }
