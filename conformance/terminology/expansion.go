package terminology

import "time"

// expanded is a ValueSet with its expansion.
type expanded struct {
	ResourceType string    `json:"resourceType"`
	URL          string    `json:"url"`
	Version      string    `json:"version,omitempty"`
	Name         string    `json:"name,omitempty"`
	Title        string    `json:"title,omitempty"`
	Status       string    `json:"status"`
	Expansion    expansion `json:"expansion"`
}

type expansion struct {
	Timestamp string         `json:"timestamp"`
	Total     int            `json:"total"`
	Offset    int            `json:"offset"`
	Parameter []expandedWith `json:"parameter,omitempty"`
	Contains  []contains     `json:"contains,omitempty"`
}

type expandedWith struct {
	Name         string `json:"name"`
	ValueString  string `json:"valueString,omitempty"`
	ValueBoolean bool   `json:"valueBoolean,omitempty"`
	ValueInteger *int   `json:"valueInteger,omitempty"`
}

type contains struct {
	System      string        `json:"system,omitempty"`
	Abstract    bool          `json:"abstract,omitempty"`
	Inactive    bool          `json:"inactive,omitempty"`
	Version     string        `json:"version,omitempty"`
	Code        string        `json:"code"`
	Display     string        `json:"display,omitempty"`
	Designation []designation `json:"designation,omitempty"`
}

// expansion renders a page of entries.
func (t *Terms) expansion(canonical string, r Request, f *form, page []entry, total int) expanded {
	out := expanded{ResourceType: "ValueSet", URL: withoutVersion(canonical), Status: "active"}
	if s, ok := t.sets.get(canonical); ok {
		root := s.root
		out.URL, out.Version = s.url, s.version
		out.Name, out.Title, out.Status = root.Member("name").Text(), root.Member("title").Text(), root.Member("status").Text()
		if out.Status == "" {
			out.Status = "unknown"
		}
	}
	out.Expansion = expansion{
		Timestamp: r.Now.UTC().Format(time.RFC3339), Total: total, Offset: f.count("offset", 0), Parameter: f.echoed(),
	}
	wanted := f.texts("designation")
	withTexts := f.flag("includeDesignations") || len(wanted) > 0
	for _, e := range page {
		c := contains{
			System: e.system, Version: e.version, Code: e.code, Display: e.wording.display(r.language(f)),
			Abstract: isAbstract(e.wording.known), Inactive: isInactive(e.wording.known),
		}
		if withTexts {
			c.Designation = e.wording.chosen(wanted)
		}
		out.Expansion.Contains = append(out.Expansion.Contains, c)
	}
	return out
}

// echoed are the parameters that shaped an expansion.
func (f *form) echoed() (out []expandedWith) {
	for _, name := range []string{"filter", "displayLanguage"} {
		if f.has(name) {
			out = append(out, expandedWith{Name: name, ValueString: f.text(name)})
		}
	}
	for _, name := range []string{"activeOnly", "includeDesignations"} {
		if f.flag(name) {
			out = append(out, expandedWith{Name: name, ValueBoolean: true})
		}
	}
	for _, name := range []string{"count", "offset"} {
		if f.has(name) {
			n := f.count(name, 0)
			out = append(out, expandedWith{Name: name, ValueInteger: &n})
		}
	}
	return out
}
