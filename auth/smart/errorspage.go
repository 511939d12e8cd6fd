package smart

import (
	"bytes"
	"html/template"
	"net/http"
)

// errorsTemplate is the public catalogue; error_uri of every refusal points into it.
const errorsTemplate = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors of the authorisation server</title></head>
<body><main><h1>Errors of the authorisation server</h1>
<p>Every refusal begins with a rule id. Rules are stable.</p>
{{range .}}<section id="{{.Rule}}"><h2><code>{{.Rule}}</code></h2>
<p>{{.Text}}</p>
<p>{{.Cure}}</p>
<p>Status {{.Status}}{{if .Code}}, <code>{{.Code}}</code>{{end}}. Requirement {{.Ref}}.</p></section>
{{end}}</main></body></html>
`

// errorRow is an entry of the catalogue as the page shows it.
type errorRow struct {
	Rule, Text, Cure, Code, Ref string
	Status                      int
}

// errorsPage answers GET /auth/errors (smart.md 10).
func (s *Server) errorsPage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	s.requestID(h)
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	page, err := s.renderErrors()
	if err != nil {
		s.log.Error("answer_failed", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "public, max-age=300")
	if _, err := w.Write(page); err != nil {
		s.log.Debug("answer_cut", "error", err) // the client has gone
	}
}

func (s *Server) renderErrors() ([]byte, error) {
	t, err := template.New("errors").Parse(errorsTemplate)
	if err != nil {
		return nil, err
	}
	var rows []errorRow
	for _, e := range catalogue() {
		full := s.faults[e.rule]
		text := full.sentence(&fault{name: "…"})
		rows = append(rows, errorRow{Rule: e.rule, Text: text, Cure: e.cure, Code: e.code, Ref: e.ref, Status: e.status})
	}
	var b bytes.Buffer
	if err := t.Execute(&b, rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
