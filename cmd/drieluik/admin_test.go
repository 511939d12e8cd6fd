package main_test

import (
	"encoding/json"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// metric returns the sum of the samples that begin with a name and have all the labels.
func metric(t *testing.T, text, name string, labels ...string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		has := true
		for _, label := range labels {
			has = has && strings.Contains(rest, label)
		}
		n, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			t.Fatal(err)
		}
		if has {
			sum += n
		}
	}
	return sum
}

// TestTheOperatorSeesWhatTheServerDoesAndOfNobody: each number moves with what it counts, and no label has
// more than words of ours.
func TestTheOperatorSeesWhatTheServerDoesAndOfNobody(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	c := sv.login(t, "homecare", "")
	if r := c.push(t, sample(t, "boris/01-kind.json")); r.status != http.StatusCreated {
		t.Fatalf("%d %s", r.status, r.body)
	}
	_, found := c.get(t, "/fhir/Patient")
	id, _ := list(found, "entry")[0]["resource"].(map[string]any)["id"].(string)
	c.get(t, "/fhir/Patient/"+id)
	c.get(t, "/fhir/Patient/none")
	c.status(t, "/nothing/"+id)
	if _, err := c.do("FOO"+id, "/fhir/Patient", "", nil); err != nil {
		t.Fatal(err)
	}
	status, text := sv.operator(t, "/metrics")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	const requests = "drieluik_request_seconds_count"
	for _, row := range []struct {
		name   string
		labels []string
		least  float64
	}{
		{requests, []string{`route="/fhir/$submit"`, `method="POST"`, `code="201"`}, 1},
		{requests, []string{`route="/fhir/{type}/{id}"`, `code="200"`}, 1}, {requests, []string{`route="/fhir/{type}/{id}"`, `code="404"`}, 1},
		{requests, []string{`route="/auth/token"`, `code="200"`}, 1}, {requests, []string{`route="none"`, `code="404"`}, 1}, {requests, []string{`method="other"`}, 1},
		{"drieluik_decisions_total", []string{`outcome="permitted"`}, 10}, {"drieluik_commit_units_count", nil, 3}, {"drieluik_commit_seconds_sum", nil, 0.000_001},
		{"drieluik_policy_cache_total", []string{`result="hit"`}, 1}, {"drieluik_policy_cache_total", []string{`result="miss"`}, 1},
		{"drieluik_commit_queue_room", nil, 1024}, {"drieluik_auth_events_total", nil, 1}, {"drieluik_build_info", nil, 1},
		{"process_resident_memory_bytes", nil, 1e6}, {"drieluik_rules_of_time_total", []string{`what="children"`}, 0},
	} {
		if n := metric(t, text, row.name, row.labels...); n < row.least {
			t.Errorf("%s%v is %v, want at least %v", row.name, row.labels, n, row.least)
		}
	}
	if n := metric(t, text, "drieluik_filter_leak_total"); n != 0 || !strings.Contains(text, "\ndrieluik_filter_leak_total 0") {
		t.Errorf("filter leaks: %v", n)
	}
	for _, never := range []string{id, "FOO", "999912148", "homecare", "90000001"} {
		if strings.Contains(text, never) {
			t.Errorf("the metrics say %q", never)
		}
	}
	if odd := regexp.MustCompile(`route="[^"]*[:\[*][^"]*"`).FindString(text); odd != "" {
		t.Errorf("a label is an expression: %s", odd)
	}
}

func TestTheListenerOfTheOperatorIsNotThePublicOne(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	anybody := &caller{base: sv.base, http: http.DefaultClient}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
		if got := anybody.status(t, path); got != http.StatusNotFound {
			t.Errorf("%s is public: %d", path, got)
		}
		if got, _ := sv.operator(t, path); got != http.StatusOK {
			t.Errorf("%s for the operator: %d", path, got)
		}
	}
	status, text := sv.operator(t, "/readyz")
	var ready struct {
		Ready bool
		Parts []struct {
			Name  string
			Ready bool
		}
	}
	if err := json.Unmarshal([]byte(text), &ready); err != nil || status != http.StatusOK || !ready.Ready || len(ready.Parts) != 2 || ready.Parts[1].Name != "audit" {
		t.Errorf("readyz: %d %s %v", status, text, err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{taken.Addr().String(): "another --admin-listen", ":8081": "HOST:PORT", "nonsense": "HOST:PORT"} {
		if _, stderr, code := tool(t, "serve", "--store", "sqlite:"+t.TempDir(), "--listen", "127.0.0.1:0", "--admin-listen", address); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d %s", address, code, stderr)
		}
	}
	if none := newSite(t).start(t, "--admin-listen", "off"); operatorLine.MatchString(none.log.String()) {
		t.Error("off listens")
	}
}
