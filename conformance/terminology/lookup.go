package terminology

import (
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// lookup is CodeSystem/$lookup.
func (t *Terms) lookup(r Request, f *form) (any, error) {
	codes := f.codes(f.text("system"), lacksSystem)
	if err := f.err("terminology.lookup"); err != nil {
		return nil, err
	}
	c := codes[0]
	version := c.version
	if f.has("version") {
		version = f.text("version")
	}
	s, ok := t.systems.get(canonical(c.system, version))
	if !ok {
		return nil, notFound("TERM-SYSTEM-UNKNOWN", noSystem)
	}
	i, ok := s.find(c.code)
	if !ok {
		return nil, notFound("TERM-CODE-UNKNOWN", "The code system has no such code; check it.")
	}
	return s.describe(i, r.language(f), f.texts("property")), nil
}

// describe returns what is known of a concept; names limits designations and properties, none means
// all.
func (s *system) describe(i int, language string, names []string) parameters {
	list := s.concepts()
	n := list.list[i].node
	w := wording{language: s.language, known: n}
	name := s.root.Member("name").Text()
	if name == "" {
		name = s.url
	}
	out := []parameter{{Name: "name", ValueString: name}}
	if s.version != "" {
		out = append(out, parameter{Name: "version", ValueString: s.version})
	}
	display := w.display(language)
	if display == "" {
		display = n.Member("code").Text()
	}
	out = append(out, parameter{Name: "display", ValueString: display})
	wants := func(name string) bool { return len(names) == 0 || slices.Contains(names, name) }
	if wants("designation") {
		out = append(out, designations(w)...)
	}
	for _, p := range list.properties(i) {
		if wants(p.Part[0].ValueCode) {
			out = append(out, p)
		}
	}
	return parameters{"Parameters", out}
}

func designations(w wording) (out []parameter) {
	for d := range w.designations {
		p := parameter{Name: "designation"}
		if l := d.Member("language").Text(); l != "" {
			p.Part = append(p.Part, parameter{Name: "language", ValueCode: l})
		}
		if use := d.Member("use"); use.Exists() {
			p.Part = append(p.Part, parameter{Name: "use", ValueCoding: []byte(use.Raw())})
		}
		p.Part = append(p.Part, parameter{Name: "value", ValueString: d.Member("value").Text()})
		out = append(out, p)
	}
	return out
}

// properties returns definition, parents, children and the properties of the definition.
func (c *concepts) properties(i int) (out []parameter) {
	n := c.list[i].node
	property := func(code string, value parameter) {
		out = append(out, parameter{Name: "property", Part: []parameter{{Name: "code", ValueCode: code}, value}})
	}
	if d := n.Member("definition").Text(); d != "" {
		property("definition", parameter{Name: "value", ValueString: d})
	}
	property("inactive", valueOfFlag(isInactive(n)))
	for _, relatives := range []struct {
		name string
		list []int
	}{{"parent", c.list[i].parents}, {"child", c.list[i].children}} {
		for _, code := range c.codes(relatives.list) {
			property(relatives.name, parameter{Name: "value", ValueCode: code})
		}
	}
	for p := range n.All("property") {
		switch code := p.Member("code").Text(); code {
		case "parent", "child", "inactive": // above, with what the hierarchy says
		default:
			if v := propertyValue(p); v.Shape() != fhir.Missing {
				property(code, valueOf(v))
			}
		}
	}
	return out
}

func valueOfFlag(b bool) parameter { return parameter{Name: "value", ValueBoolean: &b} }
