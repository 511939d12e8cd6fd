package store_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/store"
	"github.com/drieluik/drieluik/fhir/store/storetest"
)

// open gives the contract suite one folder per test: a second open with the same t reopens it.
func open() func(*testing.T) exchange.Store {
	folders := map[string]string{}
	return func(t *testing.T) exchange.Store {
		dir, ok := folders[t.Name()]
		if !ok {
			dir = filepath.Join(t.TempDir(), "data")
			folders[t.Name()] = dir
		}
		return openAt(t, dir)
	}
}

// TestTheFolderMayBeRelative: the default store is ./data.
func TestTheFolderMayBeRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"./data", "data/of/drieluik"} {
		openAt(t, dir)
	}
}

func openAt(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), "sqlite:"+dir, store.Options{})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestStoreContract(t *testing.T) { storetest.Run(t, open()) }
