package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// Serves reports whether a type has one of the Interactions: the rows of the log have no versions.
func Serves(t fhir.Type, interaction string) bool {
	return t != "AuditEvent" || !strings.HasPrefix(interaction, "history")
}

// history serves GET /_history, /Type/_history and /Type/id/_history, and the links to further pages.
func (s *Server) history(w http.ResponseWriter, r *http.Request) error {
	ask, i, path, err := historyOf(r)
	if err != nil {
		return err
	}
	if !Serves(ask.Ref.Type, string(i)) {
		return s.unknownPath(w, r)
	}
	c, err := s.caller(r, i, ask.Ref.Type)
	if err != nil {
		return err
	}
	ask.Query, ask.Cursor, err = s.pastQuery(r, c.Principal, path)
	if err == nil {
		err = readParams(ask.Query, &ask, pastParams, "history-parameter",
			"A history takes _since (an instant), _at (a date or time) and _count (a number from 1), each once.")
	}
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, i, ask.Ref.Type, err)
	}
	out, err := s.Exchange.History(r.Context(), c, ask)
	if err != nil {
		return err
	}
	b := bundle{ResourceType: "Bundle", Type: "history"}
	if out.Total >= 0 {
		b.Total = &out.Total
	}
	if b.Link, err = s.pageLinks(c.Principal, path, ask.Query, out.Next); err != nil {
		return err
	}
	for _, v := range out.Versions {
		b.Entry = append(b.Entry, s.historyEntry(v))
	}
	return writeBundle(w, http.StatusOK, b)
}

// historyOf reads whose history a path asks for: of one resource, of a type, of the whole.
func historyOf(r *http.Request) (ask exchange.Past, i auth.Interaction, path string, err error) {
	ask.Count, i, path = defaultCount, auth.HistoryType, "_history"
	switch {
	case chiID(r) != "":
		i = auth.HistoryInstance
		ask.Ref, err = refOf(r)
		path = ask.Ref.String() + "/" + path
	case chi.URLParam(r, "type") != "":
		ask.Ref.Type, err = typeOf(r)
		path = string(ask.Ref.Type) + "/" + path
	}
	return ask, i, path, err
}

// pastQuery reads the parameters of a paged answer at a path: from the URL, or from a sealed page link.
func (s *Server) pastQuery(r *http.Request, p auth.Principal, path string) (query url.Values, cursor string, err error) {
	const op = "rest.pastQuery"
	if query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, "", fhir.Errorf(fhir.BadRequest, op, "invalid", "query-form", "The query is not properly percent-encoded.")
	}
	if token := query.Get(pageParam); token != "" {
		page, err := s.pages.open(token)
		if err != nil || page.Path != path || page.Holder != holder(p) {
			return nil, "", linkForeign(op)
		}
		if query, err = url.ParseQuery(page.Query); err != nil {
			return nil, "", fhir.Wrap(op, err)
		}
		cursor = page.Cursor
	}
	for _, name := range formats {
		query.Del(name)
	}
	return query, cursor, nil
}

// pageLinks are the links of a page: to itself, and sealed to the next one.
func (s *Server) pageLinks(p auth.Principal, path string, query url.Values, next string) ([]bundleLink, error) {
	base := s.Base + "/" + path
	links := []bundleLink{{Relation: "self", URL: selfLink(base, query)}}
	if next == "" {
		return links, nil
	}
	token, err := s.pages.seal(page{Path: path, Query: query.Encode(), Cursor: next, Holder: holder(p)})
	return append(links, bundleLink{Relation: "next", URL: base + "?" + pageParam + "=" + token}), fhir.Wrap("rest.page", err)
}

func linkForeign(op string) error {
	return &fhir.Error{Kind: fhir.Forbidden, Op: op, Reason: "link-foreign", Issues: []fhir.Issue{{
		Severity: fhir.SeverityError, Code: "forbidden", Diagnostics: "link-foreign",
		Text: "This page link is not yours or was changed; start again at the first page.",
	}}}
}

// pastParams are the parameters of a history; each reports whether it could read its value.
var pastParams = map[string]func(ask *exchange.Past, value string) bool{
	"_count": func(ask *exchange.Past, value string) bool { return countParam(&ask.Count, value) },
	"_since": func(ask *exchange.Past, value string) bool {
		span, ok := instants(value)
		ask.Since = span[0]
		return ok
	},
	"_at": func(ask *exchange.Past, value string) bool {
		var ok bool
		ask.At, ok = instants(value)
		return ok
	},
}

// countParam reads a page size.
func countParam(count *int, value string) bool {
	n, err := strconv.Atoi(value)
	*count = min(n, maxCount)
	return err == nil && n > 0
}

// instants reads a date or time as its first instant and the one behind its last, as a search does.
func instants(text string) ([2]time.Time, bool) {
	plan, issues := search.Parse("Basic", url.Values{"_lastUpdated": {text}}, search.Options{Count: 1})
	if len(issues) > 0 || len(plan.Where) != 1 || len(plan.Where[0].Values) != 1 || plan.Where[0].Values[0].Op != search.Eq {
		return [2]time.Time{}, false
	}
	v := plan.Where[0].Values[0]
	return [2]time.Time{time.UnixMilli(int64(v.Low)), time.UnixMilli(int64(v.High))}, true
}

// historyEntry renders a version with the request that made it and what that answered.
func (s *Server) historyEntry(v exchange.Version) bundleEntry {
	ref := v.Ref.Current().String()
	method, target, status := http.MethodPut, ref, http.StatusOK
	switch {
	case v.Deleted:
		method, status = http.MethodDelete, http.StatusNoContent
	case v.Ref.Version == 1:
		method, target, status = http.MethodPost, string(v.Ref.Type), http.StatusCreated
	}
	return bundleEntry{
		FullURL: s.Base + "/" + ref, Resource: v.Body,
		Request:  &bundleRequest{Method: method, URL: target},
		Response: &bundleResponse{Status: statusLine(status), ETag: etag(v.Served), LastModified: v.Updated.UTC().Format(instantForm)},
	}
}

// instantForm is how a Bundle writes instants.
const instantForm = "2006-01-02T15:04:05.000Z07:00"

func statusLine(status int) string { return fmt.Sprintf("%d %s", status, http.StatusText(status)) }
