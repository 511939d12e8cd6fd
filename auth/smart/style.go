package smart

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/drieluik/drieluik/fhir"
	"github.com/go-chi/chi/v5"
)

// stylePath is where style documents are.
const stylePath = "/auth/style/"

// styleMembers are those of a SMART style document: colours, lengths and fonts.
func styleMembers() map[string]func(string) bool {
	return map[string]func(string) bool{
		"color_background": isColour, "color_error": isColour, "color_highlight": isColour,
		"color_modal_backdrop": isColour, "color_success": isColour, "color_text": isColour,
		"dim_border_radius": isLength, "dim_font_size": isLength, "dim_spacing_size": isLength,
		"font_family_body": isFont, "font_family_heading": isFont,
	}
}

func isColour(s string) bool { return isStyleText(s, "#(),.% ") }
func isLength(s string) bool { return isStyleText(s, ".%") }
func isFont(s string) bool   { return isStyleText(s, ", '-") }

// isStyleText holds a value to letters, digits and what its kind needs: an app may paste it into CSS.
func isStyleText(s, more string) bool {
	return len(s) > 0 && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(more, r)
	})
}

// readStyle returns a style document in one order of members, so that the same content has the same
// address. false: it breaks a rule.
func readStyle(n fhir.Node) ([]byte, bool) {
	if n.Shape() != fhir.Object || n.Len() == 0 {
		return nil, false
	}
	rules, out := styleMembers(), map[string]string{}
	for m := range n.Children() {
		holds, known := rules[m.Name()]
		if !known || m.Shape() != fhir.String || !holds(m.Text()) {
			return nil, false
		}
		out[m.Name()] = m.Text()
	}
	doc, err := json.Marshal(out)
	return doc, err == nil
}

// keepStyle keeps a style document as long as the longest grant may need it, and returns the name
// under which it is served.
func (s *Server) keepStyle(ctx context.Context, doc []byte) (string, error) {
	sum := sha256.Sum256(doc)
	life := s.settings.RefreshMax + s.settings.SessionMax
	return hex.EncodeToString(sum[:]) + ".json", s.state.Put(ctx, kindStyle, sum, doc, life)
}

// style answers GET /auth/style/{name}: what smart_style_url leads to. Its name changes with its
// content.
func (s *Server) style(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	s.requestID(h)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	name, isJSON := strings.CutSuffix(chi.URLParam(r, "name"), ".json")
	sum, err := hex.DecodeString(name)
	if err != nil || !isJSON || len(sum) != sha256.Size || strings.ToLower(name) != name {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	doc, err := s.state.Get(r.Context(), kindStyle, [32]byte(sum))
	switch {
	case err != nil && fhir.KindOf(err) == fhir.NotFound:
		w.WriteHeader(http.StatusNotFound)
	case err != nil:
		h.Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		s.writeJSON(w, http.StatusOK, json.RawMessage(doc))
	}
}
