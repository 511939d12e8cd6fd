package rest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/ecomap"
)

// likeness is one of the forms of a picture.
type likeness struct {
	media  string
	names  []string // that ask for it, media ranges too
	render func(ecomap.Network, ecomap.Style) []byte
}

// likenesses of $ecomap; the first is that of who does not say.
var likenesses = []likeness{
	{"image/svg+xml", []string{"svg", "image/svg+xml", "*/*", "image/*"}, ecomap.Network.SVG},
	{"text/html; charset=utf-8", []string{"html", "text/html", "text/*"}, ecomap.Network.HTML},
}

// likenessOf is the form that a name asks for.
func likenessOf(name string) (likeness, bool) {
	i := slices.IndexFunc(likenesses, func(f likeness) bool { return slices.Contains(f.names, name) })
	if i < 0 {
		return likeness{}, false
	}
	return likenesses[i], true
}

// isPicture reports whether a request asks for a picture, which is no JSON.
func isPicture(r *http.Request) bool {
	return r.Method != http.MethodPost && strings.HasSuffix(r.URL.Path, "/$ecomap")
}

// pictureIn reads in which form a request asks for: the one it likes best, of those that it likes alike the
// one it names first.
func pictureIn(r *http.Request) (likeness, error) {
	wanted := strings.Join(r.Header.Values("Accept"), ",")
	if f := r.URL.Query().Get("_format"); f != "" {
		wanted = strings.ReplaceAll(f, " ", "+") // "+" of an unescaped query
	}
	if _, ok := senderOf(r.Context()); ok {
		return likeness{}, fhir.Errorf(fhir.NotAcceptable, "rest.pictureIn", "not-supported", "format", "A Bundle holds no picture; ask for it in a request of its own.")
	}
	if strings.TrimSpace(wanted) == "" {
		return likenesses[0], nil
	}
	var best likeness
	liked := 0.0
	for alternative := range strings.SplitSeq(wanted, ",") {
		name, params, err := mime.ParseMediaType(strings.TrimSpace(alternative))
		q := 1.0
		if text, given := params["q"]; given && err == nil {
			q, err = strconv.ParseFloat(text, 64)
		}
		if f, known := likenessOf(name); known && err == nil && q > liked {
			best, liked = f, q
		}
	}
	if liked == 0 {
		return likeness{}, fhir.Errorf(fhir.NotAcceptable, "rest.pictureIn", "not-supported", "format", "Ask for image/svg+xml or text/html; a picture comes in nothing else.")
	}
	return best, nil
}

// styleIn reads in which language, and how much of it, a request asks for a picture.
func styleIn(r *http.Request, query url.Values) (ecomap.Style, error) {
	style := ecomap.Style{Language: cmp.Or(query.Get("language"), preferredLanguage(r), ecomap.Languages[0])}
	detail := query.Get("detail")
	if !slices.Contains(ecomap.Languages, style.Language) || !slices.Contains([]string{"", "true", "false"}, detail) || len(query["language"]) > 1 || len(query["detail"]) > 1 {
		return style, fhir.Errorf(fhir.BadRequest, "rest.styleIn", "value", "operation-parameter", "Give language as nl, sv or en, and detail as true or false.")
	}
	style.Detail = detail == "true"
	return style, nil
}

// ecomap serves GET /CareTeam/id/$ecomap.
func (s *Server) ecomap(w http.ResponseWriter, r *http.Request) error {
	f, err := pictureIn(r)
	if err != nil {
		return err
	}
	ref, c, query, err := s.reporting(w, r, "CareTeam", "ecomap", "language", "detail")
	if err != nil {
		return err
	}
	style, err := styleIn(r, query)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Read, ref.Type, err)
	}
	network, version, err := s.Exchange.Ecomap(r.Context(), c, ref, style.Detail)
	if err != nil {
		return err
	}
	body := f.render(network, style)
	tag := fmt.Sprintf(`"%d-%x"`, version.Version, sha256.Sum256(body)) // of the reader's view
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-store")
	h.Add("Vary", "Accept, Accept-Language, Authorization")
	h.Set("Content-Language", style.Language)
	if holds(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Content-Type", f.media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
}
