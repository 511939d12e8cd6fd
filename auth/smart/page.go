package smart

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

// maxPageForm bounds the form of a page in bytes (smart.md 5.1).
const maxPageForm = 16 << 10

// pages are the templates, texts and the one stylesheet.
type pages struct {
	templates map[string]*template.Template
	texts     map[string]phrase
	assets    map[string]asset // by name, which changes with the content
	css, icon string           // names of those that a page links to
}

func pageNames() []string {
	return []string{"login", "child", "consent", "confirm", "continue", "refused", "error", "apps", "withdraw", "logout", "staff", "opened", "emergency"}
}

func newPages() (*pages, error) {
	p := &pages{templates: map[string]*template.Template{}, texts: indexedPhrases(), assets: map[string]asset{}}
	var err error
	if p.css, err = p.add("app", ".css", "text/css; charset=utf-8"); err != nil {
		return nil, err
	}
	if p.icon, err = p.add("icon", ".svg", "image/svg+xml"); err != nil {
		return nil, err
	}
	for _, name := range pageNames() {
		t, err := template.ParseFS(pageFiles, "pages/layout.html", "pages/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.templates[name] = t
	}
	return p, nil
}

// screen is what a template shows. Body is the page's own view.
type screen struct {
	Page   string // template
	Title  string // key
	App    string // client name, for the title
	Login  string // who is logged in
	Switch bool   // the page can change its language: a GET shows it again
	Body   any

	Lang      string
	CSS, Icon string
	Languages []languageLink
	texts     map[string]phrase
}

type languageLink struct{ Lang, Name, URL string }

// T returns a phrase in the language of the page, with name and value pairs filled in.
func (s screen) T(key string, pairs ...string) (string, error) {
	p, known := s.texts[key]
	if !known {
		return "", fmt.Errorf("no phrase %q", key)
	}
	return fill(p.in(s.Lang), pairs)
}

// visit is one request of a browser to a page.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	pairs   []pair // query of a GET, body of a POST
	lang    string
	address string
	id      string // X-Request-Id
	flow    Secret // of the interaction, once it was found
	texts   map[string]phrase
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// value returns a parameter that was sent exactly once.
func (v *visit) value(name string) string {
	if all := v.all(name); len(all) == 1 {
		return all[0]
	}
	return ""
}

func (v *visit) all(name string) []string {
	var out []string
	for _, p := range v.pairs {
		if p.name == name {
			out = append(out, p.value)
		}
	}
	return out
}

// t returns a phrase in the language of the visit; an unknown key shows as nothing and fails the
// tests of the pages.
func (v *visit) t(key string, pairs ...string) string {
	text, err := screen{Lang: v.lang, texts: v.texts}.T(key, pairs...)
	if err != nil {
		return ""
	}
	return text
}

// page wraps a handler of pages: headers, method, parameters, origin of forms, errors.
func (s *Server) page(handle func(*visit) error) http.Handler {
	return s.visits(maxPageForm, true, handle)
}

func (s *Server) visits(limit int64, ownForms bool, handle func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.pageHeaders(w.Header())
		v := &visit{w: w, r: r, address: addressOf(r), id: s.requestID(w.Header()), texts: s.pages.texts, lang: languages()[0]}
		err := s.readVisit(v, limit)
		if err == nil && r.Method == http.MethodPost && ownForms && !s.sameOrigin(r) {
			err = forged()
		}
		if err == nil {
			err = handle(v)
		}
		if err != nil {
			s.showFault(v, err)
		}
	})
}

// pageHeaders are those of every page (smart.md 5.1).
func (s *Server) pageHeaders(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if strings.HasPrefix(s.base, "https:") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// readVisit reads method, parameters and language.
func (s *Server) readVisit(v *visit, limit int64) error {
	text := v.r.URL.RawQuery
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		if !isForm(v.r.Header) {
			return refuse("form.type")
		}
		body, err := readAll(v.w, v.r, limit)
		if err != nil {
			return err
		}
		text = string(body)
	default:
		v.w.Header().Set("Allow", "GET, HEAD, POST")
		return refuse("form.method")
	}
	kept := ""
	if c, err := v.r.Cookie(cookieLanguage); err == nil {
		kept = c.Value
	}
	v.lang = languageOf("", kept, v.r.Header)
	if int64(len(text)) > limit {
		return refuse("form.size")
	}
	pairs, err := parsePairs(text)
	if err != nil {
		return err
	}
	v.pairs = pairs
	if asked := v.value("lang"); v.r.Method != http.MethodPost && slices.Contains(languages(), asked) {
		setCookie(v.w, cookieLanguage, asked, int((365 * day).Seconds()))
		v.lang = asked
	}
	v.lang = languageOf(v.value("ui_locales"), v.lang, v.r.Header)
	return nil
}

// sameOrigin reports whether a form was sent by one of our own pages. Of a page with Referrer-Policy
// no-referrer, as ours are, browsers send the origin null (Fetch, "append a request Origin header"):
// it tells as little as none.
func (s *Server) sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 || len(origins) == 1 && origins[0] == "null" {
		return r.Header.Get("Sec-Fetch-Site") == "same-origin"
	}
	return len(origins) == 1 && origins[0] == s.base
}

// show renders a page.
func (s *Server) show(v *visit, status int, sc screen) error {
	sc.Lang, sc.texts = v.lang, s.pages.texts
	sc.CSS, sc.Icon = "/auth/assets/"+s.pages.css, "/auth/assets/"+s.pages.icon
	if sc.Switch {
		sc.Languages = languageLinks(v, sc.Page)
	}
	var b bytes.Buffer
	if err := s.pages.templates[sc.Page].ExecuteTemplate(&b, "layout", sc); err != nil {
		return fmt.Errorf("page %s: %w", sc.Page, err)
	}
	v.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	v.w.WriteHeader(status)
	if _, err := v.w.Write(b.Bytes()); err != nil {
		s.log.Debug("answer_cut", "error", err) // the browser has gone
	}
	return nil
}

// languageLinks lead to the same page in the other languages. They are addresses of a GET: what a
// form sent is not sent again.
func languageLinks(v *visit, page string) []languageLink {
	names := map[string]string{"nl": "Nederlands", "sv": "Svenska", "en": "English"}
	kept, path := v.kept(page), v.r.URL.Path
	if strings.HasPrefix(path, upstreamPath) { // the way to a provider and back is gone once
		path = "/auth/login"
	}
	var links []languageLink
	for _, lang := range languages() {
		link := languageLink{Lang: lang, Name: names[lang]}
		if lang != v.lang {
			kept.Set("lang", lang)
			link.URL = path + "?" + kept.Encode()
		}
		links = append(links, link)
	}
	return links
}

// kept returns the parameters with which a GET shows the page again, and none that the browser made
// up: those of a broken request stay out, and without them it is as broken.
func (v *visit) kept(page string) url.Values {
	q := url.Values{}
	if id := cmp.Or(v.flow, Secret(v.value("ixn"))); id.is(prefixInteraction) {
		q.Set("ixn", id.Reveal())
	}
	if page == "consent" { // not the short page that asks once more
		q.Set("choose", "1")
	}
	if page == "withdraw" { // the page is there because this names a consent
		q.Set("stop", v.value("stop"))
	}
	return q
}

// seeOther sends the browser on with a GET, never with the form again.
func (v *visit) seeOther(to string) error {
	h := v.w.Header()
	h.Del("Content-Type")
	h.Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}
