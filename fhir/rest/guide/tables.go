package guide

import (
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// structure shows a differential: what a profile or an extension says beyond its base.
func structure(g *Guide, n fhir.Node, _ string) []section {
	s := section{Key: "elements", Columns: []string{"element", "card", "kind", "about", "value"}}
	for e := range n.All("differential", "element") {
		id := e.Member("id").Text()
		if strings.HasSuffix(id, ".url") && e.Member("fixedUri").Exists() {
			continue // the name of the part says it
		}
		s.Rows = append(s.Rows, row{
			deep(within(id), strings.Count(id, ".")-1), plain(cardinality(e)), list(g.types(e)...),
			in("en", e.Member("short").Text()), list(g.bound(e)...),
		})
	}
	return []section{s}
}

// within is the path of an element below its resource.
func within(id string) string {
	if _, below, ok := strings.Cut(id, "."); ok {
		return below
	}
	return id
}

// cardinality is min..max, with "" for what the base says.
func cardinality(e fhir.Node) string {
	low, high := e.Member("min").Text(), e.Member("max").Text()
	if low == "" && high == "" {
		return ""
	}
	return low + ".." + high
}

func (g *Guide) types(e fhir.Node) []part {
	var out []part
	for t := range e.All("type") {
		out = append(out, part{Text: t.Member("code").Text(), Code: true})
		for p := range t.All("targetProfile") {
			out = append(out, g.canonical(p.Text()))
		}
		for p := range t.All("profile") {
			out = append(out, g.canonical(p.Text()))
		}
	}
	return out
}

// bound is what a value must be: of a value set, or fixed.
func (g *Guide) bound(e fhir.Node) []part {
	var out []part
	if set := e.At("binding", "valueSet").Text(); set != "" {
		out = append(out, g.canonical(set), part{Text: e.At("binding", "strength").Text()})
	}
	for m := range e.Children() {
		name := m.Name()
		if !strings.HasPrefix(name, "fixed") && !strings.HasPrefix(name, "pattern") {
			continue
		}
		text := m.Raw()
		if m.Shape() != fhir.Object {
			out = append(out, g.canonical(m.Text()))
			continue
		}
		out = append(out, part{Text: strings.Join(strings.Fields(text), " "), Code: true})
	}
	return out
}

// questionnaire shows the questions, in every language.
func questionnaire(g *Guide, n fhir.Node, lang string) []section {
	s := section{Key: "questions", Columns: []string{"question", "link", "kind", "answers"}}
	g.questions(&s, n, lang, 0)
	return []section{s}
}

func (g *Guide) questions(s *section, n fhir.Node, lang string, depth int) {
	for q := range n.All("item") {
		text := list(spokenParts(textsOf(q, "text"), lang)...)
		text.Deep = min(depth, 4)
		kind := []part{{Text: q.Member("type").Text(), Code: true}}
		for _, flag := range []string{"required", "repeats"} {
			if q.Member(flag).Text() == "true" {
				kind = append(kind, part{Text: word(flag, lang)})
			}
		}
		answers := cell{}
		if set := q.Member("answerValueSet").Text(); set != "" {
			answers = list(g.canonical(set))
		}
		s.Rows = append(s.Rows, row{text, symbol(q.Member("linkId").Text()), list(kind...), answers})
		g.questions(s, q, lang, depth+1)
	}
}

// codeSystem shows the codes, with their names in every language there is.
func codeSystem(_ *Guide, n fhir.Node, lang string) []section {
	s := section{Key: "codes", Columns: []string{"code", "display", "definition"}}
	addConcepts(&s, n, lang, 0)
	return []section{s}
}

func addConcepts(s *section, n fhir.Node, lang string, depth int) {
	for c := range n.All("concept") {
		names := map[string]string{languageOf(c): c.Member("display").Text()}
		for d := range c.All("designation") {
			names[d.Member("language").Text()] = d.Member("value").Text()
		}
		s.Rows = append(s.Rows, row{deep(c.Member("code").Text(), depth), list(spokenParts(names, lang)...), in(languageOf(c), c.Member("definition").Text())})
		addConcepts(s, c, lang, depth+1)
	}
}

// valueSet shows what a value set is made of.
func valueSet(g *Guide, n fhir.Node, lang string) []section {
	s := section{Key: "made", Columns: []string{"system", "codes"}}
	for _, how := range []string{"include", "exclude"} {
		for x := range n.All("compose", how) {
			var codes []part
			for c := range x.All("concept") {
				codes = append(codes, coded(c).Parts...)
			}
			for f := range x.All("filter") {
				codes = append(codes, part{Text: f.Member("property").Text() + " " + f.Member("op").Text() + " " + f.Member("value").Text(), Code: true})
			}
			for set := range x.All("valueSet") {
				codes = append(codes, g.canonical(set.Text()))
			}
			if codes == nil {
				codes = []part{{Text: word("every", lang)}}
			}
			from := []part{g.canonical(x.Member("system").Text())}
			if how == "exclude" {
				from = append([]part{{Text: word("without", lang)}}, from...)
			}
			s.Rows = append(s.Rows, row{list(from...), list(codes...)})
		}
	}
	return []section{s}
}

// coded is a code with its name.
func coded(n fhir.Node) cell {
	return list(part{Text: n.Member("code").Text(), Code: true}, part{Text: n.Member("display").Text(), Lang: "nl"})
}

// conceptMap shows every pair with its comment, and what has no target.
func conceptMap(g *Guide, n fhir.Node, lang string) []section {
	var out []section
	for group := range n.All("group") {
		s := section{
			Key: "map", Columns: []string{"from", "relation", "to", "comment"},
			Of: []part{g.canonical(group.Member("source").Text()), {Text: "→"}, g.canonical(group.Member("target").Text())},
		}
		for e := range group.All("element") {
			from := coded(e)
			if e.Member("target").Len() == 0 {
				s.Rows = append(s.Rows, row{from, plain(word("none", lang)), cell{}, cell{}})
			}
			for t := range e.All("target") {
				s.Rows = append(s.Rows, row{
					from, symbol(t.Member("equivalence").Text()),
					coded(t),
					in("nl", t.Member("comment").Text()),
				})
			}
		}
		out = append(out, s)
	}
	return out
}

func operation(_ *Guide, n fhir.Node, _ string) []section {
	s := section{Key: "parameters", Columns: []string{"name", "use", "card", "kind", "about"}}
	for p := range n.All("parameter") {
		s.Rows = append(s.Rows, row{
			symbol(p.Member("name").Text()), plain(p.Member("use").Text()), plain(cardinality(p)),
			symbol(p.Member("type").Text()), in("en", p.Member("documentation").Text()),
		})
	}
	return []section{s}
}

func searchParameter(_ *Guide, n fhir.Node, _ string) []section {
	var bases []part
	for b := range n.All("base") {
		bases = append(bases, part{Text: b.Text(), Code: true})
	}
	return []section{{Key: "parameters", Columns: []string{"name", "kind", "base.of", "expression"}, Rows: []row{{
		symbol(n.Member("code").Text()), symbol(n.Member("type").Text()), list(bases...), symbol(n.Member("expression").Text()),
	}}}}
}

// contents lists what the ImplementationGuide names.
func contents(g *Guide, n fhir.Node, lang string) []section {
	s := section{Key: "contents", Columns: []string{"name", "about"}}
	for r := range n.All("definition", "resource") {
		it := g.items[r.At("reference", "reference").Text()]
		if it == nil {
			continue
		}
		name := list(part{Text: it.titleIn(lang), Href: it.href()}, part{Text: string(it.resource.Type()), Code: true})
		s.Rows = append(s.Rows, row{name, in("en", r.Member("description").Text())})
	}
	return []section{s}
}
