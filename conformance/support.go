package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// statement is what Support reads of a CapabilityStatement.
type statement struct {
	Rest []struct {
		Resource    []resourceRow
		Interaction []struct{ Code string }
		Operation   []struct{ Name string }
		SearchParam []struct{ Name string }
		Compartment []string
	}
}

type resourceRow struct {
	Type              string
	Interaction       []struct{ Code string }
	SearchParam       []struct{ Name, Type string }
	SearchInclude     []string
	SearchRevInclude  []string
	Operation         []struct{ Name string }
	ConditionalCreate bool
	ConditionalUpdate bool
	ConditionalRead   string
	ConditionalDelete string
	UpdateCreate      bool
}

// Support says in Markdown what a CapabilityStatement declares: one table of interactions and the
// types that take them, one of search. It fails for what is no CapabilityStatement of one endpoint.
func Support(metadata []byte) (string, error) {
	var s statement
	if err := json.Unmarshal(metadata, &s); err != nil {
		return "", fhir.Wrap("conformance.Support", err)
	}
	if len(s.Rest) != 1 {
		return "", fmt.Errorf("conformance.Support: %d rest parts, want one", len(s.Rest))
	}
	rest := s.Rest[0]
	var b strings.Builder
	b.WriteString("| interaction | types |\n|---|---|\n")
	takers := map[string][]string{}
	for _, r := range rest.Resource {
		for _, does := range r.does() {
			takers[does] = append(takers[does], r.Type)
		}
	}
	for _, does := range slices.Sorted(maps.Keys(takers)) {
		fmt.Fprintf(&b, "| %s | %s |\n", does, typesText(takers[does], rest.Resource))
	}
	var system []string
	for _, i := range rest.Interaction {
		system = append(system, i.Code)
	}
	fmt.Fprintf(&b, "| %s | the whole server |\n", strings.Join(system, ", "))
	var operations []string
	for _, o := range rest.Operation {
		operations = append(operations, "`$"+o.Name+"`")
	}
	for _, r := range rest.Resource {
		for _, o := range r.Operation {
			operations = append(operations, "`"+r.Type+"/$"+o.Name+"`")
		}
	}
	fmt.Fprintf(&b, "| operations | %s |\n\n", strings.Join(operations, ", "))
	b.WriteString(searchText(rest.Resource, rest.Compartment))
	return b.String(), nil
}

// does lists the interactions of a type, with the conditional forms by the name of their element.
func (r resourceRow) does() []string {
	var out []string
	for _, i := range r.Interaction {
		out = append(out, i.Code)
	}
	for _, c := range []struct {
		name  string
		holds bool
	}{
		{"conditional create", r.ConditionalCreate}, {"conditional update", r.ConditionalUpdate},
		{"conditional read", r.ConditionalRead != "" && r.ConditionalRead != "not-supported"},
		{"conditional delete (" + r.ConditionalDelete + ")", r.ConditionalDelete != "" && r.ConditionalDelete != "not-supported"},
		{"update as create", r.UpdateCreate}, {"_include", len(r.SearchInclude) > 0}, {"_revinclude", len(r.SearchRevInclude) > 0},
	} {
		if c.holds {
			out = append(out, c.name)
		}
	}
	return out
}

// typesText names the types that take something, or those that do not, whichever is shorter.
func typesText(takers []string, all []resourceRow) string {
	var others []string
	for _, r := range all {
		if !slices.Contains(takers, r.Type) {
			others = append(others, r.Type)
		}
	}
	switch {
	case len(others) == 0:
		return fmt.Sprintf("all %d", len(all))
	case len(others) <= len(takers):
		return fmt.Sprintf("all but %s", strings.Join(others, ", "))
	}
	return strings.Join(takers, ", ")
}

// searchText counts the search parameters by their kind.
func searchText(all []resourceRow, compartments []string) string {
	kinds, total := map[string]int{}, 0
	for _, r := range all {
		for _, p := range r.SearchParam {
			kinds[p.Type]++
			total++
		}
	}
	names := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int { return cmp.Or(cmp.Compare(kinds[b], kinds[a]), cmp.Compare(a, b)) })
	var b strings.Builder
	fmt.Fprintf(&b, "Search parameters over all types: %d.\n\n| kind | parameters |\n|---|---|\n", total)
	for _, kind := range names {
		fmt.Fprintf(&b, "| %s | %d |\n", kind, kinds[kind])
	}
	if len(compartments) > 0 {
		for i, c := range compartments {
			compartments[i] = c[strings.LastIndexByte(c, '/')+1:]
		}
		fmt.Fprintf(&b, "\nCompartments: %s.\n", strings.Join(compartments, ", "))
	}
	return b.String()
}
