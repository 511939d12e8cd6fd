package guide

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/docs"
	"github.com/drieluik/drieluik/fhir"
)

// view is what the layout shows. Kind says which of the lower members it uses.
type view struct {
	Kind, Title, Lang string
	Language          string // of title and text, when it is not Lang
	Style             string
	Path              string // of this page
	keep              string // the language goes with every link: it was asked for in the address
	Languages         []language
	Schemas           []schema

	Groups   []group
	Artefact artefact
	Blocks   []block
}

type language struct{ Code, Name string }

// languages of the pages; the first is the default.
var languages = []language{{"nl", "Nederlands"}, {"sv", "Svenska"}, {"en", "English"}}

func (g *Guide) view(r *http.Request, name string) view {
	v := view{Path: Root + name, Style: Root + g.style, Languages: languages, Schemas: g.schemas, Lang: preferred(r.Header.Get("Accept-Language"))}
	if _, text := docs.Named(name); g.items[name] == nil && !text {
		v.Path = Root
	}
	if asked := r.URL.Query().Get("lang"); spoken(asked) {
		v.Lang, v.keep = asked, "?lang="+asked
	}
	return v
}

func spoken(code string) bool {
	return slices.ContainsFunc(languages, func(l language) bool { return l.Code == code })
}

// preferred is the language of the pages that an Accept-Language header likes best.
func preferred(header string) string {
	best, weight := languages[0].Code, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, q, weighed := strings.Cut(strings.TrimSpace(part), ";")
		code, _, _ := strings.Cut(strings.ToLower(tag), "-")
		w := 1.0
		if weighed {
			w, _ = strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(q), "q="), 64) // what is no number weighs nothing
		}
		if spoken(code) && w > weight {
			best, weight = code, w
		}
	}
	return best
}

// T returns a phrase in the language of the page; an unknown key is an error.
func (v view) T(key string) (string, error) {
	text := word(key, v.Lang)
	if text == "" {
		return "", fmt.Errorf("guide: no phrase %q", key)
	}
	return text, nil
}

// To is the address of a page of this site, in the language that was asked for.
func (v view) To(path string) string { return path + v.keep }

// schema is the JSON Schema of a source format.
type schema string

// Href is its address.
func (s schema) Href() string { return Root + string(s) }

// Name is that of the format: the version stands behind the last hyphen.
func (s schema) Name() string {
	name := strings.TrimSuffix(string(s), ".schema.json")
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		return name[:i] + "/" + name[i+1:]
	}
	return name
}

// Package is the address of the FHIR package.
func (v view) Package() string { return Root + "package.tgz" }

// Texts are the pages for integrators.
func (v view) Texts() []docs.Page { return docs.Pages() }

// Text is the address of one of them.
func (v view) Text(p docs.Page) string { return v.To(Root + p.Path) }

// Home is the address of the index.
func (v view) Home() string { return v.To(Root) }

// Title is the title of an artefact in a language.
func (i *item) Title(lang string) string { return i.titleIn(lang) }

// Href is the address of the page of an artefact.
func (i *item) Href() string { return i.href() }

// ID is the id of an artefact.
func (i *item) ID() string { return i.resource.ID() }

// About is one sentence on an artefact, in a language where it has that, else as it was written.
func (i *item) About(lang string) part {
	n := i.resource.Root()
	if text := textsOf(n, "description")[lang]; text != "" {
		return part{Text: text, Lang: lang}
	}
	return part{Text: n.Member("description").Text(), Lang: "en"}
}

// Key is the heading of a group; Items are its artefacts.
func (g group) Key() string { return g.key }

// Items are the artefacts of a group.
func (g group) Items() []*item { return g.items }

// titleIn is the title in a language, where the artefact has one.
func (i *item) titleIn(lang string) string {
	return cmp.Or(textsOf(i.resource.Root(), "title")[lang], i.title)
}

// groupOf is the heading under which an artefact stands.
func groupOf(r *fhir.Resource) string {
	switch {
	case artifacts.IsExample(r):
		return "examples"
	case r.Root().Member("type").Text() == "Extension":
		return "extensions"
	}
	return string(r.Type())
}

// headings are the groups of the index in their order.
var headings = []string{
	"ImplementationGuide", "StructureDefinition", "extensions", "Questionnaire", "CodeSystem", "ValueSet", "ConceptMap",
	"SearchParameter", "OperationDefinition", "Basic", "examples",
}

// grouped sorts the artefacts under the headings, by title.
func grouped(all []*fhir.Resource, items map[string]*item) []group {
	by := map[string][]*item{}
	for _, r := range all {
		by[groupOf(r)] = append(by[groupOf(r)], items[r.Ref().String()])
	}
	var out []group
	for _, key := range headings {
		slices.SortStableFunc(by[key], func(a, b *item) int { return cmp.Compare(strings.ToLower(a.title), strings.ToLower(b.title)) })
		if by[key] != nil {
			out = append(out, group{key, by[key]})
		}
	}
	return out
}
