package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drieluik/drieluik/auth/state"
	"github.com/drieluik/drieluik/auth/state/statetest"
)

func TestStateContract(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of durable commits")
	}
	statetest.Run(t, func(t *testing.T, clock func() time.Time) statetest.State {
		s, err := state.New(openAt(t, t.TempDir()), clock)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestSettingsAreKeptByKey(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	ctx := context.Background()
	for _, kv := range [][2]string{{"client/a", "een"}, {"client/b", "twee"}, {"client/b", "drie"}, {"user/a", ""}, {"cliënt", "x"}, {"clientx", "y"}} {
		if err := s.SaveSetting(ctx, kv[0], []byte(kv[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SaveSetting(ctx, "clientx", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir)
	for prefix, want := range map[string]map[string][]byte{
		"client/": {"client/a": []byte("een"), "client/b": []byte("drie")},
		"cli":     {"client/a": []byte("een"), "client/b": []byte("drie"), "cliënt": []byte("x")},
		"%":       {},
		"":        {"client/a": []byte("een"), "client/b": []byte("drie"), "cliënt": []byte("x"), "user/a": {}},
	} {
		got, err := s.Settings(ctx, prefix)
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
			t.Errorf("prefix %q: %v (-want +got):\n%s", prefix, err, d)
		}
	}
	for key, want := range map[string]string{"client/b": "drie", "user/a": "", "clientx": "-", "schema": "-"} {
		value, ok, err := s.Setting(ctx, key)
		got := string(value)
		if !ok {
			got = "-"
		}
		if got != want || err != nil {
			t.Errorf("%s: %q, %v; want %q", key, got, err, want)
		}
	}
}
