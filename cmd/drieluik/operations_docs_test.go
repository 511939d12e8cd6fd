package main_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestWhatOperatorsAreGivenNamesMetricsThatExist holds the dashboard, the rules and the page to what a
// server tells, both ways.
func TestWhatOperatorsAreGivenNamesMetricsThatExist(t *testing.T) {
	t.Parallel()
	sv := newSite(t).start(t)
	sv.login(t, "homecare", "").get(t, "/fhir/Patient/none")
	_, text := sv.operator(t, "/metrics")
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(text, -1) {
		known[m[1]] = true
	}
	told := map[string]bool{}
	for _, name := range []string{"grafana.json", "prometheus-rules.yaml", "../operations.md"} {
		b, err := os.ReadFile("../../docs/operations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range regexp.MustCompile(`\bdrieluik_[a-z_]+\b`).FindAllString(string(b), -1) {
			base := word
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, part)
			}
			told[base] = true
			if !known[base] && !known[word] {
				t.Errorf("%s names %s, which no server tells", name, word)
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "drieluik_") && !told[name] {
			t.Errorf("%s is told nowhere in docs", name)
		}
	}
}

// TestTheFilesForOperatorsAreWellFormed reads them as the programs do that take them, as far as that goes here,
// and holds flags and settings in them to the binary.
func TestTheFilesForOperatorsAreWellFormed(t *testing.T) {
	t.Parallel()
	read := func(name string) []byte {
		b, err := os.ReadFile("../../docs/operations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !json.Valid(read("grafana.json")) {
		t.Error("the dashboard is no JSON")
	}
	var rules struct {
		Groups []struct{ Rules []map[string]any }
	}
	if err := yaml.Unmarshal(read("prometheus-rules.yaml"), &rules); err != nil || len(rules.Groups) != 1 {
		t.Fatalf("the rules: %v", err)
	}
	for _, rule := range rules.Groups[0].Rules {
		if rule["alert"] == nil || rule["expr"] == nil || rule["annotations"] == nil {
			t.Errorf("a rule without %v", rule)
		}
	}
	var kinds []string
	for d := yaml.NewDecoder(strings.NewReader(string(read("kubernetes.yaml")))); ; {
		var one struct {
			Kind string
			Data map[string]string
		}
		if d.Decode(&one) != nil {
			break
		}
		kinds = append(kinds, one.Kind)
		if one.Kind == "ConfigMap" {
			if out, stderr, code := tool(t, "serve", "--check", "--config", resourceFile(t, "k.yaml", one.Data["drieluik.yaml"])); code != 0 {
				t.Errorf("its settings: %s %s", out, stderr)
			}
		}
	}
	if !slices.Contains(kinds, "Deployment") || !slices.Contains(kinds, "ConfigMap") {
		t.Errorf("kinds %v", kinds)
	}
	help, _, _ := tool(t, "serve", "--help")
	for _, file := range []string{"Dockerfile", "kubernetes.yaml", "drieluik.service"} {
		for _, m := range regexp.MustCompile(`DRIELUIK_[A-Z_]+`).FindAllString(string(read(file)), -1) {
			flag := "--" + strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(m, "DRIELUIK_"), "_", "-"))
			if !strings.Contains(help, flag) {
				t.Errorf("%s sets %s, and serve has no %s", file, m, flag)
			}
		}
	}
}
