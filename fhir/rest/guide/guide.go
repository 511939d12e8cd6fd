// Package guide serves /ig/: the published artefacts as pages for people, as JSON and as a FHIR package,
// the JSON Schemas of the source formats, and how to send a first transfer. It needs no token, knows no
// patient data and runs no script.
package guide

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drieluik/drieluik/conformance/artifacts"
	"github.com/drieluik/drieluik/docs"
	"github.com/drieluik/drieluik/fhir"
)

//go:embed pages
var pageFiles embed.FS

// Root is the address under which the pages are.
const Root = "/ig/"

// Site serves the Guide, which it makes when somebody first asks for a page. It is safe for concurrent use.
type Site struct{ guide func() (*Guide, error) }

// NewSite returns a site that holds nothing yet.
func NewSite() Site { return Site{sync.OnceValues(New)} }

// ServeHTTP answers GET and HEAD below Root.
func (s Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g, err := s.guide()
	if err != nil {
		http.Error(w, unservable, http.StatusInternalServerError)
		return
	}
	g.ServeHTTP(w, r)
}

const unservable = "The page cannot be served."

// Guide is the content of the site of the published artefacts. It never changes, and is safe for concurrent use.
type Guide struct {
	items     map[string]*item // by Type/id
	groups    []group          // in the order of the index
	files     map[string]file  // by path below Root
	templates *template.Template
	style     string // path of the stylesheet
	schemas   []schema
}

// item is one published artefact.
type item struct {
	resource *fhir.Resource
	title    string
}

func (i *item) href() string { return Root + i.resource.Ref().String() }

// file is served as it is.
type file struct {
	body []byte
	kind string
	mark string // ETag
}

// group is a heading of the index with its artefacts.
type group struct {
	key   string // of words
	items []*item
}

// New reads the artefacts. An error is a fault of the build.
func New() (*Guide, error) {
	const op = "guide.New"
	all, err := artifacts.All()
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	g := &Guide{items: map[string]*item{}, files: map[string]file{}}
	for _, r := range all {
		it := &item{resource: r, title: cmp.Or(r.Root().Member("title").Text(), r.Root().At("code", "text").Text())}
		if it.title == "" {
			it.title = r.ID()
		}
		g.items[r.Ref().String()] = it
		g.files[r.Ref().String()+".json"] = newFile(r.Bytes(), "application/fhir+json")
	}
	g.groups = grouped(all, g.items)
	if err := g.addFiles(); err != nil {
		return nil, fhir.Wrap(op, err)
	}
	g.templates, err = template.New("").ParseFS(pageFiles, "pages/*.html")
	return g, fhir.Wrap(op, err)
}

func (g *Guide) addFiles() error {
	tgz, err := artifacts.Package()
	if err != nil {
		return err
	}
	schemas, err := artifacts.Schemas()
	if err != nil {
		return err
	}
	css, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		return err
	}
	g.files["package.tgz"] = newFile(tgz, "application/gzip")
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		g.schemas = append(g.schemas, schema(name))
		g.files[name] = newFile(schemas[name], "application/schema+json")
	}
	sheet := newFile(css, "text/css; charset=utf-8")
	g.style = "style-" + strings.Trim(sheet.mark, `"`) + ".css"
	g.files[g.style] = sheet
	return nil
}

func newFile(body []byte, kind string) file {
	sum := sha256.Sum256(body)
	return file{body, kind, `"` + hex.EncodeToString(sum[:8]) + `"`}
}

// ServeHTTP answers GET and HEAD below Root.
func (g *Guide) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Use GET.", http.StatusMethodNotAllowed)
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, Root)
	if !below {
		http.Redirect(w, r, Root, http.StatusPermanentRedirect)
		return
	}
	if f, ok := g.files[name]; ok {
		send(w, r, f)
		return
	}
	w.Header().Set("Vary", "Accept, Accept-Language") // an address of a page answers programs in JSON
	if it, ok := g.items[name]; ok && wantsJSON(r) {
		send(w, r, g.files[it.resource.Ref().String()+".json"])
		return
	}
	body, status, err := g.page(r, name)
	if err != nil {
		http.Error(w, unservable, http.StatusInternalServerError)
		return
	}
	if status != http.StatusOK {
		headers(w, "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write(body) // nobody is left to tell
		return
	}
	send(w, r, newFile(body, "text/html; charset=utf-8"))
}

// wantsJSON reports whether a program asks: it accepts JSON and no page.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "html")
}

func headers(w http.ResponseWriter, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if !strings.HasPrefix(kind, "text/html") {
		h.Set("Access-Control-Allow-Origin", "*") // everybody may read it, tools in a browser too
	}
}

func send(w http.ResponseWriter, r *http.Request, f file) {
	headers(w, f.kind)
	w.Header().Set("ETag", f.mark)
	http.ServeContent(w, r, path.Base(r.URL.Path), time.Time{}, bytes.NewReader(f.body))
}

// page renders the page of a path below Root: the index, an artefact, how to begin; else that there is
// none.
func (g *Guide) page(r *http.Request, name string) ([]byte, int, error) {
	v := g.view(r, name)
	status := http.StatusOK
	text, isText := docs.Named(name)
	switch it := g.items[name]; {
	case name == "":
		v.Kind, v.Title, v.Groups = "index", word("title", v.Lang), g.groups
	case isText:
		v.Kind, v.Title, v.Language, v.Blocks = "text", text.Title, "en", blocksOf(text.Text)
	case it != nil:
		v.Kind, v.Title, v.Artefact = "artefact", it.titleIn(v.Lang), g.artefact(it, v)
	default:
		status = http.StatusNotFound
		v.Kind, v.Title = "missing", word("missing", v.Lang)
	}
	var b bytes.Buffer
	if err := g.templates.ExecuteTemplate(&b, "layout", v); err != nil {
		return nil, 0, fmt.Errorf("guide: page %s: %w", v.Kind, err)
	}
	return b.Bytes(), status, nil
}

// Canonicals leads a browser that opens the canonical of an artefact under /fhir/ to its page; everything
// else goes to next. Programs, which accept no HTML, are not led anywhere.
func (s Site) Canonicals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, below := strings.CutPrefix(r.URL.Path, "/fhir/")
		if r.Method != http.MethodGet || !below || !strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("Authorization") != "" {
			next.ServeHTTP(w, r)
			return
		}
		g, err := s.guide()
		if err != nil || g.items[name] == nil {
			next.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, g.items[name].href(), http.StatusSeeOther)
	})
}
