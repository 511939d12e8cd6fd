package smart

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/drieluik/drieluik/fhir"
)

// origins returns where a client's pages may call from: as registered, else the origins of its web
// redirect URIs (smart.md 1).
func (c *Client) origins() []string {
	if len(c.Origins) > 0 {
		return c.Origins
	}
	var out []string
	for _, redirect := range c.RedirectURIs {
		if u, err := url.Parse(redirect); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			out = append(out, u.Scheme+"://"+u.Host)
		}
	}
	return out
}

// AllowsOrigin reports whether an active client's page of the origin may call the server.
func (s *Server) AllowsOrigin(ctx context.Context, origin string) (bool, error) {
	if s.family == nil || !isOrigin(origin) {
		return false, nil
	}
	values, err := s.registry.c.Store.Settings(ctx, clientPrefix)
	if err != nil {
		return false, &fhir.Error{Kind: fhir.Unavailable, Op: "smart.AllowsOrigin", Err: err}
	}
	for _, value := range values {
		var c Client
		if err := json.Unmarshal(value, &c); err != nil {
			return false, fhir.Wrap("smart.AllowsOrigin", err)
		}
		if c.Status == StatusActive && slices.Contains(c.origins(), origin) {
			return true, nil
		}
	}
	return false, nil
}

// preflight answers OPTIONS (SMART-311).
func (s *Server) preflight(w http.ResponseWriter, r *http.Request, methods, headers string) {
	h := w.Header()
	h.Add("Vary", "Origin")
	allowed, err := s.AllowsOrigin(r.Context(), r.Header.Get("Origin"))
	if err != nil {
		s.log.Error("preflight_failed", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if allowed {
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", headers)
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// crossOrigin lets a page of the client read the answer, and refuses a public client's call from a
// page that is not its own.
func (s *Server) crossOrigin(h http.Header, c *registered, r *http.Request) error {
	origins := r.Header.Values("Origin")
	if s.family == nil || len(origins) == 0 {
		return nil
	}
	h.Add("Vary", "Origin")
	if len(origins) == 1 && slices.Contains(c.origins(), origins[0]) {
		h.Set("Access-Control-Allow-Origin", origins[0])
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, X-Request-Id, Retry-After")
		return nil
	}
	if c.Type == TypePublic {
		return &fault{rule: "client.origin", client: c.party()}
	}
	return nil
}

// CrossOrigin wraps the FHIR endpoint (SMART-605): preflights of every active client's origin are
// answered; an answer may be read by pages of the token's client, and one to a dead or absent token
// by pages of every active client. It never allows credentials.
func (s *Server) CrossOrigin(next http.Handler) http.Handler {
	const (
		methods = "GET, HEAD, POST, PUT, PATCH, DELETE"
		headers = "authorization, content-type, accept, dpop, prefer, if-match, if-none-match, if-modified-since, if-none-exist, x-coordination-ack"
		exposed = "Location, Content-Location, ETag, Last-Modified, WWW-Authenticate, X-Request-Id, Retry-After, X-Coordination-Issue"
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if s.family == nil || origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			s.preflight(w, r, methods, headers)
			return
		}
		w.Header().Add("Vary", "Origin")
		allowed, err := s.mayRead(r, origin)
		if err != nil {
			s.log.Error("cross_origin_failed", "error", err) // without the header no page reads the answer
		}
		if allowed && err == nil {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", exposed)
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) mayRead(r *http.Request, origin string) (bool, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 1 {
		token, _ := presented(headers[0])
		a, err := s.recordOf(r.Context(), token)
		if err != nil {
			return false, err
		}
		if a != nil {
			c, found, err := s.registry.lookup(r.Context(), a.Client)
			return err == nil && found && slices.Contains(c.origins(), origin), err
		}
	}
	return s.AllowsOrigin(r.Context(), origin)
}
