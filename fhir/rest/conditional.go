package rest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/search"
)

// formats are the parameters of a URL that shape the answer and are no condition.
var formats = [...]string{"_format", "_pretty"}

// condition reads the query of a conditional change. It must say something: a change of whatever is
// there is nobody's intention.
func (s *Server) condition(t fhir.Type, text string) (*exchange.Where, error) {
	const op = "rest.condition"
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil, fhir.Errorf(fhir.BadRequest, op, "invalid", "query-form", "The query is not properly percent-encoded.")
	}
	for _, name := range formats {
		query.Del(name)
	}
	plan, issues := search.Parse(t, query, search.Options{Base: s.Base, Count: 2, Terms: s.Terms.Search()})
	if fhir.HasErrors(issues) {
		return nil, &fhir.Error{Kind: fhir.BadRequest, Op: op, Issues: issues}
	}
	if len(plan.Where) == 0 {
		return nil, fhir.Errorf(fhir.BadRequest, op, "required", "condition-empty",
			"Name the id in the path, or give search parameters that match one resource.")
	}
	plan.Count, plan.Total, plan.Sort, plan.Include, plan.Select = 2, false, nil, nil, fhir.Selection{}
	return &exchange.Where{Plan: plan, Query: query}, nil
}

func chiID(r *http.Request) string { return chi.URLParam(r, "id") }

// ifMatch reads a weak ETag of a version; 0 without the header. The ETag of a reduced resource
// never matches (access.md 3.4).
func ifMatch(header string) (int, error) {
	if header == "" {
		return 0, nil
	}
	text, ok := strings.CutPrefix(header, `W/"`)
	if !ok {
		text, ok = strings.CutPrefix(header, `"`)
	}
	text, end := strings.CutSuffix(text, `"`)
	v, err := strconv.Atoi(text)
	if !ok || !end || err != nil || v < 1 {
		return 0, fhir.Errorf(fhir.Precondition, "rest.ifMatch", "conflict", "if-match",
			`Send the ETag of the version that you read, such as W/"3".`)
	}
	return v, nil
}

// stands reports whether a read found what the client says that it has: by ETag, else by time.
func stands(r *http.Request, out exchange.Served) bool {
	if len(r.Header.Values("If-None-Match")) > 0 {
		return holds(r, etag(out))
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !out.Updated.Truncate(time.Second).After(since)
}

// holds reports whether the client has what bears the tag already.
func holds(r *http.Request, tag string) bool {
	own := strings.TrimPrefix(tag, "W/")
	for tag := range strings.SplitSeq(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == own {
			return true
		}
	}
	return false
}

func etag(out exchange.Served) string {
	v := strconv.Itoa(out.Ref.Version)
	if out.Reduced {
		v += "-r"
	}
	return `W/"` + v + `"`
}

// versionHeaders sets ETag and Last-Modified.
func versionHeaders(w http.ResponseWriter, out exchange.Served) {
	w.Header().Set("ETag", etag(out))
	w.Header().Set("Last-Modified", out.Updated.UTC().Format(http.TimeFormat))
}

func preferred(r *http.Request) string {
	for _, h := range r.Header.Values("Prefer") {
		for p := range strings.FieldsFuncSeq(h, func(c rune) bool { return c == ',' || c == ';' || c == ' ' }) {
			if v, ok := strings.CutPrefix(p, "return="); ok {
				return v
			}
		}
	}
	return ""
}
