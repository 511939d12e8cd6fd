package rest

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed app/index.html app/*.js app/*.css app/*.svg
var appFiles embed.FS

// Addresses of the parents' page. Its other files live below a folder named by their hash.
const (
	appPath   = "/app/"
	filesMark = "@files/" // stands in index.html for that folder
)

// appPolicy lets the page run its own scripts, call its own server, and nothing else. Trusted types
// forbid it to make HTML of text.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// appFile is one answer of App.
type appFile struct {
	body  []byte
	kind  string
	cache string
}

const (
	cacheNever   = "no-store"
	cacheForever = "public, max-age=31536000, immutable"
)

// appContent returns the files of the parents' page by path, without config.json.
var appContent = sync.OnceValues(readApp)

func readApp() (map[string]appFile, error) {
	sum, names := sha256.New(), []string{}
	bodies := map[string][]byte{}
	err := fs.WalkDir(appFiles, "app", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := appFiles.ReadFile(name)
		names, bodies[name] = append(names, name), body
		sum.Write(body)
		return err
	})
	if err != nil {
		return nil, err
	}
	folder := hex.EncodeToString(sum.Sum(nil))[:16] + "/"
	out := map[string]appFile{}
	for _, name := range names {
		out[appPath+folder+path.Base(name)] = appFile{bodies[name], appKind(name), cacheForever}
	}
	delete(out, appPath+folder+"index.html")
	index := bytes.ReplaceAll(bodies["app/index.html"], []byte(filesMark), []byte(folder))
	out[appPath] = appFile{index, appKind("index.html"), cacheNever}
	return out, nil
}

// appKind is the media type of a file name, whatever tables the machine has.
func appKind(name string) string {
	return map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json",
	}[path.Ext(name)]
}

// App serves the parents' page at /app/: static files, and config.json, which tells the page under
// which client id it is registered. The page is an ordinary SMART public client of this server and
// gets no right by standing beside it.
func App(clientID string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Use GET.", http.StatusMethodNotAllowed)
			return
		}
		if r.URL.Path == strings.TrimSuffix(appPath, "/") {
			http.Redirect(w, r, appPath, http.StatusPermanentRedirect)
			return
		}
		f, err := appAnswer(r.URL.Path, clientID)
		switch {
		case err != nil:
			http.Error(w, "The page cannot be served.", http.StatusInternalServerError)
		case f.body == nil:
			http.Error(w, "There is no such page.", http.StatusNotFound)
		default:
			writeApp(w, f)
		}
	})
}

// appAnswer finds a file, or makes config.json; a path that it does not know has no body.
func appAnswer(name, clientID string) (appFile, error) {
	if name != appPath+"config.json" {
		files, err := appContent()
		return files[name], err
	}
	body, err := json.Marshal(map[string]string{"client_id": clientID, "fhir": "../fhir"})
	return appFile{body, appKind(name), cacheNever}, err
}

func writeApp(w http.ResponseWriter, f appFile) {
	h := w.Header()
	for name, value := range map[string]string{
		"Content-Type": f.kind, "Cache-Control": f.cache, "Content-Security-Policy": appPolicy,
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy": "camera=(), microphone=(), geolocation=()",
	} {
		h.Set(name, value)
	}
	_, _ = w.Write(f.body) // nobody is left to tell
}
