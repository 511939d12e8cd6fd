package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// TestAStoreMovesIntoPostgres: who outgrows one machine takes everything along. What is read, found and told of the
// past is the same; logins stay; a record that comes again is known; the log is whole; the folder is closed.
func TestAStoreMovesIntoPostgres(t *testing.T) {
	t.Parallel()
	s, pg := newSite(t), storetest.StartPostgres(t)
	sv := s.startBehind(t)
	callers := map[string]*caller{"hospital": sv.full(t, "hospital"), "homecare": sv.full(t, "homecare")}
	pushes := map[string]string{"boris/01-kind.json": "homecare", "boris/02-kind-ziekenhuis.json": "hospital", "boris/04-hulpbehoeftescan-eerste.json": "homecare"}
	for file, who := range pushes {
		if r := callers[who].push(t, sample(t, file)); r.status != http.StatusCreated {
			t.Fatalf("%s: %d %.300s", file, r.status, r.body)
		}
	}
	child := callers["homecare"].entries(t, "/fhir/Patient")[0].(map[string]any)["resource"].(map[string]any)["id"].(string)
	paths := []string{
		"/fhir/Patient", "/fhir/Patient/" + child + "/_history", "/fhir/Condition?patient=" + child, "/fhir/QuestionnaireResponse?patient=" + child,
		"/fhir/RelatedPerson?patient=" + child + "&_sort=-_lastUpdated", "/fhir/CareTeam?patient=" + child + "&_include=CareTeam:participant",
	}
	before := callers["homecare"].all(t, paths)
	sv.kill()

	from, to := s.store(), pg.NewStore(t)
	if out, stderr, code := tool(t, "move", "--from", from, "--store", to); code != 0 || !strings.Contains(out, "--secret-file") {
		t.Fatalf("move: %d %s%s", code, out, stderr)
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "data", "secret.key"))
	if err == nil {
		err = os.WriteFile(s.secret(), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.address = to
	after := s.startBehind(t, "--secret-file", s.secret())
	for who, c := range callers {
		callers[who] = c.at(after)
	}
	if diff := cmp.Diff(before, callers["homecare"].all(t, paths)); diff != "" {
		t.Errorf("not the same after the move: %s", diff)
	}
	for file, who := range pushes {
		if r := callers[who].push(t, sample(t, file)); r.status != http.StatusOK {
			t.Errorf("%s again: %d %.300s", file, r.status, r.body)
		}
	}
	if r := callers["homecare"].push(t, sample(t, "boris/05-hulpbehoeftescan-herhaling.json")); r.status != http.StatusCreated {
		t.Errorf("what comes after the move: %d %.300s", r.status, r.body)
	}
	if out, stderr, code := s.tool(t, "audit", "verify"); code != 0 {
		t.Errorf("audit verify: %s%s", out, stderr)
	}
	if _, stderr, code := tool(t, "client", "list", "--store", from); code != 1 || !strings.Contains(stderr, "moved to PostgreSQL") {
		t.Errorf("the folder after the move: %d %s", code, stderr)
	}
	other := newSite(t)
	if _, stderr, code := tool(t, "move", "--from", other.store(), "--store", to); code != 1 || !strings.Contains(stderr, "holds data") {
		t.Errorf("into a database that is used: %d %s", code, stderr)
	}
	if _, stderr, code := tool(t, "client", "list", "--store", other.store()); code != 0 {
		t.Errorf("a move that was refused changed the folder: %s", stderr)
	}
}

// full gets a token of a system for all that it may do.
func (sv *server) full(t *testing.T, system string) *caller {
	t.Helper()
	form := askToken()
	form["scope"] = []string{"system/*.cruds"}
	r := sv.post(t, "/auth/token", sv.site.assertion(t, system), form)
	token, ok := object(t, r.body)["access_token"].(string)
	if !ok {
		t.Fatalf("no token: %d %s", r.status, r.body)
	}
	return &caller{base: sv.base, token: token, http: http.DefaultClient}
}

// entries are those of a Bundle.
func (c *caller) entries(t *testing.T, path string) []any {
	t.Helper()
	r, bundle := c.get(t, path)
	out, ok := bundle["entry"].([]any)
	if r.status != http.StatusOK || !ok || len(out) == 0 {
		t.Fatalf("%s: %d %.300s", path, r.status, r.body)
	}
	return out
}

// all are the entries that each path answers.
func (c *caller) all(t *testing.T, paths []string) map[string][]any {
	t.Helper()
	out := map[string][]any{}
	for _, path := range paths {
		out[path] = c.entries(t, path)
	}
	return out
}
