package guide

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// artefact is the page of one artefact.
type artefact struct {
	Type, ID, JSON string
	About          part
	Facts          []fact
	Sections       []section
	Source         string // of an example
}

// fact is a line at the head.
type fact struct {
	Key   string // of words
	Parts []part
}

// section is a table.
type section struct {
	Key     string   // of words
	Of      []part   // what the table is of, behind the heading
	Columns []string // of words; the first column is the head of its row
	Rows    []row
}

type row []cell

// filled leaves out the columns in which nothing stands.
func (s section) filled() section {
	for i := len(s.Columns) - 1; i >= 0; i-- {
		if slices.ContainsFunc(s.Rows, func(r row) bool { return r[i].Parts != nil }) {
			continue
		}
		s.Columns = slices.Delete(s.Columns, i, i+1)
		for j := range s.Rows {
			s.Rows[j] = slices.Delete(s.Rows[j], i, i+1)
		}
	}
	return s
}

// cell holds lines; Deep is how far it is set in.
type cell struct {
	Parts []part
	Deep  int
}

// part is a piece of text, with a language that is not that of the page, or an address.
type part struct {
	Text, Lang, Href string
	Code             bool
}

func plain(text string) cell    { return cell{Parts: parts(part{Text: text})} }
func in(lang, text string) cell { return cell{Parts: parts(part{Text: text, Lang: lang})} }
func symbol(text string) cell   { return cell{Parts: parts(part{Text: text, Code: true})} }
func deep(text string, by int) cell {
	return cell{Parts: parts(part{Text: text, Code: true}), Deep: min(max(by, 0), 4)}
}
func list(all ...part) cell { return cell{Parts: parts(all...)} }

// parts leaves out what is empty.
func parts(all ...part) []part {
	var out []part
	for _, p := range all {
		if p.Text != "" {
			out = append(out, p)
		}
	}
	return out
}

// tables make the sections of the artefacts of a type.
var tables = map[fhir.Type]func(g *Guide, n fhir.Node, lang string) []section{
	"StructureDefinition": structure, "Questionnaire": questionnaire, "CodeSystem": codeSystem, "ValueSet": valueSet,
	"ConceptMap": conceptMap, "OperationDefinition": operation, "SearchParameter": searchParameter, "ImplementationGuide": contents,
}

func (g *Guide) artefact(it *item, v view) artefact {
	r := it.resource
	n := r.Root()
	a := artefact{Type: string(r.Type()), ID: r.ID(), About: it.About(v.Lang), JSON: it.href() + ".json"}
	for _, f := range []struct{ key, member string }{{"canonical", "url"}, {"version", "version"}, {"status", "status"}} {
		if text := n.Member(f.member).Text(); text != "" {
			a.Facts = append(a.Facts, fact{f.key, []part{{Text: text, Code: true}}})
		}
	}
	if base := n.Member("baseDefinition").Text(); base != "" {
		a.Facts = append(a.Facts, fact{"base", []part{g.canonical(base)}})
	}
	var on []part
	for c := range n.All("context") {
		on = append(on, part{Text: c.Member("expression").Text(), Code: true})
	}
	if on != nil {
		a.Facts = append(a.Facts, fact{"context", on})
	}
	if text := n.Member("copyright").Text(); text != "" {
		a.Facts = append(a.Facts, fact{"copyright", []part{{Text: text, Lang: "nl"}}})
	}
	if of := tables[r.Type()]; of != nil {
		for _, s := range of(g, n, v.Lang) {
			a.Sections = append(a.Sections, s.filled())
		}
	} else {
		a.Source = indented(r.Bytes())
	}
	a.lead(v)
	return a
}

// lead makes every link to a page keep the language that was asked for.
func (a artefact) lead(v view) {
	to := func(all []part) {
		for i := range all {
			if all[i].Href != "" {
				all[i].Href = v.To(all[i].Href)
			}
		}
	}
	for _, f := range a.Facts {
		to(f.Parts)
	}
	for _, s := range a.Sections {
		to(s.Of)
		for _, r := range s.Rows {
			for _, c := range r {
				to(c.Parts)
			}
		}
	}
}

func indented(b []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, b, "", "  ") != nil {
		return string(b)
	}
	return out.String()
}

// canonical shows a canonical: ours leads to its page.
func (g *Guide) canonical(url string) part {
	plain, _, _ := strings.Cut(url, "|")
	name := strings.TrimPrefix(plain, fhir.Canonical+"/")
	if it := g.items[name]; it != nil {
		return part{Text: name, Href: it.href(), Code: true}
	}
	return part{Text: strings.TrimPrefix(url, "http://hl7.org/fhir/StructureDefinition/"), Code: true}
}

// textsOf returns the text of a member by language; what has no language is under "".
func textsOf(n fhir.Node, member string) map[string]string {
	out := map[string]string{}
	for x := range n.All("_"+member, "extension") {
		code, text := "", ""
		for p := range x.All("extension") {
			code += p.Member("valueCode").Text()
			text += p.Member("valueString").Text()
		}
		if code != "" {
			out[code] = text
		}
	}
	if len(out) > 0 {
		out[languageOf(n)] = n.Member(member).Text()
	}
	return out
}

// languageOf is the language in which an artefact is written.
func languageOf(n fhir.Node) string {
	return cmp.Or(n.Resource().Root().Member("language").Text(), "nl")
}

// spokenParts are texts in every language there is, that of the page first.
func spokenParts(texts map[string]string, lang string) []part {
	out := []part{{Text: texts[lang], Lang: lang}}
	for _, l := range languages {
		if l.Code != lang {
			out = append(out, part{Text: texts[l.Code], Lang: l.Code})
		}
	}
	return parts(out...)
}
