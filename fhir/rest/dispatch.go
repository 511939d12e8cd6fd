package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// senderKey holds the sender of a Bundle for the requests of its entries.
type senderKey struct{}

// sender is who sent a Bundle. trial is the path of an entry that is asked only to see whether it is
// refused; "" for an answer.
type sender struct {
	principal auth.Principal
	trial     string
}

func withSender(r *http.Request, s sender) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), senderKey{}, s))
}

func senderOf(ctx context.Context) (sender, bool) {
	s, ok := ctx.Value(senderKey{}).(sender)
	return s, ok
}

// dispatch sends the entries of a Bundle through the routes of single requests.
type dispatch struct {
	routes  http.Handler
	base    string
	request *http.Request // that brought the Bundle
	size    int           // bytes of the answers so far
}

// trial returns a dispatch that sends an entry to see whether it would be refused: a permitted answer
// is dropped and no access.
func (d *dispatch) trial(en bundleEntryIn) *dispatch {
	s, _ := senderOf(d.request.Context())
	s.trial = en.path
	return &dispatch{routes: d.routes, base: d.base, request: withSender(d.request, s)}
}

// bundleEntryIn is an entry of a batch or transaction as it was sent.
type bundleEntryIn struct {
	path                    string // FHIRPath of the entry
	method, url, fullURL    string
	body                    fhir.Node // the resource
	ifMatch, ifNoneExist    string
	ifNoneMatch, ifModified string
}

func readEntry(n fhir.Node, i int) bundleEntryIn {
	ask := n.Member("request")
	return bundleEntryIn{
		path: fmt.Sprintf("Bundle.entry[%d]", i), method: ask.Member("method").Text(), url: ask.Member("url").Text(),
		fullURL: n.Member("fullUrl").Text(), body: n.Member("resource"),
		ifMatch: ask.Member("ifMatch").Text(), ifNoneExist: ask.Member("ifNoneExist").Text(),
		ifNoneMatch: ask.Member("ifNoneMatch").Text(), ifModified: ask.Member("ifModifiedSince").Text(),
	}
}

// entryMethods are the methods of entries; true for those that write.
var entryMethods = map[string]bool{
	http.MethodGet: false, http.MethodHead: false, http.MethodPost: true, http.MethodPut: true,
	http.MethodPatch: true, http.MethodDelete: true,
}

// run answers one entry as a request of its own.
func (d *dispatch) run(en bundleEntryIn) *recorder {
	a := &recorder{header: http.Header{}, status: http.StatusOK}
	r, err := d.requestOf(en)
	if err == nil && d.size > maxAnswer {
		err = fhir.Errorf(fhir.TooLarge, "rest.dispatch", "too-costly", "bundle-answer",
			"The answer would be larger than %d bytes; ask for the rest in a further Bundle.", maxAnswer)
	}
	if err != nil {
		a.fail(err, en.path)
	} else {
		d.routes.ServeHTTP(a, r)
	}
	if en.method == http.MethodHead && a.status < http.StatusBadRequest {
		a.body.Reset()
	}
	d.size += a.body.Len()
	return a
}

// requestOf makes the request that an entry means. Its url is relative to the FHIR base.
func (d *dispatch) requestOf(en bundleEntryIn) (*http.Request, error) {
	const op = "rest.requestOf"
	if _, ok := entryMethods[en.method]; !ok {
		return nil, fhir.Errorf(fhir.BadRequest, op, "not-supported", "bundle-method", "The method is one of GET, HEAD, POST, PUT, PATCH and DELETE.")
	}
	target := strings.TrimPrefix(strings.TrimPrefix(en.url, d.base), "/")
	u, err := url.Parse(target)
	system := entryMethods[en.method] || target == ""
	if err != nil || u.Path == "" && system || u.Scheme != "" || u.Host != "" {
		return nil, fhir.Errorf(fhir.BadRequest, op, "invalid", "bundle-url", "The url of an entry is relative to the FHIR base, such as Patient/id.")
	}
	ctx := context.WithValue(d.request.Context(), chi.RouteCtxKey, routeTo("/"+u.EscapedPath()))
	media, body, err := en.content()
	if err != nil {
		return nil, err
	}
	method := en.method
	if method == http.MethodHead { // the body is left out of the answer
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(ctx, method, "/", bytes.NewReader(body))
	if err != nil {
		return nil, fhir.Wrap(op, err)
	}
	u.Path, u.RawPath = "/fhir/"+u.Path, ""
	r.URL, r.RemoteAddr = u, d.request.RemoteAddr
	if len(body) > 0 {
		r.Header.Set("Content-Type", media)
	}
	r.Header["Prefer"] = d.request.Header.Values("Prefer")
	r.Header[ackHeader] = d.request.Header.Values(ackHeader)
	if preferred(d.request) == "" {
		r.Header.Add("Prefer", "return=minimal")
	}
	for name, value := range map[string]string{
		"If-Match": en.ifMatch, "If-None-Exist": en.ifNoneExist, "If-None-Match": en.ifNoneMatch, "If-Modified-Since": httpTime(en.ifModified),
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r, nil
}

// content is the body of an entry's request, with its media type.
func (en bundleEntryIn) content() (string, []byte, error) {
	if !en.body.Exists() || !entryMethods[en.method] {
		return "", nil, nil
	}
	if en.method == http.MethodPatch {
		return patchContent(en.body)
	}
	return "application/fhir+json", []byte(en.body.Raw()), nil
}

// httpTime turns an instant of a Bundle into that of a header; "" for what is none.
func httpTime(instant string) string {
	t, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		return ""
	}
	return t.UTC().Format(http.TimeFormat)
}

// recorder keeps the answer to an entry.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *recorder) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *recorder) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *recorder) Write(b []byte) (int, error) { return a.body.Write(b) }

// fail answers an entry that is no request.
func (a *recorder) fail(err error, path string) {
	a.status = answers[fhir.KindOf(err)].status
	issues := issuesOf(err)
	for i := range issues {
		issues[i].Expression = path
	}
	if b, err := exchange.JSON(exchange.NewOutcome(issues)); err == nil {
		a.body.Write(b)
	}
}

// entry renders the answer as an entry of a response Bundle.
func (a *recorder) entry(base string) bundleEntry {
	e := bundleEntry{Response: &bundleResponse{
		Status: statusLine(a.status), Location: strings.TrimPrefix(a.header.Get("Location"), base+"/"), ETag: a.header.Get("ETag"),
	}}
	if t, err := http.ParseTime(a.header.Get("Last-Modified")); err == nil {
		e.Response.LastModified = t.UTC().Format(instantForm)
	}
	switch body := json.RawMessage(a.body.Bytes()); {
	case len(body) == 0:
	case a.status >= http.StatusBadRequest, bytes.HasPrefix(body, []byte(`{"resourceType":"OperationOutcome"`)):
		e.Response.Outcome = body
	default:
		e.Resource = body
	}
	return e
}

// pass gives the answer on as it is.
func (a *recorder) pass(w http.ResponseWriter) error {
	for _, name := range []string{"WWW-Authenticate", "Retry-After"} {
		if v := a.header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	return writeJSON(w, a.status, a.body.Bytes())
}
