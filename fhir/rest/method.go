package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/fhir"
)

// methods are those that a router knows. It refuses every other before it looks at the path.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodOptions, http.MethodTrace, http.MethodConnect,
}

// KnownMethods answers a method that no router knows, such as PROPFIND, with an OperationOutcome
// where it meets the FHIR endpoint. all are the routes of the whole server.
func (s *Server) KnownMethods(all chi.Routes) func(http.Handler) http.Handler {
	refuse := s.handle(func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, m := range methods {
			if all.Match(chi.NewRouteContext(), m, r.URL.Path) {
				allowed = append(allowed, m)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fhir.Errorf(fhir.MethodNotAllowed, "rest.method", "not-supported", "method",
			"This path does not take this method; the Allow header lists those that it takes.")
	})
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ours := r.URL.Path == "/fhir" || strings.HasPrefix(r.URL.Path, "/fhir/")
			if ours && !slices.Contains(methods, r.Method) {
				refuse(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// allowedAfter is the Allow header of a refusal that policy gives, by its reason (access.md 3,
// step 2).
var allowedAfter = map[string]string{"immutable": "GET, HEAD", "delete-refused": "GET, HEAD, PUT"}
