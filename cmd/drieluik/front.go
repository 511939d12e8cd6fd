package main

import (
	"context"
	"html/template"
	"net/http"
	"time"

	"github.com/drieluik/drieluik/fhir/exchange"
)

// frontPage is the page at the root: what this is and where to go.
var frontPage = template.Must(template.New("front").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>drieluik</title>
<main>
<h1>drieluik</h1>
<p>A FHIR R4 endpoint through which the transfer data of a child who is nursed at home moves between hospital, home care and family.</p>
<ul>
<li><a href="/app/">/app/</a>: the parents' page</li>
<li><a href="/ig/">/ig/</a>: profiles, questionnaires and code lists, and how to send a first transfer</li>
<li><a href="/fhir/metadata">/fhir/metadata</a>: what this server does (CapabilityStatement)</li>
<li><a href="/fhir/.well-known/smart-configuration">/fhir/.well-known/smart-configuration</a>: how to get a token</li>
<li><a href="/auth/errors">/auth/errors</a>: what the errors of the token endpoint mean</li>
<li><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>: alive, ready</li>
</ul>
<p>FHIR base: <code>{{.}}/fhir</code></p>
</main>
</html>
`))

func (a *app) front(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if err := frontPage.Execute(w, a.base); err != nil {
		a.log.Debug("client went away", "error", err.Error())
	}
}

// noIcon answers browsers that ask for an icon where a page names none.
func noIcon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=604800")
	w.WriteHeader(http.StatusNoContent)
}

func (a *app) healthy(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "alive\n") }

// ready tells whether the store answers, and Redis where there is one.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	status, text := http.StatusOK, ""
	for _, p := range a.parts() {
		if err := p.answers(ctx); err != nil {
			a.log.Error("not ready", "part", p.name, "error", err.Error())
			status, text = http.StatusServiceUnavailable, text+p.name+": no\n"
			continue
		}
		text += p.name + ": yes\n"
	}
	plain(w, status, text)
}

// needed is a part without which the server cannot answer.
type needed struct {
	name    string
	answers func(context.Context) error
}

// parts are the store, whether the log can be written, and Redis where there is one.
func (a *app) parts() []needed {
	out := []needed{{"store", a.storeAnswers}, {"audit", a.exchange.Writable}}
	if a.state.ready != nil {
		out = append(out, needed{"redis", a.state.ready})
	}
	return out
}

func (a *app) storeAnswers(ctx context.Context) error {
	return a.store.View(ctx, func(v exchange.Snapshot) error {
		_, err := v.Changes(0, 1)
		return err
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // nobody is left to tell
}
