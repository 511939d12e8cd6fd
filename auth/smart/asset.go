package smart

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// asset is one file that the pages link to.
type asset struct {
	media string
	body  []byte
}

// add reads an asset and returns the name under which it is served.
func (p *pages) add(name, extension, media string) (string, error) {
	body, err := pageFiles.ReadFile("pages/" + name + extension)
	if err != nil {
		return "", fmt.Errorf("asset: %w", err)
	}
	sum := sha256.Sum256(body)
	served := name + "." + hex.EncodeToString(sum[:8]) + extension
	p.assets[served] = asset{media, body}
	return served, nil
}

// asset serves the stylesheet and the icon.
func (s *Server) asset(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	name := chi.URLParam(r, "name")
	found, ok := s.pages.assets[name]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h.Set("Content-Type", found.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(found.body))
}
